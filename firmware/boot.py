# Runs first after every reset: chooses the directory of the app, /a or /b. Never updated over the air.
import gc
import sys

import machine

# Collect often while modules are loaded: what they leave behind would tear up the heap for good.
gc.threshold(2048)


def _choose():
    """The slot that the file /slot names by one letter; /a where there is none."""
    try:
        with open("/slot") as f:
            slot = f.read(1)
    except OSError:
        slot = "a"
    return slot if slot in ("a", "b") else "a"


sys.path.insert(0, "/" + _choose())

try:
    machine.freq(240000000)  # stock images start at 160 MHz
except ValueError:
    pass  # a chip that knows no more
