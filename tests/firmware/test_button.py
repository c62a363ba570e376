"""What a press of the button means."""

from button import Button

# held for ms, from the start on, what it means
CASES = [
    (40, False, []),
    (200, False, ["short"]),
    (900, False, ["short"]),
    (2000, False, []),
    (3000, False, ["long"]),
    (9900, False, ["long"]),
    (10020, False, ["reset"]),
    (60000, False, ["reset"]),
    (200, True, ["short"]),
    (2900, True, []),
    (3020, True, ["setup"]),
    (60000, True, ["setup"]),
]

_WRAP_MS = (1 << 30) - 1000


def press(boot, now, ms, step=20):
    button = Button(boot)
    told = []
    for _ in range(ms // step):
        told.append(button.step(True, now))
        now = (now + step) & 0x3FFFFFFF
    told.append(button.step(False, now))
    return [t for t in told if t]


def test_press(case):
    ms, boot, meaning = case
    assert press(boot, _WRAP_MS, ms) == meaning
