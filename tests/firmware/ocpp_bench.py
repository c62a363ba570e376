"""A charge point on a bench: its clock, its flash, and a central system that is a list of what to answer.

    bench = Bench()
    bench.connect(); bench.plug(); bench.present("TAG")
    bench.sent            [(action, payload)] of every CALL so far
    bench.answers["Authorize"] = function(payload) -> payload, or None for no answer, or an error code
    bench.cut()           power off: everything in RAM is gone; bench.start() again from the same flash
"""

import gc
import json
import os
import sys

from ledger import Ledger
from log import Log
from nor import SECTOR, Nor, Region, blank
from ocpp16.charge_point import ChargePoint
from ocpp16.transactions import DATA, SAMPLE
from settings import Settings
from store import Store
import button
import iso8601
import isoformat
import ticks

TABLE = button.__file__.rsplit("/", 1)[0] + "/settings.txt"
T0 = iso8601.parse("2026-11-22T10:00:00Z")
TICK_MS = 100
_FLASH = blank(10)
# The transitions that the standard knows (STAT-03); faulted goes anywhere and is reached from anywhere.
_CABLE = ("Charging", "SuspendedEV", "SuspendedEVSE")
ALLOWED = {
    "Available": ("Preparing", "Reserved", "Unavailable") + _CABLE,
    "Preparing": ("Available", "Finishing") + _CABLE,
    "Charging": ("Available", "Finishing", "Unavailable") + _CABLE,
    "SuspendedEV": ("Available", "Finishing", "Unavailable") + _CABLE,
    "SuspendedEVSE": ("Available", "Finishing", "Unavailable") + _CABLE,
    "Finishing": ("Available", "Preparing", "Unavailable"),
    "Reserved": ("Available", "Preparing", "Unavailable"),
    "Unavailable": ("Available", "Preparing") + _CABLE,
}


class Clock:
    """A clock that a test moves."""

    def __init__(self, now_ms=0):
        self.ms = now_ms
        self.up_ms = 0
        self.base = None
        self.holds = 0

    def now_ms(self):
        return self.ms

    def uptime_s(self):
        return self.up_ms // 1000

    def utc(self):
        return None if self.base is None else self.base + self.uptime_s()

    def set_utc(self, seconds):
        self.base = seconds - self.uptime_s()

    def hold(self, n):
        self.holds += n

    def advance(self, ms):
        self.ms = ticks.add(self.ms, ms)
        self.up_ms += ms


class MemoryStore:
    """Small files in RAM; those that are opened by their path are real ones, in a directory that each bench begins with empty,
    or copies of those in RAM, to be read."""

    def __init__(self):
        self.files = {}
        self._disk = Store("data")
        for name in os.listdir("data"):
            os.remove("data/" + name)

    def path(self, name):
        if name in self.files:
            self._disk.write(name, self.files[name])
        return self._disk.path(name)

    def read(self, name, most=-1):
        if name in self.files:
            return self.files[name][: most if most >= 0 else None]
        return self._disk.read(name, most)

    def write(self, name, data):
        self.files[name] = bytes(data)

    def remove(self, name):
        self.files.pop(name, None)
        self._disk.remove(name)


def flash(sectors):
    """Erased flash: if it suffices, the piece of RAM that this file holds, so that it is none of the firmware's heap."""
    size = sectors * SECTOR
    nor = Nor(_FLASH, size) if size <= len(_FLASH) else Nor(bytearray(size))
    for address in range(0, nor.size, SECTOR):
        nor.erase(address)
    nor.erases = 0
    return nor


