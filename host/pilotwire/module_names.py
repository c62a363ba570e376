"""Short names for modules, with which the build lays them all into one folder.

A module that was ever loaded leaves its path and its name in the charger's RAM, and the last part of the name where it lies in a
package: `/a/ocpp16/authorization_cache.mpy`, 100 bytes for ever. So each gets a name of MicroPython's ROM for a name, which
costs nothing: `/a/acosh.mpy`.

A module keeps its name where that is made up at run time ("port." + driver: a comment `# by name: pn532, sdm630` on the line says
which), where boot.py or main.py import it, where it is a value in a dict, which may be stored and read by another build, and
where a string of its name may be something else: "ocpp16.core" can only be a module, "settings" is one as the first argument of
cold.call and its like, or in a constant that is given to them.
"""

import ast
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from pilotwire.errors import PilotwireError
from pilotwire.shrink import Edit, dotted, place, said_by_name

# What is given the name of a module first.
LOADERS = ("cold.call", "cold.run", "cold.load", "cold.drop", "__import__")


def module_of(name: str) -> str:
    """"ocpp16/core.py" -> "ocpp16.core"."""
    return name.removesuffix(".py").replace("/", ".")


def choose(
    trees: Mapping[str, tuple[str, ast.Module]], words: Collection[str], free: Sequence[str]
) -> dict[str, str]:
    """{"ocpp16.core": new name} of the modules that get one.

    Args:
        trees: {"ocpp16/core.py": (source, its tree)}.
        words: names that come from elsewhere.
        free: names to choose from.

    Raises:
        PilotwireError: a module is loaded by a name that can not be seen.
    """
    modules = {module_of(name) for name in trees}
    kept = {module for module in modules if module.rpartition(".")[2] in words}
    for name, (text, tree) in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and dotted(node.func) in LOADERS and node.args:
                told = said_by_name(text, node)
                kept |= {module for module in modules if module.rpartition(".")[2] in told}
                if not (_visible(node.args[0], tree) or told):
                    raise PilotwireError(
                        f"{name}:{node.lineno}: {dotted(node.func)} of a module whose name can not be seen",
                        "modules are renamed for the charger",
                        "add `# by name: ` and the names of all that it may be to the line",
                    )
        places = {id(node) for node, _ in _named(tree, modules)} - _data(tree)
        kept |= {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and node.value in modules and id(node) not in places
        }
    wanted = sorted(modules - kept)
    return dict(zip(wanted, free, strict=False))


def _data(tree: ast.Module) -> set[int]:
    """Values in dicts: what may be stored, and read by another build."""
    values = [value for node in ast.walk(tree) if isinstance(node, ast.Dict) for value in node.values]
    values += [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and any(isinstance(target, ast.Subscript) for target in node.targets)
    ]
    return {id(value) for value in values}


def _visible(node: ast.expr, tree: ast.Module) -> bool:
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id in _strings(tree))


def _strings(tree: ast.Module) -> dict[str, ast.Constant]:
    """Names at top level that stand for a string."""
    return {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _named(tree: ast.Module, modules: Collection[str]) -> Iterable[tuple[ast.Constant, str]]:
    """Strings that are names of modules."""
    strings = _strings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func) in LOADERS and node.args:
            first = node.args[0]
            constant = strings.get(first.id) if isinstance(first, ast.Name) else first
            if isinstance(constant, ast.Constant) and constant.value in modules:
                yield constant, str(constant.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in modules and "." in node.value:
            yield node, node.value


def loaded(tree: ast.Module, own: Collection[str]) -> set[str]:
    """Modules that are named by a string."""
    return {module for _, module in _named(tree, own)}


def spared(tree: ast.Module, own: Collection[str]) -> set[int]:
    """Strings that are names of modules, and those that a loader gets."""
    found = {id(node) for node, _ in _named(tree, own)}
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and dotted(node.func) in LOADERS)
    return found | {id(argument) for call in calls for argument in call.args[:2]}


def edits(
    name: str, text: str, tree: ast.Module, new: Mapping[str, str], own: Collection[str], words: Mapping[str, str]
) -> list[Edit]:
    """What to replace in a source, so that it finds the modules.

    Args:
        name: for errors.
        new: what `choose` returned.
        own: all modules of the program.
        words: new names of what imports bind.
    """
    lines = text.splitlines()
    found: dict[tuple[int, int], Edit] = {}
    for node, module in _named(tree, own):
        if module in new:
            start, end = place(node, lines[node.lineno - 1])
            found[start] = (start, end, f'"{new[module]}"')
    here = new.get(module_of(name))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and here and new.get(node.module or "") == here:
            found |= {edit[0]: edit for edit in _without(node, lines, words)}
            continue
        if isinstance(node, ast.Import):
            made = [_bound(alias.name, alias.asname or alias.name, new, own, words) for alias in node.names]
            text = f"import {', '.join(made)}"
        elif isinstance(node, ast.ImportFrom) and node.module and node.module in own:
            start = (node.lineno, node.col_offset)
            match = re.compile(r"from\s+([\w.]+)").match(lines[node.lineno - 1], node.col_offset)
            assert match
            found[start] = (start, match.end(), f"from {new.get(node.module, node.module)}")
            continue
        elif isinstance(node, ast.ImportFrom) and any(f"{node.module}.{alias.name}" in own for alias in node.names):
            made = [_bound(f"{node.module}.{alias.name}", alias.asname or alias.name, new, own, words) for alias in node.names]
            text = f"import {', '.join(made)}" if not any(m.startswith("from ") for m in made) else "; ".join(
                m if m.startswith("from ") else f"import {m}" for m in made
            )
        else:
            continue
        if not any(alias in own for alias in _imported(node)):
            continue
        if node.end_lineno != node.lineno:
            raise PilotwireError(f"{name}:{node.lineno}: an import of modules over two lines", do="write it on one")
        start = (node.lineno, node.col_offset)
        found[start] = (start, node.end_col_offset or 0, text)
    return list(found.values())


def _without(node: ast.ImportFrom, lines: Sequence[str], words: Mapping[str, str]) -> Iterable[Edit]:
    """Takes away an import from what is in the same module now."""
    made = [f"{words.get(a.asname, a.asname)} = {words.get(a.name, a.name)}" for a in node.names if a.asname]
    text = "; ".join(made) or "pass"
    for row in range(node.lineno, (node.end_lineno or node.lineno) + 1):
        start = node.col_offset if row == node.lineno else 0
        yield (row, start), len(lines[row - 1]) if row < (node.end_lineno or 0) else node.end_col_offset or 0, text
        text = ""


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [f"{node.module}.{alias.name}" for alias in node.names]


def _bound(module: str, name: str, new: Mapping[str, str], own: Collection[str], words: Mapping[str, str]) -> str:
    if module not in own:
        return module if module == name else f"{module} as {name}"
    name = words.get(name, name)
    if module in new:
        return f"{new[module]} as {name}"
    package, _, leaf = module.rpartition(".")
    if package:
        return f"from {package} import {leaf}" + ("" if leaf == name else f" as {name}")
    return leaf if leaf == name else f"{leaf} as {name}"
