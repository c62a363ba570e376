"""Names of the sources in what a charger says of its errors: its build has shorter ones (pilotwire.renaming).

    names = Names.of_build("0f3a...")     or Names.newest()
    names.readable(line)                  each line of the log in turn

Each build leaves its names in build/names, called by the hash that build.json has. Without them lines stay as they are.
"""

import json
import re
from pathlib import Path

from pilotwire import build

_FRAME = re.compile(r'^  File "(?P<file>[^"]+)", line \d+(, in (?P<function>\S+))?$')
_QUOTED = re.compile(r"'(\w+)'")


class Names:
    """Those of one build: {"acosh": {"": "ocpp16/core.py", new name: old name}}."""

    def __init__(self, modules: dict[str, dict[str, str]]):
        self._modules = modules
        self._last: dict[str, str] | None = None  # of the innermost frame so far

    @classmethod
    def _load(cls, path: Path | None) -> "Names":
        try:
            return cls(json.loads(path.read_text())) if path else cls({})
        except (OSError, ValueError):
            return cls({})

    @classmethod
    def of_build(cls, digest: str) -> "Names":
        """By `hash` of build.json; none that fit if it was built elsewhere."""
        return cls._load(build.names_file(digest))

    @classmethod
    def newest(cls) -> "Names":
        """Of what was built last: what a board that was just flashed runs."""
        found = build.names_file("x").parent.glob("*.json")
        return cls._load(max(found, key=lambda path: path.stat().st_mtime, default=None))

    def source(self, module: str) -> str:
        """The source of a module: "acosh" -> "ocpp16/core.py"; as it is if it has no other name."""
        return self._modules.get(module, {}).get("", module)

    def readable(self, line: str) -> str:
        """The line with names of the sources, if it belongs to a traceback."""
        if found := _FRAME.match(line):
            self._last = names = self._modules.get(found["file"], {})
            where = names.get("", found["file"])
            line = line[: found.start("file")] + where + line[found.end("file") :]
            function = found["function"]
            return line if not function else line.removesuffix(function) + names.get(function, function)
        names, self._last = self._last, None
        # The error itself may name what it did not find.
        return _QUOTED.sub(lambda m: f"'{names.get(m[1], m[1])}'", line) if names else line
