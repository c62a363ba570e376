"""Cold: the slots of the app (/slot, see boot.py) and, on boards with two, those of the MicroPython image."""

import json
import os
import sys

import cold
import esp32

_RECORD = "/slot"


def on_trial(slot):
    """Was `slot`, which runs, started on trial?"""
    return _read()[2:3] == slot


def prove(store, slot):
    """The self-test of the start was passed: the slot that runs becomes the active one; OSError if nothing can be written."""
    store.write("probe", slot.encode())
    if store.read("probe") != slot.encode():
        raise OSError(5)
    store.remove("probe")
    _raise_minimum(store, slot)
    if _pair():  # first: cut here, the slot is still on trial, and its image stays
        try:
            esp32.Partition.mark_app_valid_cancel_rollback()
        except OSError:
            pass  # the very first image: there is no record of it
    if on_trial(slot):
        _write(slot + "1-0")


def _raise_minimum(store, slot):
    """The version that runs says what is too old to follow it; that never sinks."""
    with open("/%s/build.json" % slot) as f:
        least = json.load(f).get("minimum", "")
    kept = (store.read("minimum") or b"").decode()
    if least != kept and cold.call("bundlecheck", "number", least) > cold.call("bundlecheck", "number", kept):
        store.write("minimum", least.encode())


def target(slot):
    """(idle slot, .mpy version that runs, id of the board, partition for an image or None)."""
    with open("/board.json") as f:
        board = json.load(f)["id"]
    return "a" if slot == "b" else "b", sys.implementation._mpy & 0x3FF, board, _pair()


def switch(idle, image):
    """Let the next start try the idle slot, with the image in the partition `image` if it is not None; OSError."""
    label = image.info()[4] if image else ""
    _write("%s1%s0%s" % ("a" if idle == "b" else "b", idle, label))
    if image:  # last: cut before, boot.py sees that it did not come, and goes back
        image.set_boot()


def _pair():
    """The partition of the image that does not run, None on boards with one."""
    running = esp32.Partition(esp32.Partition.RUNNING)  # type: ignore
    return running.get_next_update() if running.info()[1] & 0x10 else None


def _read():
    try:
        with open(_RECORD) as f:
            return f.read(24)
    except OSError:
        return ""


def _write(text):
    with open(_RECORD + "~", "w") as f:
        f.write(text)
    os.rename(_RECORD + "~", _RECORD)
