# SetChargingProfile, ClearChargingProfile, GetCompositeSchedule as a central system sees them.
import isoformat
from charging_bench import DEFAULT, MAX, T0, TX, Box, profile

PROPERTY = "PropertyConstraintViolation"
DAY = 86400


def seconds(duration):
    return {"duration": duration}


# req: SC-COMP-02, SC-COMP-01, SC-EVAL-02
# The worked example of the test catalogue (066): a station limit, a default and a profile of the transaction.
def test_example_066():
    box = Box()
    box.begin(1)
    assert box.set(0, profile(MAX, [(0, 10)])) == "Accepted"
    rows = [(0, 6), (60, 10), (120, 8), (180, 25), (260, 8)]
    assert box.set(1, profile(DEFAULT, rows, schedule=seconds(300))) == "Accepted"
    rows = [(0, 8), (50, 11), (140, 16), (200, 6), (240, 12)]
    assert box.set(1, profile(TX, rows, schedule=seconds(260))) == "Accepted"
    expected = [(0, 8), (50, 10), (200, 6), (240, 10), (260, 8), (300, 10)]
    assert box.composite(1, 400) == expected
    assert box.composite(0, 400) == expected
    answer = box.schedule(1, 400)
    assert answer["status"] == "Accepted"
    assert answer["connectorId"] == 1
    assert answer["scheduleStart"] == isoformat.format(T0)
    assert answer["chargingSchedule"]["duration"] == 400
    assert answer["chargingSchedule"]["chargingRateUnit"] == "A"
    assert "startSchedule" not in answer["chargingSchedule"]


# req: SC-COMP-03, SC-EVAL-01
# The worked example of stacking (072): when the higher level is over, the lower one goes on where it is by then.
def test_example_072():
    box = Box()
    rows = [(0, 6), (100, 8), (200, 10)]
    assert box.set(1, profile(DEFAULT, rows, schedule=seconds(400))) == "Accepted"
    assert box.set(1, profile(DEFAULT, [(0, 7), (100, 9)], level=1, schedule=seconds(150))) == "Accepted"
    assert box.composite(1, 350) == [(0, 7), (100, 9), (150, 8), (200, 10)]


# req: SC-COMP-05
# Connector 0 is the station: the least of its limit and the sum of its connectors.
def test_station():
    box = Box(2)
    rows = [(0, 18), (100, 24), (200, 14), (300, 24)]
    assert box.set(0, profile(MAX, rows)) == "Accepted"
    assert box.set(1, profile(DEFAULT, [(0, 16), (150, 20)])) == "Accepted"
    assert box.set(2, profile(DEFAULT, [(0, 10), (150, 16)])) == "Accepted"
    assert box.composite(0, 400) == rows
    box.clear(chargingProfilePurpose=MAX)
    assert box.composite(0, 400) == [(0, 26), (150, 36)]
    box.connectors[1].status = "Unavailable"
    assert box.composite(0, 400) == [(0, 16), (150, 20)]
    box.connectors[0].status = "Faulted"
    assert box.composite(0, 400) == [(0, 0)]


# req: SC-COMP-04
# Where nothing limits, it is the hardware that does; a Relative profile shows as if a transaction began now.
def test_nothing_installed():
    box = Box()
    assert box.composite(1, 3600) == [(0, 32)]
    assert box.composite(0, 3600) == [(0, 32)]
    assert box.composite(1, 3600, "W") == [(0, 22080, 3)]
    box.hardware(1, 16000, 1)
    assert box.composite(1, 60, "W") == [(0, 3680, 1)]
    assert box.set(0, profile(DEFAULT, [(0, 10), (100, 20)], "Relative")) == "Accepted"
    box.run(30)
    assert box.composite(1, 300) == [(0, 10), (100, 16)]
    box.begin(1)
    box.run(30)
    assert box.composite(1, 300) == [(0, 10), (70, 16)]


