# Starts the app in the directory that boot.py chose. Never updated over the air.
import sys

_PRODUCTION = False  # as in boot.py: whatever happens, there is no prompt but a restart
_WAIT_S = 3  # else a fault at each start would wear out the flash

try:
    import cold

    wallbox = cold.load("start").make(sys.path[0][1:])
    cold.drop("start")

    import app  # loaded by start, and what start alone needed is free again

    app.run(wallbox)
except Exception as e:
    sys.print_exception(e)
    with open("/slot") as f:
        on_trial = f.read(3)[2:]
    if on_trial == sys.path[0][1:]:  # this start has failed; else the chip waits in its REPL
        import machine

        machine.reset()
finally:
    if _PRODUCTION:
        import time

        import machine

        time.sleep(_WAIT_S)
        machine.reset()
