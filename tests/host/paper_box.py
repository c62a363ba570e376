"""A wallbox on paper for the bench page: a state that moves, words that are written down, and a real OCPP client if asked for."""

import asyncio
import contextlib
import json

import websockets
from websockets.typing import Subprotocol

from pilotwire.errors import PilotwireError
from pilotwire.sim import words


class PaperBox:
    """What the page needs of a `Supervisor`; `state()` moves 100 ms at each look while a car is plugged in.

    Attributes:
        asked: (word, fields) in order.
    """

    def __init__(self, number=1):
        self.number, self.asked = number, []
        self.time_ms = self.wh = 0
        self.plugged, self.status = False, "Available"

    async def do(self, word, **fields):
        words.check({"do": word, **fields})
        if word == "state":
            return self.state()
        self.asked.append((word, fields))
        if word == "plug":
            self.plugged, self.status = True, "Charging"
        elif word == "unplug":
            if not self.plugged:
                raise PilotwireError("nothing is plugged in at connector 1")
            self.plugged, self.status = False, "Available"
        elif word == "wait":
            self.time_ms += round(fields["timeout_s"] * 1000)
            if not words.holds(self.state(), fields["until"]):
                raise PilotwireError("not reached")
        return {}

    def state(self):
        self.time_ms += 100
        amps = (self.time_ms // 100 + self.number) % 17 if self.plugged else 0
        self.wh += amps
        connector = {
            "number": 1, "status": self.status, "state": "C2" if self.plugged else "A1", "fault": None,
            "transaction": {"id": self.number, "tag": "C0FFEE01", "start_wh": 0} if self.plugged else None,
            "limits": [{"slot": "board", "ma": 32000, "reason": ""}], "offered_ma": 16000 * self.plugged,
            "pilot_mv_high": 6000 if self.plugged else 12000, "pilot_mv_low": -12000 if self.plugged else 12000,
            "duty_permille": 267 if self.plugged else 1000, "relay": self.plugged, "closed": self.plugged,
            "locked": self.plugged, "rcd_tripped": False, "pilot_cut": False, "phases": 3, "temperature_c10": 300,
            "drawn_ma": [amps * 1000] * 3, "power_w": amps * 690, "energy_wh": self.wh, "plugged": self.plugged,
            "cable_a": 32 if self.plugged else None, "faults": [],
            "car": {"kind": "normal", "s2": True, "wants": True, "battery_wh": 40000.0} if self.plugged else None,
        }  # fmt: skip
        return {
            "version": "0.1.0", "slot": "a", "registered": "Accepted", "online": True, "queue": 0, "heap": 61234,
            "utc": "2026-11-22T10:00:00Z", "connectors": [connector], "power": "on", "reset_cause": 1, "network": True,
            "flash": {"reads": 194, "programs": self.time_ms // 1000, "erases": 1}, "uptime_ms": self.time_ms, "led": 1,
            "speed": 1, "time_ms": self.time_ms, "time_utc": "2026-11-22T10:10:02.740Z",
        }  # fmt: skip


class PaperCharger:
    """An OCPP client that says what it is told to say, and accepts every call."""

    def __init__(self, socket):
        self._socket, self._ids, self._answers = socket, 0, {}

    async def call(self, action, **payload):
        """The payload of the answer, None for a CALLERROR."""
        self._ids += 1
        future = self._answers[str(self._ids)] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps([2, str(self._ids), action, payload]))
        return await future

    async def read(self):
        async for text in self._socket:
            kind, unique, *rest = json.loads(text)
            if kind == 2:
                await self._socket.send(json.dumps([3, unique, {"status": "Accepted"}]))
            elif unique in self._answers:
                self._answers.pop(unique).set_result(rest[0] if kind == 3 else None)


@contextlib.asynccontextmanager
async def paper_charger(url, identity):
    """A `PaperCharger` that has said BootNotification."""
    async with websockets.connect(f"{url}/{identity}", subprotocols=[Subprotocol("ocpp1.6")]) as socket:
        charger = PaperCharger(socket)
        reading = asyncio.ensure_future(charger.read())
        try:
            await charger.call("BootNotification", chargePointVendor="paper", chargePointModel="box")
            yield charger
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
