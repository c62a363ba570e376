"""One connector: pilot, cable, meter, faults, limits and contactor, put together.

    c = Connector(max_ma=32000, pulses_per_kwh=1000, socket=True, now_ms=now)
    every 20 ms: fill c.inputs, c.step(now_ms), apply c.duty, c.relay and c.lock if they changed

step() allocates nothing and reads only its inputs. The slow path steers with allow, hold_lock,
enable, limits.set, report and clear_faults, and learns from the attributes what became of it:
`changes` grows whenever one of them (energy and power aside) has changed.
"""

import ticks
from evse import faults, pilot
from evse.cable import Cable
from evse.contactor import Contactor
from evse.limits import SLOTS, Limits
from evse.meter import Meter

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_DUTY_MS = const(5000)  # a car may take this long to follow a change of duty
_HOT_C10 = const(800)
_COOL_C10 = const(700)
_CABLE = SLOTS.index("cable")
_STEP_MAX_MS = const(60000)


class Inputs:
    """What the board says; the caller fills it before each step."""

    def __init__(self):
        self.high_mv = 12000
        self.low_mv = 12000
        self.feedback = None  # contacts closed; None: the board can not see them
        self.pulses = 0
        self.proximity_ohm = 0  # 0: not read
        self.rcd = False
        self.temperature_c10 = None  # None: no sensor
        self.emergency = False
        self.locked = None  # None: the lock has no feedback


