# Composes charging profiles: a pure function of (profiles on flash, transactions, time). It reads one period at a time, and holds
# one row of a table per profile, whatever the interval. Cold.
#
# Time is seconds from now (`utc`); t may only rise. Limits are per phase, in units of 1 / (60 V) A, V the nominal voltage: in
# these, tenths of amperes and tenths of watts over one, two or three phases are all whole numbers, so nothing is rounded here.
# What makes a limit, `why`, is a row, or None for the hardware.
from array import array
from struct import unpack

from ocpp16.profile_file import NEVER, NEVER_BEFORE, PERIOD, PURPOSES, heads
import cold

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


cold.drop("ocpp16.profile_file")  # it goes with this module

_DAY_S = const(86400)
_WEEK_S = const(604800)
_MIN_A = const(6)  # below it no energy flows: IEC 61851-1

# As numbered in profile_file.
_MAX = const(0)
_TX_DEFAULT = const(1)
_DAILY = const(1)
_WEEKLY = const(2)
_RELATIVE = const(3)
_WATTS = const(8)
_PERIOD_SIZE = const(9)

# A row: the limit of a profile (-1: not in force) until ..., and what it is computed from.
_UNTIL = const(0)
_LIMIT = const(1)
_PHASES = const(2)
_RANK = const(3)  # purpose, stackLevel, connectorId: the highest that is in force wins
_ID = const(4)
_UNIT = const(5)  # _WATTS or 0
_SURE = const(6)  # 0: in force perhaps, for want of UTC
_BEGIN = const(7)
_END = const(8)
_START = const(9)
_DURATION = const(10)  # 0: for ever
_CYCLE = const(11)
_PLACE = const(12)
_COUNT = const(13)
_BASE = const(14)  # start of this recurrence
_NEXT = const(15)  # period to be looked at next