# req: SC-EVAL-06, SC-COMP-01, SC-COMP-04
# Watts are for all phases together, three unless numberPhases says otherwise; each unit is answered in the other one.
def test_units():
    box = Box()
    rows = [(0, 11000), (60, 4140, 1), (120, 6900.5, 2)]
    assert box.set(1, profile(DEFAULT, rows, unit="W")) == "Accepted"
    assert box.composite(1, 180) == [(0, 15.9), (60, 18, 1), (120, 15, 2)]
    assert box.composite(1, 180, "W") == [(0, 11000, 3), (60, 4140, 1), (120, 6900.5, 2)]
    assert box.set(1, profile(DEFAULT, [(0, 16.1), (60, 16.1, 1)])) == "Accepted"
    assert box.composite(1, 180) == [(0, 16.1), (60, 16.1, 1)]
    assert box.composite(1, 180, "W") == [(0, 11109, 3), (60, 3703, 1)]
    assert box.ma() == 16100
    assert box.set(1, profile(DEFAULT, [(0, 32, 1)])) == "Accepted"  # what the hardware can do anyway
    assert box.composite(1, 180) == [(0, 32, 1)]


# req: SC-COMP-01
def test_composite_refused():
    box = Box()
    assert box.schedule(2, 60) == {"status": "Rejected"}
    assert box.schedule(-1, 60) == {"status": "Rejected"}
    assert box.schedule(1, 0) == {"status": "Rejected"}
    assert box.schedule(1, 60, "VA") == PROPERTY
    box.clock.base = None
    assert box.schedule(1, 60) == {"status": "Rejected"}


