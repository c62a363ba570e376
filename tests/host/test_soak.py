"""What a soak decides and how it is judged, without a box."""

import itertools

import pytest

from pilotwire.csms import CentralSystem, Charger
from pilotwire.csms.frames import CALL
from pilotwire.csms.schemas import dumps, loads, problem
from pilotwire.soak import plan
from pilotwire.soak.account import Account


def plans(seed):
    """The first decisions of everybody."""
    people = [
        plan.visits(plan.source(seed, 1, "driver 1"), 1, tethered=True),
        plan.office(plan.source(seed, 1, "office")),
        plan.trouble(plan.source(seed, 1, "trouble")),
    ]
    return [list(itertools.islice(person, 300)) for person in people]


def test_the_seed_decides():
    assert plans(7) == plans(7) and plans(7) != plans(8)


# Everything that is written down as possible comes, and each order is one that the standard knows.
def test_everything_happens():
    visits, orders, trouble = plans(1)
    assert {v.begin for v in visits} == {"tag", "remote"}
    assert {v.end for v in visits} == {"tag", "remote", "pause", "full", "unplug"}
    assert {deed.kind for deed in trouble} == {*plan.MISCHIEF, *plan.FAULTS}
    kinds = {deed.kind for deed in orders}
    assert {"UpdateFirmware", "refused update", "SendLocalList", "Reset", "InstallCertificate", "GetDiagnostics"} <= kinds
    for deed in orders:
        if deed.kind in ("SendLocalList", "SetChargingProfile", "ChangeConfiguration", "GetCompositeSchedule", "TriggerMessage"):
            assert problem(CALL, deed.kind, loads(dumps(deed.with_))) is None


def book(*rows):
    """A charger whose book has (connector, meter at the start, at the stop), None for one that runs."""
    charger = Charger(CentralSystem(), "X", 100)
    for k, (connector, start, stop) in enumerate(rows):
        head = {"connectorId": connector, "idTag": "T", "meterStart": start, "timestamp": f"2026-01-01T00:00:{k:02}Z"}
        transaction = charger.book.start(head)
        if stop is not None:
            charger.book.stop({"transactionId": transaction.id, "meterStop": stop, "timestamp": "2026-01-02T00:00:00Z"})
    return charger


WRONG = {
    "nothing": ([(1, 0, 100), (1, 101, 200)], 201.7, ""),
    "a Wh more than was metered": ([(1, 0, 101)], 100.9, "101 Wh were billed"),
    "lost": ([(1, 0, 100), (1, 110, 200)], 210.0, "190 Wh were billed"),
    "between two": ([(1, 0, 100), (1, 102, 200)], 200.9, "2 Wh between"),
    "billed twice": ([(1, 0, 100), (1, 90, 200)], 200.0, "begins at 90 Wh"),
    "never stopped": ([(1, 0, None)], 0.0, "never stopped"),
}


@pytest.mark.parametrize("case", WRONG)
def test_judged(case):
    rows, metered, told = WRONG[case]
    found = Account(1).judge(book(*rows), [metered])
    assert (told in "".join(found)) if told else not found


# A supply that fails: the last minute is in doubt, what flowed before is not.
def test_what_a_cut_may_take():
    account = Account(1)
    for second in range(0, 181, 5):
        account.look(second * 1000, [second * 2.0], [])
    account.failed([360.0])
    assert 120 < account.doubt[0] < 135
    assert not account.judge(book((1, 0, 240)), [360.0]) and account.judge(book((1, 0, 220)), [360.0])


def test_a_transaction_that_was_seen_is_told():
    account = Account(1)
    account.look(0, [0.0], [(1, "T", 0)])
    assert "never told" in account.judge(book(), [0.0])[0]
    assert not account.judge(book((1, 0, 0)), [0.0])
