# Composes charging profiles: a pure function of (profiles on flash, transactions, time), which holds one period of each profile
# at a time, whatever the interval. Cold.
#
# Time is seconds from now (`utc`); t may only rise. Limits are per phase, in units of 1 / (60 V) A, V the nominal voltage: in
# these, tenths of amperes and tenths of watts over one, two or three phases are all whole numbers, so nothing is rounded here.
from struct import unpack

from ocpp16.profile_file import ABSOLUTE, DAILY, MAX, NEVER, NEVER_BEFORE, PERIOD, PERIOD_SIZE, PURPOSES
from ocpp16.profile_file import RELATIVE, TX_DEFAULT, WATTS, heads

_DAY_S = 86400
_MIN_A = 6  # below it no energy flows: IEC 61851-1


class _Schedule:
    """One profile, and the piece of it that was looked at last: `limit` (None: not in force) holds until `until`."""

    def __init__(self, f, at, head, utc, elapsed, voltage):
        number, self.purpose, level, kind, self.id, begin, end, start, duration, self._count = head
        self.rank = (self.purpose, level, number)
        self.watts = kind >= WATTS
        kind &= WATTS - 1
        self._file = f
        self._at = at
        self._per_tenth = 6 if self.watts else 6 * voltage
        self._cycle = 0 if kind == ABSOLUTE or kind == RELATIVE else _DAY_S if kind == DAILY else 7 * _DAY_S
        self._duration = duration or NEVER
        self._base = None
        self.limit = None
        self.phases = 0
        self.until = -1
        self.sure = utc is not None or (kind == RELATIVE and begin == NEVER_BEFORE and end == NEVER)
        if utc is None:
            begin, end = NEVER_BEFORE, NEVER
            if kind != RELATIVE:  # the time is not known: its lowest limit is on the safe side
                self._lowest()
                return
            start = 0
        elif begin > NEVER_BEFORE:
            begin -= utc
        if utc is not None and end < NEVER:
            end -= utc
        self._start = -elapsed if kind == RELATIVE else start - utc
        self._begin = max(begin, self._start)
        self._end = end

    def seek(self, t):
        if t < self.until:
            return
        self.limit = None
        if t < self._begin:
            self.until = self._begin
            return
        base, again, end = self._start, NEVER, self._end
        if self._cycle:
            base += (t - base) // self._cycle * self._cycle
            again = base + self._cycle
        if t >= min(end, base + self._duration):
            self.until = again if t < end and again < end else NEVER
            return
        if base != self._base:
            self._base = base
            self._next = 0
            self._ahead = self._read()
        while self._ahead and self._ahead[0] <= t - base:
            self._current = self._ahead
            self._ahead = self._read()
        self._set(self._current)
        self.until = min(end, base + self._duration, again)
        if self._ahead:
            self.until = min(self.until, base + self._ahead[0])

    def _read(self):
        if self._next >= self._count:
            return None
        self._file.seek(self._at + PERIOD_SIZE * self._next)
        self._next += 1
        return unpack(PERIOD, self._file.read(PERIOD_SIZE))

    def _set(self, period):
        _, tenths, self.phases = period
        self.limit = tenths * (self._per_tenth // (self.phases or 3) if self.watts else self._per_tenth)

    def _lowest(self):
        lowest = None
        self._next = 0
        for _ in range(self._count):
            self._set(self._read())
            if lowest is None or self.limit < lowest:
                lowest, phases = self.limit, self.phases
        self.limit, self.phases = lowest, phases
        self.until = NEVER


class Composer:
    """`loads`: (connectorId, seconds since the start of its transaction or None, most mA, counts) of every connector."""

    def __init__(self, f, loads, utc, voltage):
        self._file = f
        self._utc = utc
        self._voltage = voltage
        self._amp = 60 * voltage
        self._loads = loads
        self._top = self._stack(0, 0)
        self._stacks = [self._stack(number, elapsed or 0) for number, elapsed, _, _ in loads]
        self.until = 0  # what was asked last holds until then

    def _stack(self, connector, elapsed):
        """The profiles that concern a connector (0: ChargePointMaxProfiles), the first that is in force wins."""
        stack = []
        for at, head in heads(self._file):
            number, purpose = head[:2]
            if (connector == 0) == (purpose == MAX) and (number == connector or (number == 0 and purpose == TX_DEFAULT)):
                stack.append(_Schedule(self._file, at, head, self._utc, elapsed, self._voltage))
        stack.sort(key=lambda s: s.rank, reverse=True)
        for k in range(len(stack) - 1, 0, -1):
            if stack[k].rank[:2] == stack[k - 1].rank[:2]:  # replaced for this connector (SC-EVAL-03)
                del stack[k]
        return stack

    def _in_force(self, stack, t):
        found = None
        for s in stack:
            s.seek(t)
            self.until = min(self.until, s.until)
            if s.limit is not None:
                if found is None or s.limit < found.limit:
                    found = s
                if s.sure:
                    break
        return found

    def _own(self, k, t):
        """(limit, schedule or None) of connector k, without its neighbours."""
        most = self._loads[k][2] * self._amp // 1000
        found = self._in_force(self._stacks[k], t)
        return (found.limit, found) if found and found.limit <= most else (most, None)

    def limit(self, k, t):
        """(limit, schedule that makes it or None) of loads[k]; without a transaction, as if one began now."""
        self.until = NEVER
        own, why = self._own(k, t)
        top = self._in_force(self._top, t)
        if top:
            share = self._share(k, t, top.limit, own)
            if share < own:
                return share, top
        return own, why

    def _share(self, k, t, room, own):
        """What connector k may take of the ChargePointMaxProfile: who cannot start at 6 A takes nothing, then as many as can have
        6 A, those first that began first; none gets less than another unless it wants less."""
        least = _MIN_A * self._amp
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
        wants = [(want, j) for _, _, j, want in wants[: max(1, room // least)]]
        wants.sort()
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
        return (top.limit, top) if top and top.limit < limit else (limit, why)

    def periods(self, number, duration):
        """Yield (start, limit, numberPhases or 0, schedule or None) for connector `number`; neighbours may be equal."""
        place = [load[0] for load in self._loads].index(number) if number else 0
        t = 0
        while t < min(duration, NEVER):
            limit, why = self.limit(place, t) if number else self.total(t)
            yield t, limit, why.phases if why else 0, why
            t = self.until


def loads(profiles, connectors):
    """Of these connectors, for Composer; one that is out of service does not count."""
    return [
        (
            c.number,
            profiles.elapsed(c.number, c.transaction),
            profiles.max_ma[c.number - 1],
            c.status not in ("Unavailable", "Faulted"),
        )
        for c in connectors
    ]


def limits(profiles, connectors, utc):
    """Set the limits and reasons of the running box; the seconds for which they hold, or None."""
    voltage = profiles.settings.get("NominalVoltage")
    with open(profiles.path, "rb") as f:
        composer = Composer(f, loads(profiles, connectors), utc, voltage)
        until = NEVER
        for k in range(len(connectors)):
            limit, why = composer.limit(k, 0)
            until = min(until, composer.until)
            profiles.limit_ma[k] = limit * 100 // (6 * voltage) if why else None
            profiles.reasons[k] = "%s %d" % (PURPOSES[why.purpose], why.id) if why else ""
    return until if until < NEVER else None
