"""Imports point one way: app -> {evse, ocpp16, port, setup} -> lib. Only port/ touches the chip.

check(sources)  -> findings
"""

import ast
from collections.abc import Iterable, Iterator

from pilotwire.lint.findings import Finding, Source

CHIP = frozenset({"machine", "esp32", "espnow", "network", "bluetooth", "neopixel", "onewire", "dht"})

# What a stock ESP32 image of MicroPython has built in or frozen, besides CHIP.
BUILT_IN = frozenset(
    """_asyncio _onewire _thread aioespnow apa106 array asyncio binascii builtins cmath collections cryptolib deflate
    errno flashbdev framebuf gc hashlib heapq inisetup io json lwip machine math micropython mip ntptime os platform
    random re requests select socket ssl struct sys time tls uasyncio uctypes uos upysh vfs webrepl websocket""".split()
)

# Modules of PyPI that the build puts into the slot (pilotwire.packaged), and who may use them.
_PACKAGED = {"microdot": "setup"}

_START_CHIP = {"machine", "esp32"}

# Layer -> the layers that it may import. `lib` stands for every module of lib/.
_ALLOWED = {
    # boot.py and main.py; boot.py runs before a slot is chosen, so that port/ is out of its reach
    "boot": {"app", "port", "lib"},
    "app": {"app", "evse", "ocpp16", "port", "setup", "lib"},
    "evse": {"evse", "lib"},
    "ocpp16": {"ocpp16", "lib"},
    "port": {"port", "lib"},
    "setup": {"setup", "lib"},
    "lib": {"lib"},
}

# Decisions without I/O (rule 1 of the design): time and inputs are arguments.
_SANS_IO = {"evse"}
_IO = {"asyncio", "socket", "time", "select", "os"}


def check(sources: Iterable[Source]) -> list[Finding]:
    """Findings of all imports in these files, wherever in a file they stand."""
    sources = list(sources)
    layers = {_module(s.path).partition(".")[0]: layer(s.path) for s in sources}
    return [finding for source in sources for finding in _file(source, layers)]


def layer(path: str) -> str:
    """ "firmware/evse/pilot.py" -> "evse", "firmware/app.py" -> "app", "lib/log/log.py" -> "lib"."""
    top, _, rest = path.partition("/")
    if top == "lib":
        return "lib"
    first = rest.partition("/")[0].removesuffix(".py")
    return "boot" if first in ("boot", "main") else first if first in _ALLOWED else "app"


def _module(path: str) -> str:
    """Name under which a file is imported on the device."""
    parts = path.removesuffix(".py").split("/")
    return ".".join(parts[2:] if parts[0] == "lib" else parts[1:])


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, module) of each import; `__import__("x")` counts, relative and star imports come as "." and "*"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." if node.level else node.module or "."
            if any(alias.name == "*" for alias in node.names):
                yield node.lineno, "*"
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "__import__"
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            yield node.lineno, str(node.args[0].value)


def _file(source: Source, layers: dict[str, str]) -> Iterator[Finding]:
    here = layer(source.path)
    for line, name in imports(source.tree):
        top = name.partition(".")[0]
        if name == "*":
            yield Finding(
                source.path,
                line,
                "star import",
                "name what is used: a module on the chip pays for each name",
            )
        elif not top:
            yield Finding(
                source.path,
                line,
                "relative import",
                "import by the full name: there are no __init__.py",
            )
        elif top == "pilotwire":
            yield Finding(source.path, line, f"imports {name}", "the device never imports the host's code")
        elif top in CHIP:
            if here != "port" and not (here == "boot" and top in _START_CHIP):
                yield Finding(
                    source.path,
                    line,
                    f"{here} imports {top}",
                    "only firmware/port/ touches the chip",
                )
        elif top in layers:
            if layers[top] not in _ALLOWED[here]:
                yield Finding(
                    source.path,
                    line,
                    f"{here} imports {name}",
                    f"{here} may import {', '.join(sorted(_ALLOWED[here]))}; let app.py hand the object in",
                )
        elif _PACKAGED.get(top) == here:
            pass
        elif top not in BUILT_IN and not _for_types(source, line):
            yield Finding(
                source.path,
                line,
                f"imports {name}",
                "a stock ESP32 image has no such module, nor have firmware/ and lib/",
            )
        elif here in _SANS_IO and top in _IO:
            yield Finding(
                source.path,
                line,
                f"{here} imports {top}",
                "decisions without I/O: take it as an argument",
            )


def _for_types(source: Source, line: int) -> bool:
    """Inside `if False:`, which no interpreter runs and pyright reads?"""
    return any(
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Constant)
        and not node.test.value
        and node.lineno <= line <= (node.end_lineno or 0)
        for node in ast.walk(source.tree)
    )
