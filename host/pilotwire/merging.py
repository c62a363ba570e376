"""Which modules the build puts together into one.

Each module costs the charger some 200 bytes: the module, what it imports, its table of names. So warm modules that follow each
other become one, up to a hundred names or so, beyond which each use of a name takes a byte more. A module stays alone if it is
loaded by a string (cold.call would drop it), keeps its name, or binds a name at top level to something else than another.
"""

import ast
import builtins
from collections.abc import Collection, Mapping, Sequence

_NAMES = 250  # measured: fewer or more need more heap

# Cold modules that take fewer bytes of the flash as one, since they share names. In the first of these groups the last imports
# the others at its top; the modules of the others are small, loaded when memory is not at its lowest, and nothing of them lasts.
# The last is none that keeps its name.
TOGETHER = (
    ("der", "certificate", "x509"),
    ("setup.names", "setup.form", "setup.page", "setup.mode"),
    ("evse.assembly", "electrics"),
    ("port.calibrate", "orders"),
    ("proof", "button"),
    ("port.states", "port.wear"),
    ("sntp", "ocpp16.timekeeping"),
)


def groups(
    trees: Mapping[str, ast.Module], warm: Sequence[str], alone: Collection[str], used: Mapping[str, Collection[str]]
) -> list[list[str]]:
    """Modules that go together, each list in an order in which they can be run.

    Args:
        trees: {module: its tree}.
        warm: modules in the order in which they are imported.
        alone: those that are left out.
        used: {module: names in it}.
    """
    found: list[list[str]] = []
    group: list[str] = []
    bound: dict[str, str] = {}
    names: set[str] = set()
    for module in warm:
        if module in alone:
            continue
        binds = _binds(module, trees[module])
        clash = any(bound.get(name, what) != what for name, what in binds.items()) or _hides(bound, binds, trees[module])
        clash = clash or any(_hides(binds, bound, trees[other]) for other in group)
        if group and (clash or len(names | set(used[module])) > _NAMES):
            found.append(group)
            group, bound, names = [], {}, set()
        group.append(module)
        bound |= binds
        names |= set(used[module])
    return [group for group in [*found, group] if len(group) > 1]


def _binds(module: str, tree: ast.Module) -> dict[str, str]:
    """{name at top level: what it is}; the same import means the same in every module."""
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = f"{module}.{node.name}"
        else:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    found[inner.id] = f"{module}.{inner.id}"
    # Private names are not shared: each module has new ones.
    return {name: what for name, what in found.items() if not name.startswith("_")}


def _hides(bound: Mapping[str, str], binds: Mapping[str, str], tree: ast.Module) -> bool:
    """Would what others bind hide a built-in function that this module uses?"""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return any(name in bound and name not in binds for name in used if hasattr(builtins, name))