class Composer:
    """`loads`: (connectorId, seconds since the start of its transaction or None, most mA, counts) of every connector."""

    def __init__(self, f, loads, utc, voltage):
        self._file = f
        self._utc = utc
        self._per_tenth = 6 * voltage
        self._loads = loads
        self._stacks = [None] * len(loads)  # rows, the highest rank first
        self._top = self._stack(0, 0)
        self.until = 0  # what was asked last holds until then

    def _stack(self, connector, elapsed):
        """Rows of the profiles that concern a connector; 0: ChargePointMaxProfiles."""
        stack = []
        for place, head in heads(self._file):
            number, purpose = head[:2]
            if (connector == 0) == (purpose == _MAX) and (number == connector or (number == 0 and purpose == _TX_DEFAULT)):
                stack.append(self._row(place, head, elapsed))
        stack.sort(key=lambda row: -row[_RANK])
        for k in range(len(stack) - 1, 0, -1):
            if stack[k][_RANK] >> 4 == stack[k - 1][_RANK] >> 4:  # replaced on this connector (SC-EVAL-03)
                del stack[k]
        return stack

    def _row(self, place, head, elapsed):
        number, purpose, level, kind, unique, begin, end, start, duration, count = head
        unit = kind & _WATTS
        kind -= unit
        cycle = _DAY_S if kind == _DAILY else _WEEK_S if kind == _WEEKLY else 0
        sure = True
        if self._utc is None:
            sure = kind == _RELATIVE and begin == NEVER_BEFORE and end == NEVER
            begin, end = NEVER_BEFORE, NEVER
        else:
            begin = max(begin - self._utc, NEVER_BEFORE)
            end = end if end == NEVER else end - self._utc
            start = max(start - self._utc, NEVER_BEFORE)
        if kind == _RELATIVE:
            start = -elapsed
        rank = (purpose << 8 | level) << 4 | number
        row = array("i", (-1, -1, 0, rank, unique, unit, sure, max(begin, start), end, start, duration))
        row.extend(array("i", (cycle, place, count, NEVER, 0)))
        if self._utc is None and kind != _RELATIVE:
            # It is not known which of its limits is in force: the lowest one is on the safe side.
            row[_LIMIT] = min([self._period(row, k)[1] for k in range(count)])
            row[_UNTIL] = NEVER
        return row

    def _seek(self, row, t):
        """Bring a row to t."""
        row[_LIMIT] = -1
        if t < row[_BEGIN]:
            row[_UNTIL] = row[_BEGIN]
            return
        base, again, end = row[_START], NEVER, row[_END]
        if row[_CYCLE]:
            base += (t - base) // row[_CYCLE] * row[_CYCLE]
            again = base + row[_CYCLE]
        until = min(end, base + row[_DURATION]) if row[_DURATION] else end
        if t >= until:
            row[_UNTIL] = again if t < end and again < end else NEVER
            return
        until = min(until, again, NEVER)
        if base != row[_BASE]:
            row[_BASE] = base
            row[_NEXT] = 0
        k = row[_NEXT]
        while k < row[_COUNT]:
            start, limit, phases = self._period(row, k)
            if base + start > t:
                until = min(until, base + start)
                break
            row[_LIMIT] = limit
            row[_PHASES] = phases
            k += 1
        row[_NEXT] = k
        row[_UNTIL] = until

    def _period(self, row, k):
        """(start, limit, numberPhases or 0) of period k."""
        self._file.seek(row[_PLACE] + k * _PERIOD_SIZE)
        start, limit, phases = unpack(PERIOD, self._file.read(_PERIOD_SIZE))
        limit *= 6 // (phases or 3) if row[_UNIT] else self._per_tenth
        return start, min(limit, NEVER), phases

    def _in_force(self, stack, t):
        """The row of the profile in force at t, or None."""
        found = None
        for row in stack:
            if t >= row[_UNTIL]:
                self._seek(row, t)
            self.until = min(self.until, row[_UNTIL])
            if row[_LIMIT] >= 0:
                if found is None or row[_LIMIT] < found[_LIMIT]:
                    found = row
                if row[_SURE]:
                    break
        return found

    def _own(self, k, t):
        """(limit, why) of connector k, without its neighbours."""
        number, elapsed, most, _ = self._loads[k]
        most = most * self._per_tenth // 100
        if self._stacks[k] is None:
            self._stacks[k] = self._stack(number, elapsed or 0)
        row = self._in_force(self._stacks[k], t)
        return (row[_LIMIT], row) if row and row[_LIMIT] <= most else (most, None)

    def limit(self, k, t):
        """(limit, why) of loads[k]; without a transaction, as if one began now."""
        self.until = NEVER
        own, why = self._own(k, t)
        top = self._in_force(self._top, t)
        if top:
            share = self._share(k, t, top[_LIMIT], own)
            if share < own:
                return share, top
        return own, why

    def _share(self, k, t, room, own):
        """What connector k may take of the ChargePointMaxProfile: who cannot start at 6 A takes nothing, then as many as can have
        6 A, those first that began first; none gets less than another unless it wants less."""
        least = 10 * _MIN_A * self._per_tenth
        if own < least or len(self._loads) == 1:
            return min(own, room)
        wants = []
        for j in range(len(self._loads)):
            elapsed = self._loads[j][1]
            if j == k or elapsed is not None:
                want = own if j == k else self._own(j, t)[0]
                if want >= least:
                    wants.append((-(elapsed or 0), elapsed is None, j, want))
        wants.sort()
        wants = sorted([(want, j) for _, _, j, want in wants[: max(1, room // least)]])
        left = len(wants)
        for want, j in wants:
            share = min(want, room // left)
            if j == k:
                return share
            room -= share
            left -= 1
        return 0

    def total(self, t):
        """The same for connector 0: the least of the ChargePointMaxProfile and the sum of all connectors (SC-COMP-05)."""
        self.until = NEVER
        limit, why = 0, None
        for k in range(len(self._loads)):
            if self._loads[k][3]:
                own, why = self._own(k, t)
                limit += own
        if len(self._loads) > 1:
            why = None
        top = self._in_force(self._top, t)
        return (top[_LIMIT], top) if top and top[_LIMIT] < limit else (limit, why)

    def periods(self, number, duration):
        """Yield (start, limit, numberPhases or 0, why) of connector `number`; neighbours may be equal."""
        place = [load[0] for load in self._loads].index(number) if number else 0
        t = 0
        while t < min(duration, NEVER):
            limit, why = self.limit(place, t) if number else self.total(t)
            yield t, limit, why[_PHASES] if why else 0, why
            t = self.until


def watts(why):
    """Does a schedule in watts make this limit?"""
    return bool(why and why[_UNIT])


def reason(why):
    """ "TxProfile 7": purpose and id of the profile; "" for the hardware."""
    return "%s %d" % (PURPOSES[why[_RANK] >> 12], why[_ID]) if why else ""


def loads(profiles):
    """Of all connectors, for Composer; one that is out of service does not count."""
    found = []
    for c in profiles.cp.connectors:
        k = c.number - 1
        elapsed = None
        if c.transaction:  # one that began since the last tick is 0 s old
            elapsed = profiles.cp.clock.uptime_s() - profiles.since[k] if profiles.seen[k] is c.transaction else 0
        found.append((c.number, elapsed, profiles.hardware(k)[0], c.status not in ("Unavailable", "Faulted")))
    return found


def limits(profiles, utc):
    """Set the limits of the running box, and when they are due again."""
    cp = profiles.cp
    voltage = cp.settings.get("NominalVoltage")
    until = NEVER
    with open(cp.store.path("profiles"), "rb") as f:
        composer = Composer(f, loads(profiles), utc, voltage)
        for k in range(len(profiles.limits)):
            limit, why = composer.limit(k, 0)
            until = min(until, composer.until)
            profiles.limits[k] = (limit * 100 // (6 * voltage), reason(why), why[_PHASES]) if why else (None, "", 0)
    if until < NEVER:
        profiles.due = cp.clock.uptime_s() + until
