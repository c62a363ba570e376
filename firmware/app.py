# The composition root: the only place where the electrical side, OCPP and the ports are wired together.
#
# Three paces: step() every 20 ms in a timer callback (safety, no allocation), tick() every 100 ms in the main task (OCPP
# decisions), and tasks for network and connection. The step acts by itself; the tick tells OCPP what became of it.
import asyncio
import gc

from evse import connector  # noqa: F401  what puts it together is cold
from ocpp16.charge_point import ChargePoint
from ocpp16.connection import Connection
from outlet import Outlet
import cold
import ticks

_STEP_MS = 20
_STEP_LEAST_MS = 10
_TICK_MS = 100
_FIRST_LOOK_MS = 1000  # what is plugged in is debounced by then: else it would seem unplugged after each start
_REPORT_MS = 60000
_GARBAGE = 6144  # bytes between two collections: the heap of the chip grows where this is not done (facts: TLS then fails)
_IDLE_TICKS = 50  # between two looks whether flash is to be erased ahead, while no contactor is closed
_STARVED = 50  # ticks in a row without the memory they need, then a restart
_PROOF_STEPS = 250
_ALONE_S = 600  # without an answer of the central system: a start on trial has failed then, any other is as good as it gets
_HUNGRY = 10  # the same until it is a security event
_MIN_MA = 6000
_EVENTS = "ocpp16.security_events"
_STANDING = ("board", "user", "load")  # those that are no matter of the cable or the moment


