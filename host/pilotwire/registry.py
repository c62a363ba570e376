"""The registry of settings, firmware/settings.txt, read on the host: what there is to set, and what a value may be.

    check({"MaxCurrent": "16"})         # the values as the firmware would keep them, or UsageError

The rules are those of lib/settings; tests/host/test_provision.py holds both against each other.
"""

from __future__ import annotations

import difflib
import functools
import re
from typing import NamedTuple

from pilotwire import arguments, build
from pilotwire.arguments import UsageError


class Option(NamedTuple):
    """One line of the table; see lib/settings for what the fields mean."""

    name: str
    type: str
    access: str
    range: str
    default: str

    @property
    def secret(self) -> bool:
        """Is it never to be shown?"""
        return self.access in ("secret", "wo")

    @property
    def variable(self) -> str:
        """Environment variable that may hold it: WifiKey is PILOTWIRE_WIFI_KEY."""
        return "PILOTWIRE_" + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.name).upper()

    @property
    def allowed(self) -> str:
        """What a value may be, in words."""
        if self.type == "bool":
            return "true or false"
        low, _, high = self.range.partition("..")
        unit = "" if self.type == "int" else " characters"
        if low and high:
            return f"{low} to {high}{unit}"
        return f"{low} or more{unit}" if low else f"up to {high}{unit}" if high else "anything"


@functools.cache
def options() -> dict[str, Option]:
    """All options by name, in the order of the table."""
    path = build.repository() / "firmware" / "settings.txt"
    found = {}
    for line in path.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, kind, access, range_, *default = line.split(None, 4)
            found[name] = Option(name, kind, access, range_, default[0].strip() if default else "")
    return found


def find(name: str) -> Option:
    """The option of that name in any case; UsageError names what comes close."""
    for option in options().values():
        if option.name.lower() == name.lower():
            return option
    close = difflib.get_close_matches(name, options(), n=3, cutoff=0.5)
    raise UsageError(
        f"there is no setting {name!r}",
        f"did you mean {' or '.join(close)}?" if close else "",
        "" if close else "`pilotwire provision --list` shows all",
    )


def parse(option: Option, text: str) -> str:
    """The value as the firmware keeps it; UsageError when it is out of range."""
    shown = "the value" if option.secret else repr(text)
    wrong = UsageError(f"{shown} is no {option.name}", "", f"it may be {option.allowed}")
    if option.type == "bool":
        if text.lower() not in ("true", "false"):
            raise wrong
        return text.lower()
    if option.type == "int":
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()):
            raise wrong
        size = int(text)
        value = str(size)
    else:
        value = ",".join(item.strip() for item in text.split(",")) if option.type == "csl" else text
        size = len(value)
    low, _, high = option.range.partition("..")
    if (low and size < int(low)) or (high and size > int(high)):
        raise wrong
    return value


def check(values: dict[str, str]) -> dict[str, str]:
    """The values under their proper names, as the firmware would keep them.

    Raises:
        UsageError: an unknown name, a value out of range, or a setting that the firmware makes itself.
    """
    checked = {}
    for name, text in values.items():
        option = find(name)
        if option.access == "ro":
            raise UsageError(f"{option.name} cannot be set", "the firmware knows it by itself")
        value = parse(option, text)
        if value and option.name == "CentralSystemURL":
            value = arguments.csms_url(value)
        if value and option.name == "ChargePointId":
            value = arguments.charger_id(value)
        if option.name in ("WifiKey", "SetupPassword") and 0 < len(value) < 8:
            raise UsageError(f"the value is no {option.name}", "", "a password of Wi-Fi has 8 characters or more")
        checked[option.name] = value
    return checked


def lean(values: dict[str, str]) -> dict[str, str]:
    """The values without those that are the default anyway, which the settings file does not need."""
    known = options()
    return {n: text for n, text in values.items() if n not in known or text != known[n].default}
