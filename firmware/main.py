# Chooses the directory of the app (/a or /b) and starts it; never updated over the air.
import sys

_SLOT = "/slot"  # one letter: the directory that runs


def choose():
    try:
        with open(_SLOT) as f:
            slot = f.read(1)
    except OSError:
        slot = "a"
    return slot if slot in ("a", "b") else "a"


slot = choose()
sys.path[:0] = ["/" + slot]
import app  # noqa: E402  (the path decides which one)

app.main(slot)
