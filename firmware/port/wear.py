"""Cold: how often each contactor has closed, and for how long, ever; in NVS, which takes it without an erase each time."""

import esp32

_NAMESPACE = "wear"


def _get(nvs, key):
    try:
        return nvs.get_i32(key)
    except OSError:  # never written
        return 0


def add(number, cycles, seconds):
    """More of both for a connector."""
    nvs = esp32.NVS(_NAMESPACE)
    cycles += _get(nvs, "cycles%d" % number)
    seconds += _get(nvs, "rest%d" % number)
    nvs.set_i32("cycles%d" % number, cycles)
    nvs.set_i32("rest%d" % number, seconds % 3600)
    if seconds >= 3600:
        nvs.set_i32("hours%d" % number, _get(nvs, "hours%d" % number) + seconds // 3600)
    nvs.commit()


def total(number):
    """(cycles, hours) of a connector."""
    nvs = esp32.NVS(_NAMESPACE)
    return _get(nvs, "cycles%d" % number), _get(nvs, "hours%d" % number)
