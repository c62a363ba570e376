"""One line of the doctor's report."""

from typing import NamedTuple

OK, WARNING, ERROR = "ok", "warning", "error"


class Finding(NamedTuple):
    """What was looked at, what was found, and what to do unless it is ok."""

    level: str
    about: str
    text: str
    do: str = ""
