"""The composer against an oracle that looks at every second by itself (hypothesis, CPython)."""

import datetime
import functools
import io
from fractions import Fraction
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ocpp16 import charging_profile, profile_records
from ocpp16.composer import Composer

VOLTAGE = 230
EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
UTC = 848_000_000  # 2026-11-14
DAY = 86400
PURPOSES = ("ChargePointMaxProfile", "TxDefaultProfile", "TxProfile")
KEYS = {
    "ChargeProfileMaxStackLevel": 8,
    "ChargingScheduleAllowedChargingRateUnit": "Current,Power",
    "ChargingScheduleMaxPeriods": 24,
    "MaxChargingProfilesInstalled": 20,
}


def iso(seconds: int) -> str:
    return (EPOCH + datetime.timedelta(seconds=seconds)).isoformat()


class Station:
    """Connectors, and the profiles of OCPP that were accepted: {(connector, purpose, level): profile}."""

    def __init__(self, folder, loads: list[tuple[int, int | None, int, bool]], utc: int) -> None:
        self.loads = loads
        self.utc = utc
        self.installed: dict[tuple[int, str, int], dict] = {}
        self.owner = SimpleNamespace(
            bound=0,
            cp=SimpleNamespace(
                store=SimpleNamespace(path=lambda name: str(folder / name)),
                settings=KEYS,
                clock=SimpleNamespace(utc=lambda: utc),
                log=SimpleNamespace(info=lambda *_: None),
            ),
        )
        self.path = folder / "profiles"
        self.path.unlink(missing_ok=True)

    def install(self, number: int, profile: dict) -> None:
        tx = SimpleNamespace(id=1)
        record = charging_profile.record(self.owner.cp, number, profile, tx, False)
        if not (record and profile_records.install(self.owner, record)):
            return
        key = (number, profile["chargingProfilePurpose"], profile["stackLevel"])
        unique = profile["chargingProfileId"]
        self.installed = {k: p for k, p in self.installed.items() if k != key and p["chargingProfileId"] != unique}
        self.installed[key] = profile

    def composer(self, utc: int | None) -> Composer:
        data = self.path.read_bytes() if self.path.exists() else b""
        return Composer(io.BytesIO(data), self.loads, utc, VOLTAGE)

    # -- the oracle: the words of the standard, at one instant

    def at(self, profile: dict, t: int, elapsed: int) -> Fraction | None:
        """Amperes per phase at t seconds from now, None where the profile is not in force."""
        now = self.utc + t
        if "validFrom" in profile and now < stamp(profile["validFrom"]):
            return None
        if "validTo" in profile and now >= stamp(profile["validTo"]):
            return None
        schedule = profile["chargingSchedule"]
        kind = profile["chargingProfileKind"]
        begin = schedule.get("startSchedule")
        if kind == "Recurring":
            if now < stamp(begin):
                return None
            into = (now - stamp(begin)) % (DAY if profile["recurrencyKind"] == "Daily" else 7 * DAY)
        elif kind == "Absolute" and begin is not None:
            into = now - stamp(begin)
        elif profile["chargingProfilePurpose"] == "ChargePointMaxProfile":
            into = t  # it came a moment ago
        else:
            into = elapsed + t
        if into < 0 or into >= schedule.get("duration", 1 << 60):
            return None
        period = [p for p in schedule["chargingSchedulePeriod"] if p["startPeriod"] <= into][-1]
        return amps(schedule, period)

    def purpose(self, number: int, purpose: str, t: int, elapsed: int) -> Fraction | None:
        for level in range(KEYS["ChargeProfileMaxStackLevel"], -1, -1):
            profile = self.installed.get((number, purpose, level))
            if profile is None and purpose == "TxDefaultProfile":
                profile = self.installed.get((0, purpose, level))
            if profile is not None:
                limit = self.at(profile, t, elapsed)
                if limit is not None:
                    return limit
        return None

    def own(self, load: tuple[int, int | None, int, bool], t: int) -> Fraction:
        number, elapsed, most_ma, _ = load
        limit = self.purpose(number, "TxProfile", t, elapsed or 0)
        if limit is None:
            limit = self.purpose(number, "TxDefaultProfile", t, elapsed or 0)
        most = Fraction(most_ma, 1000)
        return most if limit is None else min(limit, most)

    def limit(self, k: int, t: int) -> Fraction:
        own = self.own(self.loads[k], t)
        room = self.purpose(0, "ChargePointMaxProfile", t, 0)
        if room is None:
            return own
        if own < 6 or len(self.loads) == 1:
            return min(own, room)
        # Who takes part: those who could charge, the longest first, each of them with 6 A.
        sharers = [
            (-(load[1] or 0), load[1] is None, j, self.own(load, t))
            for j, load in enumerate(self.loads)
            if (j == k or load[1] is not None) and self.own(load, t) >= 6
        ]
        sharers = sorted(sharers)[: max(1, room // 6)]
        if k not in [j for _, _, j, _ in sharers]:
            return Fraction(0)
        return min(own, level(room, [want for _, _, _, want in sharers]))

    def total(self, t: int) -> Fraction:
        total = sum((self.own(load, t) for load in self.loads if load[3]), Fraction(0))
        room = self.purpose(0, "ChargePointMaxProfile", t, 0)
        return total if room is None else min(room, total)


@functools.cache
def stamp(text: str) -> int:
    return int((datetime.datetime.fromisoformat(text) - EPOCH).total_seconds())


def amps(schedule: dict, period: dict) -> Fraction:
    limit = Fraction(str(period["limit"]))
    return limit if schedule["chargingRateUnit"] == "A" else limit / (VOLTAGE * (period.get("numberPhases") or 3))


def level(room: Fraction, wants: list[Fraction]) -> Fraction:
    """The highest water level at which the sum of min(want, level) is within the room."""
    if sum(wants) <= room:
        return max(wants)
    full = Fraction(0)
    for k, want in enumerate(sorted(wants)):
        here = (room - full) / (len(wants) - k)
        if want >= here:
            return here
        full += want
    raise AssertionError


# -- random stations


def periods(step: int, most: int):
    starts = st.lists(st.integers(1, most), max_size=5, unique=True).map(lambda s: [0, *sorted(step * n for n in s)])

    def limits(starts):
        period = st.fixed_dictionaries(
            {"limit": st.integers(0, 400).map(lambda n: n / 10)}, optional={"numberPhases": st.integers(1, 3)}
        )
        return st.lists(period, min_size=len(starts), max_size=len(starts)).map(
            lambda some: [{"startPeriod": s, **p} for s, p in zip(starts, some, strict=True)]
        )

    return starts.flatmap(limits)


@st.composite
def profiles(draw, connectors: int, step: int, span: int):
    """One profile; times are multiples of `step` within some `span` steps around now, so that boundaries coincide."""
    near = st.integers(-span, span).map(lambda n: iso(UTC + n * step))
    unit = draw(st.sampled_from("AW"))
    chosen = draw(periods(step, span))
    if unit == "W":
        for period in chosen:
            period["limit"] = round(period["limit"] * 690, 1)
    schedule: dict = {"chargingRateUnit": unit, "chargingSchedulePeriod": chosen}
    purpose = draw(st.sampled_from(PURPOSES))
    kind = draw(st.sampled_from(["Absolute", "Absolute", "Recurring", "Relative"]))
    if draw(st.booleans()):
        schedule["duration"] = draw(st.integers(1, span)) * step
    if kind == "Recurring" or draw(st.booleans()):
        schedule["startSchedule"] = draw(near)
    profile = {
        "chargingProfileId": draw(st.integers(1, 12)),
        "stackLevel": draw(st.integers(0, 3)),
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": schedule,
    }
    if kind == "Recurring":
        profile["recurrencyKind"] = draw(st.sampled_from(["Daily", "Weekly"]))
    for field in ("validFrom", "validTo"):
        if draw(st.integers(0, 3)) == 0:
            profile[field] = draw(near)
    number = 0 if purpose == "ChargePointMaxProfile" else draw(st.integers(purpose == "TxProfile", connectors))
    return number, profile


@st.composite
def stations(draw, step: int, span: int):
    count = draw(st.integers(1, 3))
    loads = [
        (
            k + 1,
            draw(st.none() | st.integers(0, span).map(lambda n: n * step)),
            draw(st.sampled_from([32000, 16000, 20000, 5000])),
            draw(st.integers(0, 4)) > 0,
        )
        for k in range(count)
    ]
    return loads, draw(st.lists(profiles(count, step, span), max_size=8))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("profiles")


def built(folder, drawn) -> Station:
    station = Station(folder, drawn[0], UTC)
    for number, profile in drawn[1]:
        station.install(number, profile)
    return station


def check(station: Station, number: int, duration: int, instants) -> None:
    rows = list(station.composer(station.utc).periods(number, duration))
    assert rows[0][0] == 0
    starts = [row[0] for row in rows]
    assert starts == sorted(set(starts))
    assert starts[-1] < duration
    for t in sorted(set(instants(starts))):
        row = rows[sum(s <= t for s in starts) - 1]
        limit = station.limit(number - 1, t) if number else station.total(t)
        # All are whole units, but for the parts of a room that is parted.
        exact = limit * 60 * VOLTAGE
        assert row[1] == exact or (exact.denominator > 1 and abs(row[1] - exact) < 1), (t, row[:3], float(limit))


HOUR = 3600
DAYS = 10
every_second = given(stations(step=7, span=9))
days = given(stations(step=HOUR, span=60))


def _every_second(folder, drawn) -> None:
    station = built(folder, drawn)
    for number in range(len(station.loads) + 1):
        check(station, number, 150, lambda starts: range(150))


def _days(folder, drawn, hours: int = 1) -> None:
    station = built(folder, drawn)
    # All times are whole hours from now: what holds in the first second of an hour holds to its last.
    ends = [t + d for t in range(0, DAYS * DAY, hours * HOUR) for d in (0, HOUR - 1)]
    for number in range(len(station.loads) + 1):
        check(station, number, DAYS * DAY, lambda starts: [*ends, *starts, *(s - 1 for s in starts[1:])])


# req: SC-EVAL-01, SC-EVAL-02, SC-EVAL-03, SC-EVAL-04, SC-EVAL-05, SC-EVAL-06
# Every second of a few minutes, for every connector and the station.
@settings(max_examples=60, deadline=None)
@every_second
def test_every_second(folder, drawn) -> None:
    _every_second(folder, drawn)


@pytest.mark.exhaustive
@settings(max_examples=3000, deadline=None)
@every_second
def test_every_second_of_thousands(folder, drawn) -> None:
    _every_second(folder, drawn)


# req: SC-EVAL-01, SC-EVAL-02, SC-EVAL-04, SC-EVAL-05, SC-COMP-05
# Ten days, hour by hour, and every boundary with the second before it; all boundaries are on a grid, so that they meet.
@settings(max_examples=40, deadline=None)
@days
def test_days(folder, drawn) -> None:
    _days(folder, drawn, 5)


@pytest.mark.exhaustive
@settings(max_examples=2000, deadline=None)
@days
def test_days_of_thousands(folder, drawn) -> None:
    _days(folder, drawn)


# req: SC-EVAL-02
# Whatever is installed: the connectors that charge take no more than the ChargePointMaxProfile.
@settings(max_examples=40, deadline=None)
@every_second
def test_sum(folder, drawn) -> None:
    station = built(folder, drawn)
    for t in range(0, 150, 7):
        composer = station.composer(UTC)
        room = station.purpose(0, "ChargePointMaxProfile", t, 0)
        taken = [composer.limit(k, t)[0] for k, load in enumerate(station.loads) if load[1] is not None]
        if room is not None:
            assert sum(limit for limit in taken if limit >= 6 * 60 * VOLTAGE) <= room * 60 * VOLTAGE


# Without UTC, a connector gets no more than it would at any time; and as much, where no profile depends on the time.
@settings(max_examples=60, deadline=None)
@given(stations(step=3600, span=60), st.lists(st.integers(-70, 70), min_size=5, max_size=5))
def test_time_unknown(folder, drawn, hours) -> None:
    station = built(folder, (drawn[0][:1], drawn[1]))
    limit = station.composer(None).limit(0, 0)[0]
    known = [station.composer(UTC + 3600 * n).limit(0, 0)[0] for n in hours]
    assert limit <= min(known)
    timeless = ("startSchedule", "validFrom", "validTo")
    profiles = list(station.installed.values())
    if not any(p.get(f) or p["chargingSchedule"].get(f) for p in profiles for f in timeless) and not any(
        p["chargingProfilePurpose"] == "ChargePointMaxProfile" for p in profiles
    ):
        assert known == [limit] * 5
