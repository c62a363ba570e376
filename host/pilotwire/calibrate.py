"""`pilotwire calibrate`: an order over the serial line to a charger that runs; it measures its pilot and answers in its log."""

from __future__ import annotations

import json
import time

from pilotwire.device import ports
from pilotwire.errors import PilotwireError
from pilotwire.monitor import Reader

_ANSWER_S = 15
# What firmware/orders.py logs.
_DONE, _REFUSED = "is calibrated: ", "an order that can not be obeyed: "


def run(port: str | None, *, connector: int, high_mv: int, low_mv: int) -> str:
    """What the charger says of its new calibration.

    Args:
        port: None to find it.
        connector: from 1.
        high_mv, low_mv: what a voltmeter shows at CP against PE, at steady +12 V and -12 V.

    Raises:
        PilotwireError: no such port, no answer, or it refuses; then nothing was written.
    """
    chosen = ports.choose(port)
    order = {"calibrate": {"connector": connector, "high_mv": high_mv, "low_mv": low_mv}}
    reader = Reader(lambda: 0)
    line = ports.open_line(chosen)
    try:
        line.write(b"\n@" + json.dumps(order).encode() + b"\n")
        end = time.monotonic() + _ANSWER_S
        while time.monotonic() < end:
            for event in reader.feed(line.read(max(1, line.in_waiting or 0))):
                if _DONE in event.what:
                    return event.what.partition(": ")[2]
                if _REFUSED in event.what:
                    raise PilotwireError("the charger has not calibrated its pilot", event.what.partition(_REFUSED)[2])
    except OSError as error:
        raise PilotwireError(f"the connection to {chosen} broke off", str(error), "check the cable")
    finally:
        line.close()
    raise PilotwireError(
        "the charger does not answer",
        f"nothing came from {chosen} within {_ANSWER_S} s",
        "does its firmware run? `pilotwire monitor` shows it",
    )
