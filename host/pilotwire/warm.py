"""Which modules of the firmware stay loaded; all others are cold (lib/cold)."""

import ast
from collections.abc import Mapping
from pathlib import Path


def warm_modules(sources: Mapping[str, Path]) -> list[str]:
    """Modules that stay loaded, in an order in which they can be imported: what `app` and `start` import, and so on.

    Args:
        sources: {"ocpp16/core.py": file} of firmware and libraries.
    """
    order: list[str] = []

    def visit(name: str) -> None:
        path = sources.get(name.replace(".", "/") + ".py")
        if path is None or name in order or name in seen:
            return
        seen.add(name)
        tree = ast.parse(path.read_text("utf-8"))
        # `start` imports in a function what only a charger needs, and what only set-up mode does.
        for node in ast.walk(tree) if name == "start" else tree.body:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    visit(alias.name)
            elif isinstance(node, ast.ImportFrom) and node.module:
                visit(node.module)
                for alias in node.names:
                    visit(f"{node.module}.{alias.name}")
        order.append(name)

    seen = {"port.access_point"}
    for name in ("app", "start", "tlsclient"):
        visit(name)
    return [name for name in order if name != "start"]
