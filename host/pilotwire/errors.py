"""The one root of errors on the host: what happened, why, and what to do about it."""


class PilotwireError(Exception):
    """An error for a person. The command line prints `pilotwire: what, why, do` and exits 1.

    Args:
        what: what could not be done, as a clause without a full stop.
        why: the cause, as far as it is known.
        do: what the reader can do about it.
    """

    def __init__(self, what: str, why: str = "", do: str = ""):
        super().__init__(what, why, do)
        self.what, self.why, self.do = what, why, do

    def __str__(self) -> str:
        return ", ".join(part for part in (self.what, self.why, self.do) if part)
