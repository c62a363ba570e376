"""Writes host/pilotwire/micropython_names.txt from a checkout of MicroPython: python tools/micropython_names.py CHECKOUT

Run by hand, with the checkout of the release that the firmware is built for, after `make lint` has fetched the type stubs. Which
names are in the ROM is asked of the Unix port.
"""

import ast
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from pilotwire import runtime

ROOT = Path(__file__).parents[1]
OUT = ROOT / "host" / "pilotwire" / "micropython_names.txt"
STUBS = ROOT / "build" / "typings"
_HEAD = """\
# Names of MicroPython, made by tools/micropython_names.py; pilotwire/renaming.py says what for.
"""
_ASK = """
class Names: pass
names = Names()
import micropython
for name in %r.split():
    setattr(names, name, 1)
micropython.qstr_info(1)
"""


def in_c(folder: Path) -> set[str]:
    """Names that the C sources below intern."""
    files = [p for p in folder.rglob("*") if p.suffix in (".c", ".h") and p.is_file()]
    return {name for p in files for name in re.findall(r"\bMP_QSTR_(\w+)", p.read_text("utf-8", "replace"))}


def in_python(path: Path, arguments: bool) -> Iterator[str]:
    """Names by which others may reach what a module or stub defines."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg) and arguments:
            yield node.arg


def main(checkout: Path) -> None:
    """Writes the file."""
    quoted = re.search(r"^static_qstr_list = (\[.*?^\])", (checkout / "py" / "makeqstrdata.py").read_text(), re.M | re.S)
    assert quoted
    static = {name for name in ast.literal_eval(quoted[1]) if name.isidentifier()}
    core = in_c(checkout / "py") | in_c(checkout / "extmod") | in_c(checkout / "shared")
    frozen = [*(checkout / "extmod" / "asyncio").glob("*.py"), *(checkout / "ports" / "esp32" / "modules").glob("*.py")]
    python = {name for path in frozen for name in in_python(path, arguments=True)}
    known = core | python | in_c(checkout / "ports" / "esp32") | in_c(checkout / "drivers")
    known |= {name for path in STUBS.rglob("*.pyi") if "stdlib" not in path.parts for name in in_python(path, arguments=False)}
    asked = sorted(name for name in core | python if name.isidentifier() and name not in static)
    printed = runtime.run(["-c", _ASK % " ".join(asked)], heap=4 << 20).stdout
    rom = set(asked) - set(re.findall(r"^Q\((.*)\)$", printed, re.M))
    listed = runtime.run(["-c", "help('modules')"]).stdout.rpartition("Plus")[0]
    modules = set(re.findall(r"[a-z_]\w*", listed)) | {p.stem for p in STUBS.rglob("*.pyi")} | {p.stem for p in frozen}
    text = _HEAD
    for kind, names in ("static", static), ("rom", rom), ("known", known - static - rom), ("modules", modules):
        text += f"\n[{kind}]\n" + textwrap.fill(" ".join(sorted(names)), 125, break_on_hyphens=False) + "\n"
    OUT.write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
