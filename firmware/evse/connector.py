"""One connector: pilot, cable, meter, faults, limits and contactor, put together.

    c = assembly.connector(max_ma=32000, pulses_per_kwh=1000, socket=True, now_ms=now)
    every 20 ms: fill c.inputs, c.step(now_ms), apply c.relay, c.duty, c.lock and the others if they changed

step() allocates nothing and reads only its inputs. The slow path steers with allow, hold_lock,
enabled, limits.set, report, clear_faults and phase_switch.wanted, and learns from the attributes what became of it:
`changes` grows whenever one of them (energy and power aside) has changed.
"""

import ticks
from evse import pilot
from evse.contactor import Contactor
from evse.faults import NAMES, Faults
from evse.limits import Limits

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


# Levels and duties of pilot.py, bits of faults.NAMES, places in limits.SLOTS; tests/host/test_faults.py compares them.
_A = const(0)
_C = const(2)
_D = const(3)
_E = const(4)
_X1 = const(1000)
_F = const(0)
_EMERGENCY = const(1 << 0)
_OPEN_PE = const(1 << 1)
_RCD = const(1 << 2)
_WELD = const(1 << 3)
_NO_CLOSE = const(1 << 4)
_SHORT = const(1 << 5)
_DIODE = const(1 << 6)
_OVER_CURRENT = const(1 << 7)
_TEMPERATURE = const(1 << 8)
_CABLE = const(1 << 9)
_LOCK = const(1 << 10)
_METER = const(1 << 11)
_CABLE_SLOT = const(1)
_TEMPERATURE_SLOT = const(4)

_DUTY_MS = const(5000)  # a car may take this long to follow a change of duty
_STEP_MAX_MS = const(60000)
_MIN_MA = const(6000)
# Over-current: a tenth and 0.5 A more than was offered, for 7 s. What was offered falls by 5 A/s, as a car may.
_OVER_MS = const(7000)
_FALL_MA_PER_MS = const(5)
_MAINS_V = const(253)  # the most there may be, for meters that tell only power


class Inputs:
    """What the board says; the caller fills it before each step."""

    def __init__(self):
        self.high_mv = 12000
        self.low_mv = 12000
        self.feedback = None  # contacts closed; None: the board can not see them
        self.pulses = 0
        self.proximity_ohm = 0  # 0: not read
        self.rcd = False
        self.open_pe = False
        self.temperature_c10 = None  # None: no sensor
        self.emergency = False
        self.locked = None  # None: the lock has no feedback


