# Cold: what the charger says of itself in a diagnostics file, as lines of JSON; docs/diagnostics.md lists them.
#
# Made while it is sent, in the memory of one line and of the module that makes it. A blank line means nothing: it stands for work
# that took its time, so that whoever takes the lines can do something else.
import gc

import cold

_MAKERS = (
    "diagnosis_present",
    "diagnosis_counters",
    "diagnosis_electrics",
    "diagnosis_flash",
    "diagnosis_settings",
    "diagnosis_queue",
    "diagnosis_frames",
    "diagnosis_log",
)


def lines(wallbox, start, stop):
    """Lines as bytes, their ends apart; of log, frames and records those with start <= time < stop (UTC, None: open).

    No secret is in any of them: what a setting of that kind holds is masked wherever it stands.
    """
    hidden = []
    for name in _MAKERS:
        gc.collect()
        for text in cold.call(name, "parts", wallbox, start, stop, hidden):  # by name: those of _MAKERS
            for secret in hidden:
                text = text.replace(secret, "***")
            yield text.encode()
            yield b"\n"