# req: SC-COMP-01
# Equal neighbours are one period; what goes on for longer than the answer can tell is cut, and the duration says so.
def test_merged_and_cut():
    box = Box()
    assert box.set(0, profile(MAX, [(0, 16), (10, 20), (20, 16)])) == "Accepted"
    assert box.set(1, profile(DEFAULT, [(0, 10), (5, 10), (10, 16)], start=-60)) == "Accepted"
    assert box.composite(1, 30) == [(0, 16)]
    rows = [(k * 60, 6 + k % 2) for k in range(24)]
    assert box.set(1, profile(DEFAULT, rows, "Recurring", recurrencyKind="Daily")) == "Accepted"
    answer = box.schedule(1, 5 * DAY)["chargingSchedule"]
    assert len(answer["chargingSchedulePeriod"]) == 100
    assert answer["duration"] == 4 * DAY + 4 * 60  # 24 periods a day, the last holds until the next day
    # Nothing changes, but it is not worked out for a century either.
    assert box.set(0, profile(MAX, [(0, 5)])) == "Accepted"
    answer = box.schedule(1, 100 * 365 * DAY)["chargingSchedule"]
    assert answer["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 5}]
    assert 0 < answer["duration"] < 30 * DAY


CASES_REFUSED = [
    # what, connector, changes of a profile that is fine
    ("station limit on a connector", 1, MAX, {}, {}, [(0, 16)]),
    ("transaction limit on the station", 0, TX, {}, {}, [(0, 16)]),
    ("no transaction", 2, TX, {}, {}, [(0, 16)]),
    ("other transaction", 1, TX, {"transactionId": 78}, {}, [(0, 16)]),
    ("relative station limit", 0, MAX, {"chargingProfileKind": "Relative"}, {}, [(0, 16)]),
    ("level below 0", 1, DEFAULT, {"stackLevel": -1}, {}, [(0, 16)]),
    ("level too high", 1, DEFAULT, {"stackLevel": 9}, {}, [(0, 16)]),
    ("too many periods", 1, DEFAULT, {}, {}, [(k, 16) for k in range(25)]),
    ("no period", 1, DEFAULT, {}, {}, []),
    ("first not at 0", 1, DEFAULT, {}, {}, [(1, 16)]),
    ("not ascending", 1, DEFAULT, {}, {}, [(0, 16), (60, 10), (60, 8)]),
    ("falling", 1, DEFAULT, {}, {}, [(0, 16), (60, 10), (0, 8)]),
    ("negative limit", 1, DEFAULT, {}, {}, [(0, -1)]),
    ("four phases", 1, DEFAULT, {}, {}, [(0, 16, 4)]),
    ("recurring without kind", 1, DEFAULT, {"chargingProfileKind": "Recurring"}, {}, [(0, 16)]),
    ("recurring without start", 1, DEFAULT, {"chargingProfileKind": "Recurring", "recurrencyKind": "Daily"},
     {"startSchedule": None}, [(0, 16)]),
    ("valid never", 1, DEFAULT, {"validFrom": isoformat.format(T0), "validTo": isoformat.format(T0)}, {}, [(0, 16)]),
    ("lasts no time", 1, DEFAULT, {}, {"duration": 0}, [(0, 16)]),
]  # fmt: skip


# req: SC-SET-01, SC-SET-03, SC-SET-04, SC-SET-08
# What is refused changes nothing, also where it names an id that is installed.
def test_refused(name, number, purpose, fields, schedule, rows):
    box = Box(2)
    box.begin(1, 77)
    assert box.set(1, profile(DEFAULT, [(0, 13)], id=5)) == "Accepted"
    wrong = profile(purpose, rows, id=5, schedule=schedule)
    wrong.update(fields)
    assert box.set(number, wrong) == "Rejected"
    assert box.ma() == 13000
    assert box.composite(1, 60) == [(0, 13)]


# req: SC-SET-02
def test_errors():
    box = Box()
    for number in (2, -1):
        assert box.set(number, profile(DEFAULT, [(0, 16)])) == PROPERTY
    for field, value in (("chargingProfileKind", "Often"), ("chargingProfilePurpose", "Profile")):
        wrong = profile(DEFAULT, [(0, 16)])
        wrong[field] = value
        assert box.set(1, wrong) == PROPERTY
    assert box.set(1, profile(DEFAULT, [(0, 16)], unit="kW")) == PROPERTY
    assert box.ma() is None


# req: SC-SET-01
def test_transaction():
    box = Box()
    box.begin(1, 77)
    assert box.set(1, profile(TX, [(0, 16)], transactionId=77)) == "Accepted"
    assert box.set(1, profile(TX, [(0, 15)])) == "Accepted"
    assert box.set(1, profile(DEFAULT, [(0, 15)], transactionId=78)) == "Accepted"  # means nothing there
    box.connectors[0].transaction.id = None  # StartTransaction is not answered yet
    assert box.set(1, profile(TX, [(0, 16)], transactionId=77)) == "Rejected"


# req: SC-SET-03
def test_units_allowed():
    box = Box()
    box.settings["ChargingScheduleAllowedChargingRateUnit"] = "Current"
    assert box.set(1, profile(DEFAULT, [(0, 16)])) == "Accepted"
    assert box.set(1, profile(DEFAULT, [(0, 11000)], unit="W")) == "Rejected"
    assert box.composite(1, 60, "W") == [(0, 11040, 3)]


# req: SC-SET-03, SC-SET-05
# As many as promised, of the full size, on every level; what replaces one needs no more room.
def test_honest_maximum():
    box = Box(2)
    box.begin(1)
    rows = [(k * 60, 6 + k / 10) for k in range(24)]
    places = [(0, MAX, k) for k in range(9)] + [(0, DEFAULT, k) for k in range(9)] + [(1, TX, 0), (2, DEFAULT, 8)]
    for k in range(len(places)):
        number, purpose, level = places[k]
        assert box.set(number, profile(purpose, rows, level=level, id=k)) == "Accepted"
    assert box.set(1, profile(TX, rows, level=1)) == "Rejected"
    assert box.set(1, profile(TX, [(0, 7)], level=0)) == "Accepted"  # in place of the one of this level
    assert box.set(1, profile(TX, [(0, 8)], level=3, id=4)) == "Accepted"  # in place of the one of this id
    assert box.clear(id=7) == "Accepted"
    assert box.set(1, profile(TX, [(0, 9)], level=4)) == "Accepted"
    assert box.composite(1, 60) == [(0, 6)]  # the station's limits are still there
    assert box.profiles.installed == 20


# req: SC-SET-05, SC-SET-08
def test_replaced():
    box = Box(2)
    assert box.set(0, profile(DEFAULT, [(0, 10)], id=1)) == "Accepted"
    assert box.set(2, profile(DEFAULT, [(0, 12)], id=2, level=1)) == "Accepted"
    assert box.set(1, profile(DEFAULT, [(0, 14)], id=1)) == "Accepted"  # same id elsewhere
    assert (box.ma(1), box.ma(2)) == (14000, 12000)
    assert box.set(2, profile(DEFAULT, [(0, 16)], id=3, level=1)) == "Accepted"  # same place
    assert (box.ma(1), box.ma(2)) == (14000, 16000)
    assert box.clear(id=2) == "Unknown"
    # One that is valid later leaves a gap.
    assert box.set(2, profile(DEFAULT, [(0, 8)], id=3, level=1, validFrom=30)) == "Accepted"
    assert box.ma(2) is None
    box.run(30)
    assert box.ma(2) == 8000


CASES_CLEARED = [
    ({}, [1, 2, 3, 4, 5]),
    ({"id": 2}, [2]),
    ({"id": 2, "connectorId": 7, "stackLevel": 5}, [2]),
    ({"id": 9}, []),
    ({"connectorId": 0}, [1, 2]),
    ({"connectorId": 1}, [3, 4]),
    ({"chargingProfilePurpose": DEFAULT}, [2, 3, 5]),
    ({"stackLevel": 1}, [3, 4]),
    ({"stackLevel": 1, "chargingProfilePurpose": TX}, [4]),
    ({"connectorId": 1, "stackLevel": 1, "chargingProfilePurpose": MAX}, []),
    ({"connectorId": 2, "stackLevel": 0}, [5]),
]


# req: SC-CLR-01
# All that match every field that is given; with an id, that one.
def test_cleared(wanted, gone):
    box = Box(2)
    box.begin(1)
    for number, purpose, level, unique in (
        (0, MAX, 0, 1),
        (0, DEFAULT, 0, 2),
        (1, DEFAULT, 1, 3),
        (1, TX, 1, 4),
        (2, DEFAULT, 0, 5),
    ):
        assert box.set(number, profile(purpose, [(0, 10)], level=level, id=unique)) == "Accepted"
    assert box.clear(**wanted) == ("Accepted" if gone else "Unknown")
    left = [unique for unique in range(1, 6) if box.clear(id=unique) == "Accepted"]
    assert left == [unique for unique in range(1, 6) if unique not in gone]
    assert box.clear() == "Unknown"


# Times that some send for "always": years 1 and 9999, and limits that mean none.
def test_extremes():
    box = Box()
    far = profile(DEFAULT, [(0, 10), (2147483647, 8)], schedule={"startSchedule": "0001-01-01T00:00:00Z"})
    far["validFrom"] = "0001-01-01T00:00:00Z"
    far["validTo"] = "9999-12-31T23:59:59Z"
    assert box.set(1, far) == "Accepted"
    assert box.ma() == 8000  # these 68 years are long over
    daily = {"startSchedule": "0001-01-01T10:00:00Z"}
    rows = [(0, 11), (60, 12)]
    assert box.set(1, profile(DEFAULT, rows, "Recurring", recurrencyKind="Daily", schedule=daily)) == "Accepted"
    assert box.composite(1, DAY + 1) == [(0, 11), (60, 12), (DAY, 11)]
    assert box.set(1, profile(DEFAULT, [(0, 1e12), (60, 6e9, 1)], unit="W")) == "Accepted"
    assert box.composite(1, 120) == [(0, 32)]
    assert box.ma() is None
    assert box.set(1, profile(DEFAULT, [(0, 10)], id=1 << 40)) == "Rejected"


# 16.1 is no number of the chip's floats; every tenth comes out as it was sent.
def test_tenths():
    box = Box()
    for first in range(0, 320, 24):
        tenths = list(range(first, min(first + 24, 320)))
        rows = [(k, tenths[k] / 10) for k in range(len(tenths))]
        assert box.set(1, profile(DEFAULT, rows)) == "Accepted"
        assert [int(limit * 10 + 0.5) for _, limit in box.composite(1, len(rows))] == tenths
