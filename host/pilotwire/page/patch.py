"""What has changed between two states, as a JSON merge patch (RFC 7396): null and absent mean the same."""

from __future__ import annotations

from typing import Any


def difference(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The patch that makes `new` of `old`; empty when nothing has changed. Lists are replaced as a whole."""
    patch: dict[str, Any] = {name: None for name in old if new.get(name) is None and old[name] is not None}
    for name, value in new.items():
        before = old.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            inner = difference(before, value)
            if inner:
                patch[name] = inner
        elif value != before or isinstance(value, bool) != isinstance(before, bool):
            patch[name] = value
    return patch