class Bench:
    def __init__(self, connectors=1, now_ms=0, sectors=7, events=0, **settings):  # by name: settings
        """events: sectors of the log of security events, behind the others; 0: they are not told, as most tests want it."""
        gc.collect()  # the bench before this one, in one piece: the heap is small
        self.count = connectors
        self._events = events
        self.nor = flash(sectors + events)
        self.store = MemoryStore()
        self.now_ms = now_ms
        self._world_ms = 0
        self.answers = {}
        self.sent = []
        self.replies = []  # [kind, id, ...] of every CALLRESULT and CALLERROR that the charger sent
        self.registers = [0] * connectors
        self.next_id = 1
        self.settings = {"MeterValueSampleInterval": "0"}
        self.settings.update(settings)
        self.lines = []
        self.start()

    def start(self, cause="PowerLoss"):
        self.clock = Clock(self.now_ms)
        settings = Settings(self.store, TABLE)
        for name, value in self.settings.items():
            settings.set(name, value)
        settings.fix("NumberOfConnectors", str(self.count))
        region = Region(self.nor, 0, self.nor.size // SECTOR)
        n = self.nor.size // SECTOR - self._events
        ledgers = [Ledger(region, (), 0, n - 4), Ledger(region, (SAMPLE, DATA), n - 4, 2), Ledger(region, (), n - 2, 2)]
        if self._events:
            ledgers.append((region, n, self._events))
        log = Log(print=self.lines.append)
        self.cp = ChargePoint(settings, self.store, ledgers, self.clock, log, "0.1.0", self.count, cause)
        self._last = [None] * self.count
        self.cp.profiles.hardware = lambda k: (32000, 3)
        self.cp.read = lambda number: (self.cp.connectors[number - 1].energy_wh, 7360, None, None, 32000, None, 250)
        for c in self.cp.connectors:
            c.energy_wh = self.cp.transactions.registers[c.number - 1]

    def cut(self):
        self.now_ms = ticks.add(self.clock.ms, 12345)
        self.cp = None

    def reboot(self, cause="PowerLoss"):
        state = [(c.plugged, c.inserted) for c in self.cp.connectors]
        self.cut()
        self.start(cause)
        for c, was in zip(self.cp.connectors, state):
            c.plugged, c.inserted = was

    # -- the link

    def connect(self):
        self.cp.connected(self.clock.ms)
        self.run(0)

    def disconnect(self):
        self.cp.disconnected()
        self.run(0)

    def exchange(self):
        """Let frames go to and fro until nothing moves."""
        while True:
            text = self.cp.next_frame(self.clock.ms)
            if text is None:
                return
            frame = json.loads(text) if isinstance(text, str) else parsed(text)
            if frame[0] != 2:
                self.replies.append(frame)
                continue
            _, unique, action, payload = frame
            schema_of_ours(action, payload)
            self.sent.append((action, payload))
            answer = self.answer(action, payload)
            if isinstance(answer, str):
                self.cp.receive(json.dumps([4, unique, answer, "", {}]), self.clock.ms)
            elif answer is not None:
                self.cp.receive(json.dumps([3, unique, answer]), self.clock.ms)

    def answer(self, action, payload):
        if action in self.answers:
            return self.answers[action](payload)
        if action == "BootNotification":
            return {"status": "Accepted", "currentTime": isoformat.format(self.world_s), "interval": 300}
        if action == "Heartbeat":
            return {"currentTime": isoformat.format(self.world_s)}
        if action == "StartTransaction":
            self.next_id += 1
            return {"transactionId": self.next_id - 1, "idTagInfo": {"status": "Accepted"}}
        if action == "Authorize":
            return {"idTagInfo": {"status": "Accepted"}}
        return {}

    def call(self, action, payload):
        """A CALL of the central system; the payload of the answer, or the error code."""
        self.cp.receive(json.dumps([2, "cs-%d" % len(self.replies), action, payload]), self.clock.ms)
        before = len(self.replies)
        self.exchange()
        reply = self.replies[before]
        return reply[2]

    # -- time and the electrical side

    def run(self, seconds):
        """Let time pass in ticks of 100 ms; at least one."""
        for _ in range(max(1, seconds * 1000 // TICK_MS)):
            self.cp.tick(self.clock.ms)
            self._check_transitions()
            self.exchange()
            self.clock.advance(TICK_MS)
            self._world_ms += TICK_MS

    def _check_transitions(self):
        for k, c in enumerate(self.cp.connectors):
            was, self._last[k] = self._last[k], c.status
            if was and was != c.status and "Faulted" not in (was, c.status):
                assert c.status in ALLOWED[was], was + " -> " + c.status

    @property
    def world_s(self):
        """The true time, which the central system tells."""
        return T0 + self._world_ms // 1000

    def plug(self, number=1):
        c = self.cp.connectors[number - 1]
        c.plugged = c.inserted = True
        self.run(0)

    def unplug(self, number=1):
        c = self.cp.connectors[number - 1]
        c.plugged = c.inserted = c.requesting = c.energised = False
        self.run(0)

    def charge(self, wh, number=1):
        """The car asks, the contactor closes if it is allowed to, and `wh` flow."""
        c = self.cp.connectors[number - 1]
        c.requesting = True
        c.energised = c.allowed
        if c.energised:
            c.energy_wh += wh
        self.run(1)

    def present(self, tag):
        self.cp.present(tag, self.clock.ms)
        self.run(0)  # Authorize and its answer
        self.run(0)  # what follows from it

    def actions(self, *wanted):
        return [a for a, _ in self.sent if not wanted or a in wanted]

    def payloads(self, action):
        return [p for a, p in self.sent if a == action]

    def statuses(self, number=1):
        return [p["status"] for p in self.payloads("StatusNotification") if p["connectorId"] == number]


def parsed(pieces):
    """The message that a charger sends in pieces, since it never has it as a whole."""
    if sys.implementation.name != "micropython":
        return json.loads("".join(pieces))
    with open("message", "w+b") as file:
        for piece in pieces:
            file.write(piece)
        file.seek(0)
        return json.load(file)


def schema_of_ours(action, payload):
    """What the charger sends has no null, nor the word for it."""
    assert isinstance(payload, dict)
    for value in payload.values():
        assert not nothing_in(value), action


def nothing_in(value):
    if isinstance(value, (dict, list)):
        return any(map(nothing_in, value.values() if isinstance(value, dict) else value))
    return value is None or isinstance(value, str) and "null" in value
