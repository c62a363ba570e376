"""The rules for CALLs that no schema knows: ids, one at a time, nothing before Accepted.

Requirement ids: J-ID-01, J-SYNC-01, CORE-BOOT-02, CORE-BOOT-06.
"""

from __future__ import annotations

# A second CALL this soon after one that waits for its answer was not sent after a time-out.
_TOO_SOON_S = 1.0


class Order:
    """Judges the order of one charger's CALLs; times in seconds of any clock that does not jump.

    Args:
        remembered: how many ids are kept to see one used twice.
    """

    def __init__(self, remembered: int):
        self._remembered = remembered
        self._ids: dict[str, None] = {}
        self._triggered: set[str] = set()
        self._open: tuple[str, float] | None = None

    def connected(self) -> None:
        """A new connection: what was open on the old one is not awaited any more."""
        self._open = None

    def triggered(self, message: str) -> None:
        """We asked for this message by TriggerMessage, so it may come while Pending."""
        self._triggered.add(message)

    def answered(self, unique: str) -> None:
        """Our answer to the CALL with this id leaves."""
        if self._open is not None and self._open[0] == unique:
            self._open = None

    def judge(self, unique: str, action: str, registration: str | None, now: float) -> list[str]:
        """The rules that this CALL breaks, one sentence each.

        Args:
            unique: its id.
            action: its action.
            registration: status of the last BootNotification answer, None before the first.
            now: seconds.
        """
        broken = []
        if len(unique) > 36:
            broken.append(f"{action}: id of {len(unique)} characters, at most 36")
        if unique in self._ids:
            broken.append(f"{action}: id {unique} was used before")
        if self._open is not None and now - self._open[1] < _TOO_SOON_S:
            broken.append(f"{action}: sent while another CALL waits for its answer")
        pending = registration == "Pending" and action in self._triggered
        if registration != "Accepted" and action != "BootNotification" and not pending:
            broken.append(f"{action}: sent before the charger was accepted")
        self._open = unique, now
        self._ids[unique] = None
        if len(self._ids) > self._remembered:
            del self._ids[next(iter(self._ids))]
        return broken
