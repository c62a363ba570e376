# Cold: the button, made when it is pressed and gone when it is let go: what a press means. Sans-I/O.
# "short" and "long" come when it is let go, the others while it is held.
#   short   under 1 s               starts or stops with FreeChargingTag, where there is one
#   long    3 to 10 s               latched faults may go
#   reset   10 s                    factory settings (the ledger is never erased by it)
#   setup   3 s, held from the start of the charger on: a restart with the cause "setup"
import os

import ticks
try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_BOUNCE_MS = const(50)
_SHORT_MS = const(1000)
_LONG_MS = const(3000)
_RESET_MS = const(10000)


class Button:
    def __init__(self, boot):
        self._since = None  # now_ms when it was pressed
        self._boot = boot
        self._told = False

    def step(self, down, now):
        """To be called each 100 ms or so while it is pressed, and once after; returns what happened, or None."""
        if self._since is None:
            self._since = now
        held = ticks.diff(now, self._since)
        if down:
            if self._told or held < (_LONG_MS if self._boot else _RESET_MS):
                return None
            self._told = True
            return "setup" if self._boot else "reset"
        if self._told:
            return None
        if held >= _LONG_MS:
            return "long"
        return "short" if _BOUNCE_MS <= held < _SHORT_MS else None


def make(boot):
    """A Button; `boot`: it was pressed when the charger started."""
    return Button(boot)


def act(wallbox, event, now):
    """Do what a press means. While current flows only a short one counts."""
    wallbox.log.info("app", "button: " + event)
    flows = any([outlet.evse.energised for outlet in wallbox.outlets])
    if event == "short":
        tag = wallbox.settings.get("FreeChargingTag")
        if tag:
            wallbox.ocpp.present(tag, now)
    elif flows:
        wallbox.log.warning("app", "a car charges: stop it first")
    elif event == "long":
        for outlet in wallbox.outlets:
            outlet.evse.clear_faults()
    else:
        if event == "reset":
            forget(wallbox.settings)
        wallbox.board.restart(event)


def forget(settings):
    """Factory settings: the store becomes empty, but for the password on the charger's label. The ledger is no part of it."""
    password = settings.get("SetupPassword")
    folder = settings.store.path("x")[:-2]
    # The copy of the settings before the settings: what is damaged or gone is taken from there.
    for name in sorted(os.listdir(folder), reverse=True):
        os.remove(folder + "/" + name)
    settings.values = {}
    if password:
        settings.set("SetupPassword", password)
