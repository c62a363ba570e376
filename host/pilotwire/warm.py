"""Which modules of the firmware stay loaded; all others are cold (lib/cold)."""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

# Cold modules that stay as long as the connection to the central system does.
LOADED_WITH_A_WEBSOCKET = ("wsclient", "wsframes")
# Cold modules that are loaded while there is room in the heap: at start and in set-up mode,
_AT_START = "start vocabulary electrics evse.meter ocpp16.recovery port.pn532 port.sdm630 port.wiring setup.mode microdot"
# and for small jobs of a charger that has nothing else to do, or no connection.
_SMALL = """certificates charging_profile composer composite_schedule configuration core diagnostics firmware_request
    firmware_update remote_trigger reservation reservations
    security_profile trouble"""
LOADED_WHILE_ROOM = (*_AT_START.split(), "orders", "port.states", "tlserror", *(f"ocpp16.{name}" for name in _SMALL.split()))


def warm_modules(sources: Mapping[str, Path]) -> list[str]:
    """Modules that stay loaded, in an order in which they can be imported: what `app` and `start` import, and so on.

    Args:
        sources: {"ocpp16/core.py": file} of firmware and libraries.
    """
    found = _closure(sources, ("app", "start", "tlsstream"), {"port.access_point"}, whole="start")
    return [name for name in found if name != "start"]


def modules_of_setup(sources: Mapping[str, Path]) -> set[str]:
    """Warm modules that are loaded without the rest: those that set-up mode shares with the charger, and TLS."""
    return {*_closure(sources, ("start",), set()), "tlsstream"}


def _closure(sources: Mapping[str, Path], names: Iterable[str], seen: set[str], whole: str = "") -> list[str]:
    """What the modules import at top level, and what that does; of the module `whole` also what it imports in functions."""
    order: list[str] = []

    def visit(name: str) -> None:
        path = sources.get(name.replace(".", "/") + ".py")
        if path is None or name in seen:
            return
        seen.add(name)
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree) if name == whole else tree.body:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    visit(alias.name)
            elif isinstance(node, ast.ImportFrom) and node.module:
                visit(node.module)
                for alias in node.names:
                    visit(f"{node.module}.{alias.name}")
        order.append(name)

    for name in names:
        visit(name)
    return order
