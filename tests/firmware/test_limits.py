"""Limit slots: the smallest active one wins, with its reason."""

from evse.limits import SLOTS, Limits
from fake_board import lowest


def test_smallest_active_wins():
    limits = Limits()
    assert lowest(limits) == (0, "")
    limits.set("board", 32000)
    limits.set("ocpp", 16000, "profile 3")
    assert lowest(limits) == (16000, "ocpp")
    limits.set("cable", 13000, "")
    assert lowest(limits) == (13000, "cable")
    limits.set("ocpp", None)
    limits.set("cable", None)
    assert lowest(limits) == (32000, "board")
    assert limits.items() == [("board", 32000, "")]


def test_zero_is_a_limit():
    limits = Limits()
    limits.set("board", 32000)
    limits.set("user", 0, "paused")
    assert lowest(limits) == (0, "user")
    assert ("user", 0, "paused") in limits.items()


def test_changes_grow_only_with_changes():
    limits = Limits()
    limits.set("load", 10000)
    n = limits.changes
    limits.set("load", 10000)
    assert limits.changes == n
    limits.set("load", 10000, "meter silent")
    assert limits.changes == n + 1


def test_refuses():
    limits = Limits()
    for slot, ma in (("nonsense", 6000), ("ocpp", -1)):
        try:
            limits.set(slot, ma)
        except ValueError:
            continue
        raise AssertionError((slot, ma))


def test_huge_values_stay_small_ints():
    limits = Limits()
    for slot in SLOTS:
        limits.set(slot, 1 << 40)
    assert limits.lowest_ma() < 1 << 30