class Wallbox:
    """A whole charger over the parts it is given; many can live in one interpreter."""

    def __init__(self, board, store, ledgers, link, clock, settings, log, slot="a", version="0", report=print):
        self.board = board
        self.console = None  # a source of orders, see port.console
        self.clock = clock
        self.slot = slot
        self.proven = True  # False: the self-test of this start is due, see _prove
        self.settings = settings
        self.log = log
        self._link = link
        self._button = None  # while it is pressed
        self._booted = self._tampered = False
        self._print = report
        self._report_at = clock.now_ms()
        self._steps = self._seen_steps = self._starved = self._idle = 0
        self._stepping = False
        self._stepped_at = ticks.add(clock.now_ms(), -_STEP_MS)
        self._broken = None  # what a step died of
        n = len(board.connectors)
        self._shown = [None] * (3 + 4 * n)  # what the last report showed, and what the next one would:
        self._fresh = [None] * (3 + 4 * n)  # two lists that take turns, so that a quiet tick allocates nothing
        self.settings.fix("NumberOfConnectors", str(n))
        if not any([part.socket for part in board.connectors]):  # CFG-10: nothing to unlock
            self.settings.fix("UnlockConnectorOnEVSideDisconnect", "false")
        # Why a transaction ended that this start cut short.
        causes = {"power": "PowerLoss", "HardReset": "HardReset", "SoftReset": "SoftReset"}
        cause = causes.get(board.reset_cause, "Reboot")
        self.ocpp = ChargePoint(self.settings, store, ledgers, clock, self.log, version, n, cause, board.kept)
        self.ocpp.read = self._reading
        self.ocpp.link = link
        self.ocpp.diagnose = self._diagnose
        self.outlets = cold.call(
            "electrics", "outlets", board, settings, self.ocpp.transactions.registers, clock.now_ms(), Outlet
        )
        for outlet, c in zip(self.outlets, self.ocpp.connectors):
            c.energy_wh = outlet.evse.energy_wh
            c.has_lock = outlet.board.socket
            if outlet.evse.phase_switch:
                self.settings.fix("ConnectorSwitch3to1PhaseSupported", "true")
        self.ocpp.profiles.hardware = self._hardware
        link.hook = self.step
        self.connection = Connection(self.ocpp, link, clock, self.log)
        self.log.info("app", "pilotwire %s, slot %s, start by %s" % (version, slot, board.reset_cause))

    def step(self, timer=None):
        """The safety step, in a timer callback and between the slices of a TLS handshake: allocates nothing, tells nobody."""
        now = self.clock.now_ms()
        # Not within itself (the callback may come in the middle of the hook's), nor at once for callbacks that have piled up.
        if self._stepping or ticks.diff(now, self._stepped_at) < _STEP_LEAST_MS:
            return
        self._stepping = True
        self._stepped_at = now
        try:
            emergency = self.board.emergency()
            tampered = self.board.tamper()
            for outlet in self.outlets:
                outlet.evse.report("tamper", tampered)
                outlet.step(now, emergency)
            self._steps = (self._steps + 1) & 0xFFFF
        except Exception as e:  # a converter that does not answer: who can not see must not stay closed
            self.open()
            self._broken = e
        self._stepping = False

    def open(self):
        """Every contactor open, whatever there is to say against it."""
        for outlet in self.outlets:
            outlet.board.relay(False)
            outlet.board.relay2(False)

    def tick(self):
        """The slow path: OCPP learns what the electrical side did, and says what it may do."""
        now = self.clock.now_ms()
        if self._broken:
            raise self._broken
        if self._steps != self._seen_steps:  # a safety step that has stopped must not be kept alive
            self._seen_steps = self._steps
            self.board.feed()
        energised = False
        for outlet, c in zip(self.outlets, self.ocpp.connectors):
            evse = outlet.evse
            c.plugged = evse.plugged
            c.inserted = evse.inserted
            c.requesting = evse.requesting
            c.energised = evse.energised
            # The contactor is open for good, and its last Wh was read: in this order, as a step may come in between.
            c.live = evse.allowed or evse.relay or evse.energised or getattr(evse.meter, "behind", False)
            energised = energised or evse.energised
            c.offering = evse.limits.lowest_ma() >= _MIN_MA
            c.fault = evse.fault
            c.secured = evse.lock and evse.inputs.locked is not False if c.has_lock else True
            c.unlocked = not evse.lock and not evse.inputs.locked
            c.energy_wh = evse.energy_wh
        self._keep(now)
        self._press(now)
        tag = self.board.tag()
        self.ocpp.fault = "reader" if getattr(self.board.reader, "silent", False) else None
        if tag:
            self.log.info("app", "tag " + tag)
            self.ocpp.present(tag, now)
        order = self.console and self.console.order()
        if order:
            cold.call("orders", "obey", self, order)
        self.ocpp.tick(now)
        if not (self.proven or self.ocpp.transferring):  # which needs the room
            self._prove()
        for outlet, c in zip(self.outlets, self.ocpp.connectors):
            evse = outlet.evse
            ma, reason, phases = self.ocpp.profiles.limits[c.number - 1]
            evse.limits.set("ocpp", ma, reason)  # before anything is allowed: it holds from the first current on (SC-EVAL-09)
            if evse.phase_switch:
                evse.phase_switch.wanted = 1 if phases == 1 else 3
            # Withdrawn at any time: a plug must come out of a faulty box, too, or a fault that ends with it never does.
            if evse.allowed != c.allowed and not (c.allowed and evse.fault):
                evse.allow(c.allowed, now)
            evse.hold_lock = c.locked
        if self.ocpp.restart:
            self.board.restart(self.ocpp.restart)
        self.board.led(self.ocpp.connectors[0].status)
        self._idle = 0 if energised else self._idle + 1
        if self._idle >= _IDLE_TICKS:
            self._idle = 0
            if not self.ocpp.transactions.prepare() and self.log.kept:
                self.log.kept.prepare()
        self.connection.tick()
        self._tell(now)

    def _prove(self):
        """A start is good when the safety step has run for a while, flash can be written and the central system accepts us;
        if this loop stops, the watchdog bites."""
        alone = self.clock.uptime_s() >= _ALONE_S
        if self._steps >= _PROOF_STEPS and (self.ocpp.accepted or alone):
            cold.call("proof", "judge", self, alone)

    def _press(self, now):
        """The button; what a press does is in button.py."""
        down = self.board.button()
        if not down and not self._button:
            self._booted = True
            return
        if not self._button:
            self._button = cold.call("button", "make", not self._booted)
        event = self._button.step(down, now)
        if not down:
            self._button = None
        if event:
            cold.call("button", "act", self, event, now)

    def _keep(self, now):
        """Ask what is asked in the slow path; what a reset must not take goes into memory that outlives one."""
        tampered = self.board.tamper()
        if tampered and not self._tampered:
            cold.call(_EVENTS, "note", self.ocpp, "TamperDetectionActivated")
        self._tampered = tampered
        news = False
        for outlet in self.outlets:
            if outlet.board.meter:  # one that is asked
                outlet.board.meter.poll(now, outlet.evse.meter)
            news = outlet.news() or news
        if news:
            self.board.keep([value for o in self.outlets for value in (o.evse.energy_wh, o.evse.faults.latched)])
            for k, outlet in enumerate(self.outlets):
                worn = outlet.wear()
                if worn:
                    self.board.note_wear(k, worn)

    def _hardware(self, k):
        """(most mA, phases) that connector k + 1 can give, whatever a central system allows."""
        outlet = self.outlets[k]
        switch = outlet.evse.phase_switch
        most = min([ma for slot, ma, _ in outlet.evse.limits.items() if slot in _STANDING])
        return most, 1 if switch and not switch.three else outlet.board.phases

    def _reading(self, number):
        """What this hardware measures on a connector, in the order of meter_values.MEASURANDS."""
        evse = self.outlets[number - 1].evse
        return (
            evse.energy_wh,
            evse.power_w,
            getattr(evse.meter, "currents_ma", None),
            getattr(evse.meter, "voltages_mv", None),
            evse.offered_ma,
            evse.offered_ma * self._hardware(number - 1)[1] * self.settings.get("NominalVoltage") // 1000,
            evse.inputs.temperature_c10,
        )

    def _diagnose(self, start, stop):
        return cold.call("diagnosis", "lines", self, start, stop)

    def _complain(self):
        try:
            cold.call(_EVENTS, "note", self.ocpp, "MemoryExhaustion", "%d bytes of heap free" % gc.mem_free())
        except MemoryError:
            pass  # the restart says the rest

    def _tell(self, now):
        """Print one line "@{...}" when something has changed: what a supervisor or a monitor reads."""
        if not self._changed() and ticks.diff(now, self._report_at) < _REPORT_MS:
            return
        self._report_at = now
        gc.collect()  # `heap` of the report is what lives, without garbage and without what makes the report
        self._print("@" + cold.call("report", "line", self, gc.mem_alloc()))

    def _changed(self):
        ocpp, fresh = self.ocpp, self._fresh
        fresh[0] = ocpp.registration
        fresh[1] = ocpp.online
        fresh[2] = ocpp.transactions.queued
        at = 3
        for outlet, c in zip(self.outlets, ocpp.connectors):
            tx = c.transaction
            fresh[at] = outlet.evse.changes
            fresh[at + 1] = c.status
            fresh[at + 2] = tx
            fresh[at + 3] = tx and tx.id
            at += 4
        self._fresh, self._shown = self._shown, fresh
        return self._fresh != fresh

    async def run(self):
        """Run until a task dies; what follows is a restart, never a silent half-life."""
        tasks = [asyncio.create_task(self._link.run()), asyncio.create_task(self.connection.run())]
        self.board.every(_STEP_MS, self.step)
        self.board.feed()  # from here on the watchdog runs, even if the step never does
        await asyncio.sleep_ms(_FIRST_LOOK_MS)
        due = self.clock.now_ms()
        while True:
            for task in tasks:
                if task.done():
                    await task  # raises what it died of
                    raise RuntimeError("a task has ended")
            try:
                self.tick()
                self._starved = 0
            except MemoryError:  # what could not be done now is due again at the next tick
                self._starved += 1
                if self._starved > _STARVED:
                    raise
                gc.collect()
                if self._starved == _HUNGRY:
                    self._complain()
            due = ticks.add(due, _TICK_MS)
            await asyncio.sleep_ms(max(0, ticks.diff(due, self.clock.now_ms())))


def run(wallbox):
    """Run until something dies that must not; then everything is opened, and the board starts again."""
    gc.collect()
    gc.threshold(_GARBAGE)
    wallbox.log.info("app", "heap: %d used, %d free" % (gc.mem_alloc(), gc.mem_free()))
    try:
        asyncio.run(wallbox.run())
    except Exception as e:
        wallbox.log.exception("app", e)
        wallbox.open()
        wallbox.board.restart("crash")
