# Runs first after every reset: chooses the directory of the app, /a or /b. Never updated over the air: it does only what has to
# be done before there is an app.
#
# /slot is the active slot, "1" (the format), the slot on trial or "-", how often it was started, and the label of the image that
# it came with, if any: "a", "a1-0", "a1b2", "a1b0ota_1". A slot is whole when it has a build.json (written last, removed first).
import gc
import json
import os
import sys

import machine

_PRODUCTION = False  # `pilotwire build --production` makes it True: the serial line can not stop the firmware (docs/security.md)

if _PRODUCTION:
    import micropython

    micropython.kbd_intr(-1)

# Collect often while modules are loaded: what they leave behind would tear up the heap for good.
gc.threshold(2048)

_TRIES = 3
_WATCHDOG_MS = 20000  # for a start on trial that hangs before the app feeds it


def _record():
    """(active, slot on trial or "", starts so far, label)."""
    try:
        with open("/slot") as f:
            text = f.read(24)
    except (OSError, ValueError):
        text = ""
    active = "b" if text[:1] == "b" else "a"
    trial = text[2:3]
    if text[1:2] == "1" and trial in ("a", "b") and trial != active and text[3:4].isdigit():
        return active, trial, int(text[3]), text[4:]
    return active, "", 0, ""


def _write(text):
    with open("/slot~", "w") as f:
        f.write(text)
    os.rename("/slot~", "/slot")


def _fits(slot):
    """Is there a whole app in it, for the MicroPython that runs?"""
    try:
        with open("/%s/build.json" % slot) as f:
            return json.load(f)["mpy"] == sys.implementation._mpy & 0x3FF
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _image():
    """The partition of the image that runs."""
    import esp32

    return esp32.Partition(esp32.Partition.RUNNING)  # type: ignore


def _keep_image():
    """We are back: without this the next reset would take us to the image that was given up."""
    import esp32

    try:
        esp32.Partition.mark_app_valid_cancel_rollback()
    except OSError:
        pass  # the very first image, of which nothing is noted


def _choose():
    active, trial, tries, label = _record()
    if trial:
        try:
            came = not label or _image().info()[4] == label
            if came and tries < _TRIES and _fits(trial):
                _write("%s1%s%d%s" % (active, trial, tries + 1, label))
                machine.WDT(timeout=_WATCHDOG_MS)
                return trial
            if label and came:  # its image is valid by now: the chip does not go back by itself
                _image().get_next_update().set_boot()
                machine.reset()
            if label:
                _keep_image()
            _write(active + "1-0")  # last: until then the way back begins anew
        except OSError as e:  # a start that can not be counted is none
            print("E boot: " + str(e))
    other = "a" if active == "b" else "b"
    return other if _fits(other) and not _fits(active) else active


sys.path.insert(0, "/" + _choose())
for _name in ("_record", "_write", "_fits", "_image", "_keep_image", "_choose"):
    del globals()[_name]  # as main.py goes on in the same names

try:
    machine.freq(240000000)  # stock images start at 160 MHz
except ValueError:
    pass  # a chip that knows no more
