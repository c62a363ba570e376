"""Scenarios: what a car, a person and the central system do, line by line.

    # a comment
    plug connector=1 cable_a=32 car=normal
    +5 tag id=C0FFEE01                               5 simulated seconds after the line before
    wait connectors[0].status = Charging timeout_s=30
    limit slot=user ma=10000
    expect connectors[0].offered_ma <= 10000
    remote_stop
    expect central.stopped = 1

Words and fields are those of the control socket (docs/control.md) and a few for the central system.
This module reads the lines; `player` plays them.
"""

from __future__ import annotations

import json
import operator
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from pilotwire.errors import PilotwireError

_CHECKS = ("expect", "wait")


def _control_fields() -> dict[str, str]:
    """Words of the control socket with their fields, from its schema, in the form used below."""
    schema = json.loads((files("pilotwire") / "sim" / "control.schema.json").read_text("utf-8"))
    found = {}
    for word in schema["oneOf"]:
        fields = []
        for name, form in word["properties"].items():
            # `id` is the request's own, with nothing said of it, but for the tag's.
            if name == "do" or (name == "id" and not form):
                continue
            text = ":s" if form.get("type") == "string" else ""
            fields.append(name + text + ("!" if name in word.get("required", ()) else ""))
        if word["title"] not in _CHECKS:
            found[word["title"]] = " ".join(fields)
    return found


# word -> fields; `:s` is taken as text even where it looks like a number, `!` must be there.
_FIELDS = _control_fields()
_CENTRAL_FIELDS = {
    "remote_start": "id:s! connector",
    "remote_stop": "transaction",
    "change_configuration": "key:s! value:s!",
    "call": "action:s! payload",
    "answer": "action:s! how:s! delay_s status:s code:s",
    "send": "text:s!",
    "update": "version:s!",
    "diagnose": "",
    "drop": "",
}
CENTRAL_WORDS = frozenset(_CENTRAL_FIELDS)
# Those for which files travel: firmware to the box, diagnostics from it.
DEPOT_WORDS = frozenset(("update", "diagnose"))
WORDS = (*_FIELDS, *_CENTRAL_FIELDS, *_CHECKS)


def _has(actual: Any, wanted: Any) -> bool:
    return wanted in actual


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "has": _has,
}


@dataclass(frozen=True)
class Step:
    """One line of a scenario.

    `after_s`: simulated seconds to let pass before it; `fields`: arguments of the word; `path`,
    `op` and `value` are set for `expect` and `wait` only; `number` is the line's, from 1.
    """

    number: int
    text: str
    word: str
    after_s: float = 0.0
    fields: dict[str, Any] = field(default_factory=dict)
    path: str = ""
    op: str = ""
    value: Any = None

    def holds(self, state: Any) -> bool:
        """Whether an `expect` or `wait` is true of a state; a path that leads nowhere is not."""
        try:
            return bool(OPERATORS[self.op](lookup(state, self.path), self.value))
        except (LookupError, TypeError):
            return False


def parse(text: str, name: str = "scenario") -> list[Step]:
    """Reads a whole scenario.

    Args:
        text: its lines; empty ones and those that begin with # are skipped.
        name: of the file, for errors.

    Raises:
        PilotwireError: with the name and number of the first bad line and what is known there.
    """
    steps = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            step = parse_line(line, number)
        except PilotwireError as error:
            raise PilotwireError(f"{name}, line {number}: {error.what}", error.why, error.do)
        if step is not None:
            steps.append(step)
    return steps


def parse_line(line: str, number: int = 1) -> Step | None:
    """Reads one line; None if there is nothing on it.

    Raises:
        PilotwireError: what is wrong, and the words or fields that are known.
    """
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        raise PilotwireError("the line cannot be read", str(error).lower())
    if not words:
        return None
    after_s = 0.0
    if words[0].startswith("+"):
        after_s = _seconds(words.pop(0)[1:])
        if not words:
            raise PilotwireError("there is no word after the seconds", "", _known())
    word, *rest = words
    text = line.strip()
    if word in _CHECKS:
        path, op, value, fields = _check(word, rest)
        return Step(number, text, word, after_s, fields, path, op, value)
    spec = _FIELDS.get(word, _CENTRAL_FIELDS.get(word))
    if spec is None:
        raise PilotwireError(f"unknown word {word!r}", "", _known())
    return Step(number, text, word, after_s, _fields(word, rest, spec))


