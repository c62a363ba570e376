"""What may be asked of a virtual wallbox: requests are checked against control.schema.json, in words.

The schema's `oneOf` has one entry per word; only that entry is applied, so that an error speaks of that word.
"""

import functools
import json
import math
from importlib.resources import files
from typing import Any

import jsonschema
from jsonschema.exceptions import best_match

from pilotwire.errors import PilotwireError


class NotReached(PilotwireError):
    """What was waited for did not come within its time; `state` is the last state."""

    def __init__(self, timeout_s: float, until: dict[str, Any], state: dict[str, Any]):
        super().__init__(
            f"not reached within {timeout_s:g} s",
            json.dumps(until),
            "the last state is in the answer",
        )
        self.state = state


@functools.cache
def schema() -> dict[str, Any]:
    """The schema of all requests."""
    return json.loads((files("pilotwire.sim") / "control.schema.json").read_text())


@functools.cache
def _validators() -> dict[str, jsonschema.Draft202012Validator]:
    defs = schema()["$defs"]
    return {
        entry["title"]: jsonschema.Draft202012Validator({**entry, "$defs": defs})
        for entry in schema()["oneOf"]
    }


def _properties(word: Any) -> list[str]:
    return next(list(e["properties"]) for e in schema()["oneOf"] if e["title"] == word)


def known() -> list[str]:
    """All words."""
    return list(_validators())


def check(request: Any) -> None:
    """PilotwireError says what is wrong with a request."""
    if not isinstance(request, dict):
        raise PilotwireError("a request is a JSON object", f"this is {json.dumps(request)[:60]}")
    word = request.get("do")
    validator = _validators().get(word) if isinstance(word, str) else None
    if validator is None:
        why = "`do` is missing" if word is None else f"{json.dumps(word)[:60]} is not known"
        raise PilotwireError("this is no request", why, f"the words are {', '.join(known())}")
    error = best_match(validator.iter_errors(request))
    if error:
        fields = ", ".join(sorted(set(_properties(word)) - {"do"} | {"id"}))
        where = ".".join(map(str, error.absolute_path))
        message = f"{where}: {error.message}" if where else error.message
        raise PilotwireError(f"{word} was refused", message[:300], f"its fields are {fields}")


_COMPARE = {
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    "<": lambda a, b: a < b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "has": lambda a, b: b in a,
    "in": lambda a, b: a in b,
}


def holds(state: Any, wanted: Any) -> bool:
    """Is `wanted` a part of `state`? Objects and lists are followed, {">=": n} and the like compare."""
    if isinstance(wanted, dict):
        if wanted and all(key in _COMPARE for key in wanted):
            try:
                return all(_COMPARE[key](state, value) for key, value in wanted.items())
            except TypeError:
                return False
        if isinstance(state, list):
            # {"0": ...} names an element of a list.
            return all(
                k.isdecimal() and int(k) < len(state) and holds(state[int(k)], v)
                for k, v in wanted.items()
            )
        return (
            isinstance(state, dict)
            and all(k in state and holds(state[k], v) for k, v in wanted.items())
        ) or not wanted
    if isinstance(wanted, list):
        return (
            isinstance(state, list)
            and len(state) >= len(wanted)
            and all(holds(a, b) for a, b in zip(state, wanted, strict=False))
        )
    if isinstance(wanted, float) and isinstance(state, (int, float)):
        return math.isclose(state, wanted)
    return type(state) is type(wanted) and state == wanted