class Connector:
    """Safety step and outputs of one connector."""

    def __init__(self, meter, now_ms, latched):
        """Made by evse/assembly.py, which puts in what the board has."""
        self.inputs = Inputs()
        self.limits = Limits()
        self._pilot = pilot.Pilot()
        self.contactor = Contactor()
        self.faults = Faults(latched)
        self.meter = meter
        self.socket = self.ventilation = self.can_cut = False
        self.phases = 3
        self.heat = self.cable = self.locker = self.selftest = self.phase_switch = self.wake = None
        # Outputs.
        self.duty = _X1
        self.relay = False
        self.relay2 = False  # L2 and L3, where they have a contactor of their own
        self.lock = False
        self.rcd_test = False
        self.cut = False  # the pilot's line
        # What the slow path reads.
        self.state = "A"
        self.plugged = False  # a car is on the pilot; in F what it was before
        self.inserted = False  # a cable is in the socket; without a socket the same as plugged
        self.requesting = False
        self.energised = False
        self.fault = self.faults.name
        self.offered_ma = 0
        self.energy_wh = meter.energy_wh
        self.power_w = 0
        self.changes = 0
        # What the slow path sets.
        self.allowed = False
        self.enabled = True  # False shows F, as soon as the contactor is open; the car can not be sensed then
        self.hold_lock = False
        self._reported = 0
        self._last_ms = now_ms
        self._duty_age_ms = _DUTY_MS
        self._seen_flags = 0
        self._seen_ma = 0
        self._seen_limits = 0
        self._no_air = False
        self._ceiling_ma = 0
        self._over_ms = 0

    def allow(self, on, now_ms):
        """Authorise (True) or withdraw: X1 at once, contactor open when C ends or after 6 s."""
        self.allowed = bool(on)

    def report(self, name, on):
        """A fault that others find (a housing that was opened) comes or goes; ValueError for an unknown name."""
        mask = 1 << NAMES.index(name)
        self._reported = self._reported | mask if on else self._reported & ~mask

    def clear_faults(self):
        """Let latched faults go whose cause is gone."""
        self.faults.reset()
        if self.selftest:
            self.selftest.clear()

    def step(self, now_ms):
        """Take the inputs, decide, set the outputs; allocation-free."""
        dt_ms = ticks.diff(now_ms, self._last_ms)
        self._last_ms = now_ms
        if dt_ms < 0:
            dt_ms = 0
        elif dt_ms > _STEP_MAX_MS:
            dt_ms = _STEP_MAX_MS
        inputs = self.inputs
        # A pilot that is cut off tells as little of the car as one at -12 V.
        self._pilot.step(dt_ms, inputs.high_mv, inputs.low_mv, _F if self.cut else self.duty)
        self.contactor.check(dt_ms, inputs.feedback)
        self.limits.step(dt_ms)
        cable = self.cable
        if cable:
            cable.step(dt_ms, inputs.proximity_ohm)
            if cable.ma:
                self.limits.put(_CABLE_SLOT, cable.ma, "")
            else:
                self.limits.put(_CABLE_SLOT, 0, "no cable" if inputs.proximity_ohm else "not read")
        heat = self.heat
        if heat:
            heat.step(dt_ms, inputs.temperature_c10, self.limits.lowest_ma())
            self.limits.put(_TEMPERATURE_SLOT, heat.ma, "warm")
        level = self._pilot.level
        live = self.relay or bool(inputs.feedback)
        self.meter.step(
            dt_ms,
            inputs.pulses,
            live,
            self.relay and self.offered_ma > 0 and level == _C,
        )
        self._judge(dt_ms, level, live)
        self._decide(dt_ms, level)
        self._publish()

    def _judge(self, dt_ms, level, live):
        inputs = self.inputs
        causes = self._reported
        if inputs.emergency:
            causes |= _EMERGENCY
        if inputs.open_pe:
            causes |= _OPEN_PE
        test = self.selftest
        if test:
            idle = level == _A and not self._pilot.unknown and not live
            test.step(dt_ms, idle and not self.faults.active, live, inputs.rcd)
            self.rcd_test = test.on
            if test.failed:
                causes |= _RCD
        if inputs.rcd and not (test and test.running):
            causes |= _RCD
        if self.contactor.weld:
            causes |= _WELD
        if self.meter.stray:
            # Energy through an open contactor, where nothing else could tell that it is not.
            causes |= _WELD if inputs.feedback is None else _METER
        if self.meter.silent:
            causes |= _METER
        if self.contactor.no_close:
            causes |= _NO_CLOSE
        if level == _E:
            causes |= _SHORT
        if self._pilot.diode_bad:
            causes |= _DIODE
        if self.heat and self.heat.hot:
            causes |= _TEMPERATURE
        if self._draws_too_much(dt_ms, live):
            causes |= _OVER_CURRENT
        if self.cable:
            if self.cable.invalid and level != _A:
                causes |= _CABLE
            if self.locker.failed:
                causes |= _LOCK
        self.faults.step(dt_ms, causes, level == _A and not self._pilot.unknown)
        if self.faults.ends_allowance:
            self.allowed = False

    def _draws_too_much(self, dt_ms, live):
        ceiling = self._ceiling_ma - _FALL_MA_PER_MS * (dt_ms if dt_ms < 1000 else 1000)
        self._ceiling_ma = ceiling = ceiling if ceiling > self.offered_ma else self.offered_ma
        ma = self.meter.current_ma
        if ma is None:  # pulses do not tell the phases
            phases = 1 if self.phase_switch and not self.phase_switch.three else self.phases
            ma = self.meter.power_w * 1000 // (_MAINS_V * phases)
        if not live or ma <= (ceiling if ceiling > _MIN_MA else _MIN_MA) * 11 // 10 + 550:
            self._over_ms = 0
        elif self._over_ms < _OVER_MS:
            self._over_ms += dt_ms
        return self._over_ms >= _OVER_MS

    def _decide(self, dt_ms, level):
        fault = self.faults.name is not None
        if level == _A:
            self._no_air = False
        elif level == _D and not self.ventilation:
            # Until it is unplugged: X1 would make it ask for C or B, and an offer for D again.
            self._no_air = True
        hold = self._hold(dt_ms, level)
        asks = (level == _C or level == _D) and not self._no_air and self.duty != _F and not self.cut
        offer = self.allowed and self.enabled and not fault and not self._no_air and not hold
        self._set_duty(dt_ms, offer and _A < level < _E)
        feedback = self.inputs.feedback
        may = offer and asks and self.offered_ma >= _MIN_MA and self._pilot.diode_ok
        if feedback and not self.relay:
            may = False  # not even before it counts as welded
        if self.selftest and self.selftest.running:
            may = False
        if self.socket and (not self.lock or self.inputs.locked is False):
            may = False
        self.contactor.step(dt_ms, may, asks and not fault, fault)
        self.relay = self.contactor.closed
        self.relay2 = self.relay and (not self.phase_switch or self.phase_switch.three)
        lock = self.locker
        if lock:
            # Never let go of a plug that is live, whatever is asked.
            live = self.relay or bool(feedback)
            wanted = live or self.hold_lock or (self.allowed and level != _A)
            lock.step(dt_ms, wanted, self.inputs.locked, live)
            self.lock = lock.on

    def _hold(self, dt_ms, level):
        """What keeps the offer back: 0 nothing, 1 X1, 2 a pilot that is cut off."""
        hold = 0
        if self.phase_switch:
            self.phase_switch.step(dt_ms, not self.relay and not self.inputs.feedback, self.plugged)
            hold = self.phase_switch.hold
        if self.wake and not hold:
            gone = (level == _A and not self._pilot.unknown) or level > 1
            self.wake.step(dt_ms, level == 1 and self.offered_ma > 0, gone)
            hold = self.wake.hold
        # Not under load: X1 has come first, and the contactor has followed it.
        self.cut = hold == 2 and self.can_cut and not self.relay and not self.inputs.feedback
        return hold

    def _set_duty(self, dt_ms, offer):
        if self._duty_age_ms < _DUTY_MS:
            self._duty_age_ms += dt_ms
        ma = pilot.grant_ma(self.limits.lowest_ma()) if offer else 0
        if ma == 0:
            # Withdrawing never waits. F must not cut off a car under load either: X1 first.
            self.offered_ma = 0
            duty = _X1 if self.enabled or self.contactor.closed else _F
        else:
            if self._duty_age_ms < _DUTY_MS and ma != self.offered_ma:
                return
            self.offered_ma = ma
            duty = pilot.duty_permille(ma)
        if duty != self.duty:
            self.duty = duty
            self._duty_age_ms = 0
        if self._pilot.level == _A:
            self._duty_age_ms = _DUTY_MS  # nobody there who would have to follow

    def _publish(self):
        sensed = self._pilot
        feedback = self.inputs.feedback
        if not sensed.unknown:
            self.plugged = sensed.level != _A
        self.inserted = self.cable.inserted if self.cable else self.plugged
        self.requesting = sensed.level == _C or sensed.level == _D
        self.energised = self.relay if feedback is None else bool(feedback)
        self.energy_wh = self.meter.energy_wh
        self.power_w = self.meter.power_w
        flags = self.plugged | self.inserted << 1 | self.requesting << 2 | self.energised << 3
        flags |= self.lock << 4 | self.allowed << 5
        if (
            self.state == sensed.state
            and self.fault == self.faults.name
            and self._seen_flags == flags
            and self._seen_ma == self.offered_ma
            and self._seen_limits == self.limits.changes
        ):
            return
        self.state = sensed.state
        self.fault = self.faults.name
        self._seen_flags = flags
        self._seen_ma = self.offered_ma
        self._seen_limits = self.limits.changes
        self.changes = (self.changes + 1) & 0x3FFFFFFF
