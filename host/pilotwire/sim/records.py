"""The records that child and supervisor exchange; boards/virtual/wire.py has the same layout.

Words of 32 bits, little end first. The child speaks first and waits for the answer.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

STEP, LOOKUP, HALT = 0, 1, 2
UNCAUGHT = 100  # HALT's argument when the program ended; else one of machine.reset_cause()
CONNECTORS = 2
TAG_BYTES = 24

_OUT = struct.Struct("<" + "i" * 22)
_IN_HEAD = struct.Struct("<" + "i" * 5 + "i24si")
_IN_CONNECTOR = struct.Struct("<" + "i" * 13)
OUT_SIZE = _OUT.size
_NOW_HIGH = 9  # the time in units of 2^30 ms
_CONNECTOR_AT, _CONNECTOR_WORDS = 9, 6  # in what `unpack` returns


@dataclass(slots=True)
class Drive:
    """What the box drives on one connector.

    Attributes:
        pwm: duty 0..65535 (65535 = steady high) | frequency in Hz << 16, or -1 for a pin that is not driven.
    """

    pwm: int = -1
    relay: bool = False
    lock: bool = False
    rcd_test: bool = False
    relay2: bool = False
    cut: bool = False


def unpack(data: bytes | bytearray | memoryview) -> tuple[int, ...]:
    """(kind, now_ms, argument, port, led, wdt_ms, reads, programs, erases, then 6 words per connector, see `drive`)."""
    kind, low, *words = _OUT.unpack_from(data)
    high = words.pop(_NOW_HIGH - 2)
    return kind, high << 30 | low, *words


def drive(words: tuple[int, ...], k: int) -> Drive:
    """What a record says that the box drives on connector k, from 0."""
    at = _CONNECTOR_AT + k * _CONNECTOR_WORDS
    pwm, *flags = words[at : at + _CONNECTOR_WORDS]
    return Drive(pwm, *map(bool, flags))


def pack(
    milli: int,
    network: bool,
    button: bool,
    emergency: bool,
    tamper: bool,
    tag: bytes | None,
    lookup: int,
    connectors: bytes,
) -> bytes:
    """The answer; `tag` None = the reader is dead; `connectors` is two results of `pack_connector`, one after the other."""
    size = -1 if tag is None else len(tag)
    head = _IN_HEAD.pack(milli, network, button, emergency, tamper, size, tag or b"", lookup)
    return head + connectors


def pack_connector(
    high_mv: int,
    low_mv: int,
    proximity_ohm: int,
    pulses: int,
    feedback: bool,
    locked: bool,
    rcd: bool,
    temperature_c10: int,
    open_pe: bool,
    meter_wh: int,
    meter_ma: Sequence[int],
) -> bytes:
    """What the box sees of one connector; `proximity_ohm` -1 = open, `meter_wh` -1 = the meter does not answer."""
    return _IN_CONNECTOR.pack(
        high_mv, low_mv, proximity_ohm, pulses, feedback, locked, rcd, temperature_c10, open_pe, meter_wh, *meter_ma
    )


IDLE_CONNECTOR = pack_connector(12000, -12000, -1, 0, False, False, False, 300, False, 0, (0, 0, 0))
