"""Modules of PyPI that the firmware imports: they go into the slot without what nobody uses."""

import importlib.util
from collections.abc import Iterable
from pathlib import Path

from pilotwire.errors import PilotwireError
from pilotwire.renaming import identifiers
from pilotwire.shrink import without_unused

PACKAGED = ("microdot.microdot",)  # they are imported by the last part of their name


def packaged(texts: Iterable[str]) -> dict[str, Path]:
    """Modules of others that these sources import, by the name of their file: {"microdot.py": file}."""
    found = {}
    whole = "\n".join(texts)
    for module in PACKAGED:
        name = module.rpartition(".")[2]
        if f"from {name} import " not in whole:
            continue
        package = importlib.util.find_spec(module.partition(".")[0])
        path = Path(package.origin).with_name(f"{name}.py") if package and package.origin else None
        if path is None or not path.is_file():
            raise PilotwireError(f"cannot find {name}", "it is not installed", "pip install --upgrade pilotwire")
        found[f"{name}.py"] = path
    return found


def trimmed(texts: Iterable[str]) -> dict[str, str]:
    """The sources of the same modules without what nobody uses: {"microdot.py": text}."""
    texts = list(texts)
    words = set().union(*map(identifiers, texts))
    return {name: without_unused(path.read_text("utf-8"), words) for name, path in packaged(texts).items()}
