# Differences and sums of milliseconds that wrap at 2**30.
import ticks

_P = ticks.PERIOD

# (a, b, a - b)
CASES = [
    (0, 0, 0),
    (5, 3, 2),
    (3, 5, -2),
    (0, _P - 1, 1),
    (_P - 1, 0, -1),
    (4, _P - 6, 10),
    (_P - 6, 4, -10),
    ((1 << 29) - 1, 0, (1 << 29) - 1),
    (1 << 29, 0, -(1 << 29)),
    (0, 1 << 29, -(1 << 29)),
]


def test_diff(a, b, expected):
    assert ticks.diff(a, b) == expected


def test_add_undoes_diff():
    for a, b, _ in CASES:
        assert ticks.add(b, ticks.diff(a, b)) == a


def test_add_wraps():
    assert ticks.add(_P - 1, 1) == 0
    assert ticks.add(0, -1) == _P - 1
    assert ticks.add(_P - 1, (1 << 29) - 1) == (1 << 29) - 2
    assert ticks.add(0, -(1 << 29)) == 1 << 29
    assert ticks.add(_P - 1, 1 << 29) == (1 << 29) - 1


def test_day_across_the_wrap():
    start = _P - 5000
    now = start
    for _ in range(86400):
        now = ticks.add(now, 1000)
    assert ticks.diff(now, start) == 86400 * 1000
