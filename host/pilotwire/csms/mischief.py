"""Answers that are late, refused, wrong or missing, by name: for scenarios and the page.

    mischief = Mischief(central)
    mischief.set("Authorize", "refuse", status="Blocked")
    mischief.set("StartTransaction", "error", code="InternalError", delay_s=2)
    mischief.set("Heartbeat", "normal")

A test that wants more puts a function of its own into `CentralSystem.answer`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pilotwire.csms import answers, schemas
from pilotwire.csms.frames import CallError
from pilotwire.errors import PilotwireError

if TYPE_CHECKING:
    from pilotwire.csms.charger import Charger
    from pilotwire.csms.server import CentralSystem

# action -> how its answer refuses, with the status that is meant if none is given.
_REFUSALS = {
    "Authorize": "Blocked",
    "StartTransaction": "Blocked",
    "StopTransaction": "Blocked",
    "BootNotification": "Rejected",
    "DataTransfer": "Rejected",
}
_MOST_DELAY_S = 3600


@dataclass(frozen=True)
class Rule:
    """How one action is answered: see `Mischief.set`."""

    how: str
    delay_s: float = 0.0
    status: str = ""
    code: str = ""


def _refuse(charger: Charger, action: str, payload: dict[str, Any], rule: Rule) -> Any:
    usual = answers.default(charger, action, payload)
    status = rule.status or _REFUSALS[action]
    return usual | ({"status": status} if "status" in usual else {"idTagInfo": {"status": status}})


async def _broken(charger: Charger) -> None:
    await charger.send('[3,"')


# how -> what a hook answers; `usual` and a delay alone need none.
_HOW: dict[str, Callable[[Charger, str, dict[str, Any], Rule], Any]] = {
    "normal": lambda charger, action, payload, _: answers.default(charger, action, payload),
    "refuse": _refuse,
    "error": lambda _c, _a, _p, rule: CallError(rule.code or "InternalError", "asked for on the bench"),
    "silent": lambda _c, _a, _p, _r: None,
    "invalid": lambda _c, _a, _p, _r: {"nobody": ["asked", "for", "this"]},
    "broken": lambda charger, _a, _p, _r: _broken(charger),
}
HOW = tuple(_HOW)


class Mischief:
    """The rules of one central system; sets its `answer` and `delay`.

    Attributes:
        rules: action -> `Rule`, only those that differ from the usual.
    """

    def __init__(self, central: CentralSystem):
        self._central = central
        self.rules: dict[str, Rule] = {}

    def set(self, action: str, how: str = "normal", delay_s: float = 0.0, status: str = "", code: str = "") -> None:
        """Answers an action so from now on.

        Args:
            action: of a charger, such as Authorize.
            how: normal; refuse (by `status`); error (CALLERROR with `code`); silent (no answer); invalid (against the
                schema); broken (no JSON).
            delay_s: real seconds before the answer.
            status: of a refusal; Blocked or Rejected if left out.
            code: of a CALLERROR, any text.

        Raises:
            PilotwireError: unknown action or way, or an action that cannot refuse.
        """
        if action not in schemas.FROM_CHARGER:
            raise PilotwireError(
                f"chargers send no {action!r}", "", f"they send {', '.join(sorted(schemas.FROM_CHARGER))}"
            )
        if how not in _HOW:
            raise PilotwireError(f"cannot answer {how!r}", "", f"possible is {', '.join(HOW)}")
        if how == "refuse" and action not in _REFUSALS:
            raise PilotwireError(f"the answer to {action} cannot refuse", "", f"these can: {', '.join(_REFUSALS)}")
        if not 0 <= delay_s <= _MOST_DELAY_S:
            raise PilotwireError(f"a delay of {delay_s:g} s is out of range", "", f"0 to {_MOST_DELAY_S} s is possible")
        rule = Rule(how, float(delay_s), status, code)
        if rule == Rule("normal"):
            self.rules.pop(action, None)
            self._central.answer.pop(action, None)
        else:
            self.rules[action] = rule
            make = _HOW[how]
            self._central.answer[action] = lambda charger, payload: make(charger, action, payload, rule)
        self._central.delay = self._delay if self.rules else 0.0

    def _delay(self, _charger: Charger, action: str, _payload: dict[str, Any]) -> float:
        rule = self.rules.get(action)
        return rule.delay_s if rule else 0.0

    def view(self) -> dict[str, Any]:
        """The rules as JSON."""
        return {action: asdict(rule) for action, rule in self.rules.items()}
