# The composition root: the only place where the electrical side, OCPP and the ports are wired together.
#
# Three paces: step() every 20 ms in a timer callback (safety, no allocation), tick() every 100 ms in the main task (OCPP
# decisions), and tasks for network and connection. The step acts by itself; the tick tells OCPP what became of it.
import asyncio
import gc

from evse.connector import Connector
from ocpp16.charge_point import ChargePoint
from ocpp16.connection import Connection
import cold
import ticks

_STEP_MS = 20
_TICK_MS = 100
_FIRST_LOOK_MS = 1000  # what is plugged in is debounced by then: else it would seem unplugged after each start
_REPORT_MS = 60000
_GARBAGE = 6144  # bytes between two collections: the heap of the chip grows where this is not done (facts: TLS then fails)
_IDLE_TICKS = 50  # between two looks whether flash is to be erased ahead, while no contactor is closed
_STARVED = 50  # ticks in a row without the memory they need, then a restart
_SLOW_STEPS = 10  # proximity and temperature are read at every tenth step
_MIN_MA = 6000
_ORDERED = ("ocpp", "user", "load")  # limit slots that may be set over the serial line
# Causes of a start as the reason of a transaction that it cut short; else Reboot.
_CAUSES = {"power": "PowerLoss", "HardReset": "HardReset", "SoftReset": "SoftReset"}


class Outlet:
    """One connector of the board and its electrical side: what the safety step works on."""

    def __init__(self, board, evse):
        self.board = board
        self.evse = evse
        self._slow = 0
        self._duty = -1
        self._lock = False

    def step(self, now, emergency):
        board, evse = self.board, self.evse
        inputs = evse.inputs
        levels = board.pilot_mv()
        inputs.high_mv = levels[0]
        inputs.low_mv = levels[1]
        inputs.feedback = board.relay_feedback()
        inputs.pulses = board.pulses()
        inputs.rcd = board.rcd_tripped()
        inputs.locked = board.locked()
        inputs.emergency = emergency
        if self._slow == 0:
            self._slow = _SLOW_STEPS
            inputs.proximity_ohm = board.proximity_ohm()
            inputs.temperature_c10 = board.temperature_c10()
        self._slow -= 1
        evse.step(now)
        board.relay(evse.relay)  # every time: a pin that was disturbed is put right
        if evse.duty != self._duty:
            self._duty = evse.duty
            board.pwm(evse.duty)
        if evse.lock != self._lock:
            self._lock = evse.lock
            board.lock(evse.lock)


class Wallbox:
    """A whole charger over the parts it is given; many can live in one interpreter."""

    def __init__(self, board, store, ledgers, link, clock, settings, log, slot="a", version="0", report=print):
        self.board = board
        self.console = None  # a source of orders, see port.console
        self.clock = clock
        self.slot = slot
        self.settings = settings
        self.log = log
        self._link = link
        self._print = report
        self._report_at = clock.now_ms()
        self._steps = self._seen_steps = self._starved = self._idle = 0
        n = len(board.connectors)
        self._shown = [None] * (3 + 4 * n)  # what the last report showed, and what the next one would:
        self._fresh = [None] * (3 + 4 * n)  # two lists that take turns, so that a quiet tick allocates nothing
        self.settings.fix("NumberOfConnectors", str(n))
        if not any([part.socket for part in board.connectors]):  # CFG-10: nothing to unlock
            self.settings.fix("UnlockConnectorOnEVSideDisconnect", "false")
        cause = _CAUSES.get(board.reset_cause, "Reboot")
        self.ocpp = ChargePoint(self.settings, store, ledgers, clock, self.log, version, n, cause)
        self.ocpp.read = self._reading
        self.outlets = []
        for k, part in enumerate(board.connectors):
            wh = self.ocpp.transactions.registers[k]
            self.ocpp.connectors[k].energy_wh = wh
            evse = Connector(part.max_ma, part.pulses_per_kwh, part.socket, clock.now_ms(), wh, part.ventilation)
            evse.limits.set("user", self.settings.get("MaxCurrent") * 1000, "MaxCurrent")
            self.ocpp.connectors[k].has_lock = part.socket
            self.outlets.append(Outlet(part, evse))
        self.connection = Connection(self.ocpp, link, clock, self.log)
        if settings.damaged:
            self.log.error("app", "%d settings files were damaged; values are the last good ones" % settings.damaged)
        self.log.info("app", "pilotwire %s, slot %s, start by %s" % (version, slot, board.reset_cause))

    def step(self, timer=None):
        """The safety step, in a timer callback: allocates nothing, tells nobody."""
        now = self.clock.now_ms()
        emergency = self.board.emergency()
        for outlet in self.outlets:
            outlet.step(now, emergency)
        self._steps = (self._steps + 1) & 0xFFFF

    def tick(self):
        """The slow path: OCPP learns what the electrical side did, and says what it may do."""
        now = self.clock.now_ms()
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
            energised = energised or evse.energised
            c.offering = evse.limits.lowest_ma() >= _MIN_MA
            c.fault = evse.fault
            c.secured = evse.lock and evse.inputs.locked is not False if c.has_lock else True
            c.unlocked = not evse.lock and not evse.inputs.locked
            c.energy_wh = evse.energy_wh
        tag = self.board.tag()
        if tag:
            self.log.info("app", "tag " + tag)
            self.ocpp.present(tag, now)
        order = self.console and self.console.order()
        if order:
            self._obey(order)
        self.ocpp.tick(now)
        for outlet, c in zip(self.outlets, self.ocpp.connectors):
            evse = outlet.evse
            if evse.allowed != c.allowed and not evse.fault:
                evse.allow(c.allowed, now)
            evse.hold_lock = c.locked
        if self.ocpp.restart:
            self.board.restart(self.ocpp.restart)
        self.board.led(self.ocpp.connectors[0].status)
        self._idle = 0 if energised else self._idle + 1
        if self._idle >= _IDLE_TICKS:
            self._idle = 0
            self.ocpp.transactions.prepare()
        self.connection.tick()
        self._tell(now)

    def _obey(self, order):
        """An order from the serial line: {"limit": {"connector", "slot", "ma"}}."""
        try:
            limit = order["limit"]
            number, ma = limit["connector"], limit["ma"]
            # The other slots protect; and a float would make the safety step allocate.
            if number < 1 or limit["slot"] not in _ORDERED or not (ma is None or isinstance(ma, int)):
                raise ValueError
            self.outlets[number - 1].evse.limits.set(limit["slot"], ma, "serial line")
        except (KeyError, IndexError, TypeError, ValueError) as e:
            self.log.warning("app", "an order that can not be obeyed: %r" % e)

    def _reading(self, number):
        """What this hardware measures on a connector, in the order of meter_values.MEASURANDS."""
        evse = self.outlets[number - 1].evse
        return (
            evse.energy_wh,
            evse.power_w,
            None,
            None,
            evse.offered_ma,
            None,
            evse.inputs.temperature_c10,
        )

    def _tell(self, now):
        """Print one line "@{...}" when something has changed: what a supervisor or a monitor reads."""
        if not self._changed() and ticks.diff(now, self._report_at) < _REPORT_MS:
            return
        self._report_at = now
        self._print("@" + cold.call("report", "line", self))

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
        for outlet in wallbox.outlets:
            outlet.board.relay(False)
        wallbox.board.restart("crash")