class Connector:
    """Safety step and outputs of one connector."""

    def __init__(self, max_ma, pulses_per_kwh=1000, socket=False, now_ms=0, start_wh=0, ventilation=False):
        self.inputs = Inputs()
        self.limits = Limits()
        self.limits.set("board", max_ma)
        self._pilot = pilot.Pilot()
        self._contactor = Contactor()
        self._faults = faults.Faults()
        self._cable = Cable()
        self._meter = Meter(pulses_per_kwh, start_wh)
        self.socket = socket
        self._ventilation = ventilation
        # Outputs.
        self.duty = pilot.X1
        self.relay = False
        self.lock = False
        # What the slow path reads.
        self.state = "A"
        self.plugged = False  # a car is on the pilot; in F what it was before
        self.inserted = False  # a cable is in the socket; without a socket the same as plugged
        self.requesting = False
        self.energised = False
        self.fault = None
        self.offered_ma = 0
        self.energy_wh = start_wh
        self.power_w = 0
        self.changes = 0
        # What the slow path sets.
        self.allowed = False
        self.enabled = True
        self.hold_lock = False
        self._reported = 0
        self._last_ms = now_ms
        self._duty_age_ms = _DUTY_MS
        self._seen_flags = 0
        self._seen_ma = 0
        self._seen_limits = 0
        self._hot = False
        self._no_air = False
        if socket:
            self.limits.put(_CABLE, 0, "not read")

    def allow(self, on, now_ms):
        """Authorise (True) or withdraw: X1 at once, contactor open when C ends or after 6 s."""
        self.allowed = bool(on)

    def enable(self, on):
        """False shows F, as soon as the contactor is open; the car can not be sensed then."""
        self.enabled = bool(on)

    def report(self, name, on):
        """A fault that others find (a silent meter, over-current) comes or goes."""
        mask = faults.bit(name)
        self._reported = self._reported | mask if on else self._reported & ~mask

    def clear_faults(self):
        """Let latched faults go whose cause is gone."""
        self._faults.reset()

    @property
    def cycles(self):
        """How often the contactor closed since boot."""
        return self._contactor.cycles

    @property
    def temperature_c10(self):
        """Last temperature in tenths of a degree, or None."""
        return self.inputs.temperature_c10

    def step(self, now_ms):
        """Take the inputs, decide, set the outputs; allocation-free."""
        dt_ms = ticks.diff(now_ms, self._last_ms)
        self._last_ms = now_ms
        if dt_ms < 0:
            dt_ms = 0
        elif dt_ms > _STEP_MAX_MS:
            dt_ms = _STEP_MAX_MS
        inputs = self.inputs
        self._pilot.step(dt_ms, inputs.high_mv, inputs.low_mv, self.duty)
        self._contactor.check(dt_ms, inputs.feedback)
        if self.socket:
            self._rate_cable(dt_ms)
        self._judge(dt_ms)
        self._decide(dt_ms)
        self._meter.step(dt_ms, inputs.pulses, self.relay or bool(inputs.feedback))
        self._publish()

    def _rate_cable(self, dt_ms):
        cable = self._cable
        cable.step(dt_ms, self.inputs.proximity_ohm)
        if cable.ma:
            self.limits.put(_CABLE, cable.ma, "")
        else:
            self.limits.put(_CABLE, 0, "no cable" if self.inputs.proximity_ohm else "not read")

    def _judge(self, dt_ms):
        inputs = self.inputs
        level = self._pilot.level
        causes = self._reported
        if inputs.emergency:
            causes |= faults.EMERGENCY
        if inputs.rcd:
            causes |= faults.RCD
        if self._contactor.weld:
            causes |= faults.WELD
        if self._contactor.no_close:
            causes |= faults.NO_CLOSE
        if level == pilot.E:
            causes |= faults.SHORT
        if self._pilot.diode_bad:
            causes |= faults.DIODE
        if self._is_hot(inputs.temperature_c10):
            causes |= faults.TEMPERATURE
        if self.socket:
            if self._cable.invalid and level != pilot.A:
                causes |= faults.CABLE
            if inputs.locked is not None and inputs.locked != self.lock:
                causes |= faults.LOCK
        self._faults.step(dt_ms, causes, level == pilot.A and not self._pilot.unknown)
        if self._faults.ends_allowance:
            self.allowed = False

    def _is_hot(self, c10):
        if c10 is None:
            self._hot = False
        elif c10 >= _HOT_C10:
            self._hot = True
        elif c10 < _COOL_C10:
            self._hot = False
        return self._hot

    def _decide(self, dt_ms):
        level = self._pilot.level
        fault = self._faults.name is not None
        if level == pilot.A:
            self._no_air = False
        elif level == pilot.D and not self._ventilation:
            # Until it is unplugged: X1 would make it ask for C or B, and an offer for D again.
            self._no_air = True
        asks = (level == pilot.C or level == pilot.D) and not self._no_air and self.duty != pilot.F
        offer = self.allowed and self.enabled and not fault and not self._no_air
        self._set_duty(dt_ms, offer and pilot.A < level < pilot.E)
        may = offer and asks and self.offered_ma >= 6000 and self._pilot.diode_ok
        if self.socket and (not self.lock or self.inputs.locked is False):
            may = False
        self._contactor.step(dt_ms, may, asks and not fault, fault)
        self.relay = self._contactor.closed
        # Never let go of a plug that is live, whatever is asked.
        live = self.relay or bool(self.inputs.feedback)
        self.lock = self.socket and (live or self.hold_lock or (self.allowed and level != pilot.A))

    def _set_duty(self, dt_ms, offer):
        if self._duty_age_ms < _DUTY_MS:
            self._duty_age_ms += dt_ms
        ma = pilot.grant_ma(self.limits.lowest_ma()) if offer else 0
        if ma == 0:
            # Withdrawing never waits. F must not cut off a car under load either: X1 first.
            self.offered_ma = 0
            duty = pilot.X1 if self.enabled or self._contactor.closed else pilot.F
        else:
            if self._duty_age_ms < _DUTY_MS and ma != self.offered_ma:
                return
            self.offered_ma = ma
            duty = pilot.duty_permille(ma)
        if duty != self.duty:
            self.duty = duty
            self._duty_age_ms = 0
        if self._pilot.level == pilot.A:
            self._duty_age_ms = _DUTY_MS  # nobody there who would have to follow

    def _publish(self):
        sensed = self._pilot
        feedback = self.inputs.feedback
        if not sensed.unknown:
            self.plugged = sensed.level != pilot.A
        self.inserted = self._cable.inserted if self.socket else self.plugged
        self.requesting = sensed.level == pilot.C or sensed.level == pilot.D
        self.energised = self.relay if feedback is None else bool(feedback)
        self.energy_wh = self._meter.energy_wh
        self.power_w = self._meter.power_w
        flags = self.plugged | self.inserted << 1 | self.requesting << 2 | self.energised << 3
        flags |= self.lock << 4 | self.allowed << 5
        if (
            self.state == sensed.state
            and self.fault == self._faults.name
            and self._seen_flags == flags
            and self._seen_ma == self.offered_ma
            and self._seen_limits == self.limits.changes
        ):
            return
        self.state = sensed.state
        self.fault = self._faults.name
        self._seen_flags = flags
        self._seen_ma = self.offered_ma
        self._seen_limits = self.limits.changes
        self.changes = (self.changes + 1) & 0x3FFFFFFF
