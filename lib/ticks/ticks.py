"""Milliseconds that wrap at 2**30, the same in every interpreter; spans stay under six days."""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


PERIOD = 1 << 30
_HALF = const(1 << 29)
_MASK = const((1 << 30) - 1)

# Every step stays in -2**30 .. 2**30 - 1, a small integer on the chip: nothing is allocated.
# XOR with _HALF adds half a period modulo the period.


def diff(a, b):
    """a - b, signed: negative when `a` is the earlier one."""
    return ((a - b & _MASK) ^ _HALF) - _HALF


def add(t, d):
    """The time `d` ms after `t` (before, when negative)."""
    return (t - _HALF + d & _MASK) ^ _HALF