def fields_of(word: str) -> list[str]:
    """Names of a word's fields; PilotwireError for a word that is none."""
    spec = _FIELDS.get(word, _CENTRAL_FIELDS.get(word))
    if spec is None:
        raise PilotwireError(f"unknown word {word!r}", "", _known())
    return [_name(entry) for entry in spec.split()]


def step(word: str, fields: dict[str, Any]) -> Step:
    """The step of a word and its fields, as if it had been read from a line.

    Raises:
        PilotwireError: what is wrong, and the words or fields that are known.
    """
    made = parse_line(line(word, fields))
    assert made is not None
    return made


def line(word: str, fields: dict[str, Any]) -> str:
    """A word and its fields as a line that `parse_line` reads back.

    Raises:
        PilotwireError: it cannot be written on a line.
    """
    parts = [word]
    for name, value in fields.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if text and text.splitlines() != [text]:
            raise PilotwireError(f"{word} cannot be written on a line", f"{name} has several")
        parts.append(f"{name}={shlex.quote(text)}")
    return " ".join(parts)


def lookup(state: Any, path: str) -> Any:
    """The value at `connectors[0].limits[1].ma` (or `connectors.0...`) of a JSON-like state.

    Raises:
        LookupError: there is no such thing.
    """
    for part in path_parts(path):
        if isinstance(state, list | tuple):
            if not part.isdecimal():
                raise LookupError(f"{part!r} is no index")
            state = state[int(part)]
        elif isinstance(state, dict):
            state = state[part]
        else:
            raise LookupError(f"there is nothing below {part!r}")
    return state


def path_parts(path: str) -> list[str]:
    """`connectors[0].status` as ["connectors", "0", "status"]."""
    return re.findall(r"[^.\[\]]+", path)


def until(step: Step) -> dict[str, Any]:
    """The `until` of the control socket's `wait` for a `wait` line."""
    wanted: Any = step.value if step.op in ("=", "==") else {step.op: step.value}
    for part in reversed(path_parts(step.path)):
        wanted = [{}] * int(part) + [wanted] if part.isdecimal() else {part: wanted}
    return wanted


def _known() -> str:
    return f"known words: {', '.join(WORDS)}"


def _seconds(text: str) -> float:
    # The pattern keeps nan, inf and signs out.
    if not re.fullmatch(r"\d{1,7}(\.\d+)?", text):
        raise PilotwireError(f"'+{text}' is not a number of seconds", "", "write +5 or +0.5")
    return float(text)


def _value(text: str) -> Any:
    """JSON where it is JSON, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _name(entry: str) -> str:
    return entry.rstrip("!").removesuffix(":s")


def _fields(word: str, rest: list[str], spec: str) -> dict[str, Any]:
    texts, needed, names = set(), [], []
    for entry in spec.split():
        name = _name(entry)
        names.append(name)
        if ":s" in entry:
            texts.add(name)
        if entry.endswith("!"):
            needed.append(name)
    known = f"fields of {word}: {', '.join(names) or 'none'}"
    fields: dict[str, Any] = {}
    for item in rest:
        name, equals, value = item.partition("=")
        if not equals:
            raise PilotwireError(f"{item!r} is not of the form key=value", "", known)
        if name not in names:
            raise PilotwireError(f"{word} has no field {name!r}", "", known)
        if name in fields:
            raise PilotwireError(f"{name!r} is given twice")
        fields[name] = value if name in texts else _value(value)
    missing = [name for name in needed if name not in fields]
    if missing:
        raise PilotwireError(f"{word} needs {', '.join(missing)}", "", known)
    return fields


def _check(word: str, rest: list[str]) -> tuple[str, str, Any, dict[str, Any]]:
    form = f"write: {word} path op value" + (" [timeout_s=60]" if word == "wait" else "")
    fields: dict[str, Any] = {}
    if word == "wait":
        fields["timeout_s"] = 60
        if len(rest) == 4 and rest[3].startswith("timeout_s="):
            fields["timeout_s"] = _seconds(rest.pop().removeprefix("timeout_s="))
    if len(rest) != 3:
        raise PilotwireError(f"{word} takes a path, an operator and a value", "", form)
    path, op, value = rest
    if op not in OPERATORS:
        raise PilotwireError(
            f"unknown operator {op!r}", "", f"known operators: {', '.join(OPERATORS)}"
        )
    return path, op, _value(value), fields
