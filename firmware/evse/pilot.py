"""Control pilot: the car speaks by the level (A to E), we speak by the duty cycle.

Levels are millivolts at the pilot output, duty is permille of the 1 kHz period: 1000 is steady
+12 V (X1: no energy), 0 is steady -12 V (F). Thresholds are midpoints of the nominal levels with
0.25 V of hysteresis. Nothing here allocates in step(), and every int stays under 2^30.
"""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


# Levels in the order of falling voltage, and the two duties that are none. connector.py has them too: a public name costs RAM.
_A = const(0)
_C = const(2)
_D = const(3)
_E = const(4)

_X1 = const(1000)
_F = const(0)

_THRESHOLDS_MV = (10500, 7500, 4500, 1500)
_HYSTERESIS_MV = const(250)
_DIODE_MV = const(-10000)

# Leaving C, D, or the socket: counted from the last sample that still agreed, so that one stray
# burst at the 20 ms pace opens nothing, a second one does, and so does the first after a stall.
_LEAVE_MS = const(35)
_TO_C_MS = const(500)  # shorter is an ISO 15118 toggle, not a request
_OTHER_MS = const(200)
_STALL_MS = const(50)  # a pause of the step is not an observation: counts as at most this

_MISSED_MV = const(-1500)  # no level of a car
_MISSED = const(3)

_PWM_SETTLE_MS = const(40)  # bursts that may still show the time before PWM began
_DIODE_GOOD = const(3)  # bursts with a full negative half before we believe the diode
# At 96 % duty a burst may miss the 40 us of negative half, so one bad burst means nothing.
_DIODE_BAD_MS = const(200)

_NAMES = ("A", "A", "B1", "B2", "C1", "C2", "D1", "D2", "E", "E")


def grant_ma(limit_ma):
    """What can be offered under a limit: 0 below 6 A, and nothing between 51 and 52.5 A."""
    if limit_ma < 6000:
        return 0
    if 51000 < limit_ma < 52500:
        return 51000
    return limit_ma if limit_ma < 80000 else 80000


def duty_permille(ma):
    """Duty for a limit in mA, rounded down so that the car never reads more; below 6 A it is X1."""
    ma = grant_ma(ma)
    if ma == 0:
        return 1000
    if ma <= 51000:
        return ma // 60
    return ma // 250 + 640


class Pilot:
    """Debounced level and diode check from the high and low level of each burst."""

    def __init__(self):
        self.level = _A
        self.state = "A"
        self.unknown = True  # nothing sensed yet: after start, and after F
        self.diode_ok = False  # seen since the car came
        self.diode_bad = False  # missing for long enough to be a fault
        self._candidate = _A
        self._candidate_ms = 0
        self._away_ms = 0
        self._missed = 0
        self._pwm_ms = 0
        self._good = 0
        self._bad_ms = 0

    def step(self, dt_ms, high_mv, low_mv, duty):
        """One burst, taken while `duty` was on the pin, dt_ms after the one before."""
        if duty == _F:
            # Steady -12 V says nothing about the car: everything is found out anew after it.
            self.state = "F"
            self.unknown = True
            self.level = _A
            self.diode_ok = False
            self._good = 0
            self._pwm_ms = 0
            self._candidate = _A
            self._candidate_ms = 0
            self._away_ms = 0
            return
        if high_mv > _MISSED_MV:
            self._missed = 0
            self._debounce(dt_ms, high_mv)
        elif self._missed < _MISSED - 1 and duty != _X1:
            # At 10 % duty a burst now and then lies between the pulses: that is no level.
            self._missed += 1
        else:
            self._debounce(dt_ms, high_mv)
        self._diode(dt_ms, low_mv, duty != _X1)
        self.state = _NAMES[2 * self.level + (1 if duty != _X1 else 0)]

    def _debounce(self, dt_ms, mv):
        level = self.level
        seen = self._classify(mv, level)
        self._away_ms += dt_ms
        if seen == level:
            self._away_ms = 0
            self._candidate = level
            if self.unknown:
                self._candidate_ms += dt_ms
                self.unknown = self._candidate_ms < _OTHER_MS
            return
        if seen == self._candidate:
            self._candidate_ms += dt_ms if dt_ms < _STALL_MS else _STALL_MS
        else:
            self._candidate = seen
            self._candidate_ms = 0
        if level == _C or level == _D or seen == _A:
            # Whatever it is now: two bursts that disagree with each other still left C.
            if self._away_ms < _LEAVE_MS:
                return
        elif seen == _C or seen == _D:
            if self._candidate_ms < _TO_C_MS:
                return
        elif self._candidate_ms < _OTHER_MS:
            return
        self.level = seen
        self.unknown = False
        self._away_ms = 0

    def _classify(self, mv, level):
        seen = _A
        for i in range(4):
            if mv < _THRESHOLDS_MV[i] + (_HYSTERESIS_MV if level > i else -_HYSTERESIS_MV):
                seen = i + 1
        return seen

    def _diode(self, dt_ms, low_mv, pwm):
        if dt_ms > _STALL_MS:
            dt_ms = _STALL_MS
        if self.level == _A or self.level == _E:
            self._good = 0
            self.diode_ok = False
        if not pwm or self.level == _A or self.level == _E or self._candidate == _E:
            # Without PWM there is no low level; on a short there is none either, and that has
            # a name of its own.
            self._bad_ms = 0
            self.diode_bad = False
            if not pwm:
                self._pwm_ms = 0
            return
        if self._pwm_ms < _PWM_SETTLE_MS:
            self._pwm_ms += dt_ms
            return
        if low_mv < _DIODE_MV:
            self._bad_ms = 0
            self.diode_bad = False
            if self._good < _DIODE_GOOD:
                self._good += 1
            else:
                self.diode_ok = True
        elif self._bad_ms < _DIODE_BAD_MS:
            self._bad_ms += dt_ms
        else:
            self._good = 0
            self.diode_ok = False
            self.diode_bad = True
