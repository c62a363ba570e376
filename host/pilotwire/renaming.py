"""Gives the names of a whole program the names that MicroPython has in its ROM.

Every name of every module that was ever loaded stays in the charger's RAM for ever: its characters, seven bytes, and its place
in a table that doubles, in one piece, when it is full. What is in the ROM of the stock image costs nothing. So before it is
compiled, each module's own names (functions, classes, attributes, what stands at top level) become names that MicroPython
interns itself and that none of the modules says that use it: `energised` becomes `copysign`, or `append` where nothing is
appended. Lines stay where they are.

    program = Program(texts)             {"evse/pilot.py": source}, all that will meet in one interpreter
    program.source("evse/pilot.py")      what to compile
    program.module("evse.pilot")         what it is called now, see pilotwire.module_names
    program.names("evse/pilot.py")       {new name: old name}, for tracebacks

Two names may become the same one if no module uses both: an attribute that is stored from outside of its class meets all others,
and so does one that keeps its name.
What is never touched: names that MicroPython knows, since they may be those of its objects (micropython_names.txt); names that
stand in a string that is not only a key, or in a data file, since getattr may be given them; exceptions, which are shown to
people; and what the sources in `beside` use, which run unchanged. The functions that cold.call and cold.run are given are
renamed with their modules. Where it can not be seen what a getattr reaches, a comment `# by name: ...` on its line must say
what it is.
"""

import ast
import builtins
import io
import itertools
import re
import tokenize
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from zlib import crc32

from pilotwire import cold_strings, merging, module_names
from pilotwire.errors import PilotwireError
from pilotwire.inlining import inline
from pilotwire.module_names import module_of
from pilotwire.shrink import (
    apply,
    check_bases,
    constants,
    dotted,
    is_private,
    keywords,
    place,
    said_by_name,
    short_arguments,
    with_const,
    without_const,
)

_FILE = Path(__file__).with_name("micropython_names.txt")
# The compiler, or C code that is handed an object of ours, would take these for its own.
_SPECIAL = set(
    "args asm_thumb asm_xtensa bytecode classmethod close const count errno flush globals ioctl items keys locals micropython "
    "native property range read readblocks readinto readline seek self send staticmethod super throw value values viper write"
    .split()
)
_ARGUMENTS = 12  # names set aside for arguments, the same in every function
_WORD = re.compile(r"[A-Za-z_]\w*")


def micropython_names() -> dict[str, frozenset[str]]:
    """Names in the ROM of every port ("static"), in that of ours ("rom"), somewhere in MicroPython ("known"); its "modules"."""
    _, *parts = re.split(r"^\[(\w+)\]$", _FILE.read_text("utf-8"), flags=re.M)
    return {kind: frozenset(text.split()) for kind, text in zip(parts[::2], parts[1::2], strict=True)}


def snake(action: str) -> str:
    """The handler of an action: GetConfiguration -> get_configuration."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower()


class _Module:
    """What one source defines and uses."""

    def __init__(self, name: str, text: str, modules: set[str]):
        self.name = name
        self.text = text
        self.modules = modules  # all of the program
        self.tree = ast.parse(text)
        self.defined: set[str] = set()  # here, at top level or in a class
        self.stored: set[str] = set()  # as attributes of other objects
        self.kept: set[str] = set()
        self.jobs: list[ast.Constant] = []  # functions that cold.call and cold.run are given
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        self.tokens = [token for token in tokens if token.type == tokenize.NAME]
        self.used = {token.string for token in self.tokens}
        self._imports()
        self._jobs()
        self._data = _data(self.tree)
        self._own = {
            id(node)
            for around in ast.walk(self.tree)
            if isinstance(around, ast.ClassDef)
            for node in ast.walk(around)
            if isinstance(node, ast.Attribute) and dotted(node.value) == "self"
        }
        for node in ast.walk(self.tree):
            self._look(node)
        self._scope(self.tree.body)

    def _imports(self) -> None:
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            whole = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            for alias in node.names:
                if whole.removesuffix(".") in self.modules:
                    self.defined |= {alias.asname} if alias.asname else set()
                elif whole + alias.name in self.modules:
                    if "." in alias.name and not alias.asname:
                        self._refuse(node, "import of a module in a package", "write `from package import module`")
                    self.defined.add(alias.asname or alias.name)
                else:
                    self.kept |= {*whole.split("."), *alias.name.split("."), alias.asname or ""}

    def _jobs(self) -> None:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and dotted(node.func) in ("cold.call", "cold.run") and len(node.args) > 1:
                job = node.args[1]
                if isinstance(job, ast.Constant) and not is_private(str(job.value)):
                    self.jobs.append(job)
                elif not said_by_name(self.text, node):
                    self._refuse(node, f"{dotted(node.func)} is given a function by a name that can not be seen")
        self._job_ids = {id(job) for job in self.jobs}

    def _refuse(self, node: ast.AST, what: str, do: str = "") -> None:
        raise PilotwireError(
            f"{self.name}:{node.lineno}: {what}",  # type: ignore[attr-defined]
            "names are renamed for the charger, but not those in strings",
            do or "write them out, or see that each is a string of the sources and add `# by name: which` to the line",
        )

    def _look(self, node: ast.AST) -> None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in self._job_ids | self._data:
                self.kept.add(node.value)
        elif isinstance(node, ast.JoinedStr):  # one token up to Python 3.11
            self.kept |= {getattr(n, "attr", None) or getattr(n, "id", "") for n in ast.walk(node)}
        elif isinstance(node, ast.Call):
            name = dotted(node.func)
            if name in ("getattr", "hasattr", "setattr", "delattr"):
                if not (isinstance(node.args[1], ast.Constant) or said_by_name(self.text, node)):
                    self._refuse(node, f"{name} of a name that can not be seen")
            elif name in ("globals", "locals", "vars", "exec", "eval", "dir") and not said_by_name(self.text, node):
                self._refuse(node, f"{name} shows names")
            if any(keyword.arg is None for keyword in node.keywords) and not said_by_name(self.text, node):
                self._refuse(node, "** passes names")
        elif isinstance(node, ast.arguments) and node.kwarg and not said_by_name(self.text, node.kwarg):
            self._refuse(node.kwarg, "** takes names")
        elif isinstance(node, ast.ClassDef):
            if any(re.search(r"(Error|Exception)$", dotted(base)) for base in node.bases):
                self.kept.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            self.defined.add(node.attr)
            if id(node) not in self._own:
                self.stored.add(node.attr)
        elif isinstance(node, ast.arg):
            self.defined.add(node.arg)
        elif isinstance(node, ast.Global):
            self.defined |= set(node.names)

    def _scope(self, body: list[ast.stmt]) -> None:
        """Names that are bound at top level or in a class, where they are kept by name; locals are not."""
        for statement in body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self.defined.add(statement.name)
                if isinstance(statement, ast.ClassDef):
                    self._scope(statement.body)
                continue
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    self.defined.add(node.id)
                elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    self.defined.add(node.name)


def _data(tree: ast.Module) -> set[int]:
    """Strings that are no names for getattr: keys of dicts, and what something is compared with."""
    nodes: list[ast.expr | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            nodes.append(node.slice)
        elif isinstance(node, ast.Dict):
            nodes += node.keys
        elif isinstance(node, ast.Compare):
            nodes += [node.left, *node.comparators]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            nodes += node.args[:1]
    return {id(node) for node in nodes}


def identifiers(source: str) -> set[str]:
    """All names of a source, and strings that may be names."""
    names = {t.string for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type == tokenize.NAME}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            names.add(node.value)
        elif isinstance(node, ast.JoinedStr):
            names |= set(_WORD.findall(ast.unparse(node)))
    return names


class Program:
    """The sources of one program, renamed.

    Args:
        texts: {name: source}.
        beside: sources that meet them at run time and stay as they are.
        data: texts from which names may come: actions of OCPP, whose handlers are named after them, settings.
        warm: modules that stay loaded, if it is known: they are put together (pilotwire.merging), and the strings of all
            others are kept out of the table of names.
        alone: modules that are not put together with others.

    Raises:
        PilotwireError: a place where it can not be seen which names are meant.
    """

    def __init__(
        self,
        texts: Mapping[str, str],
        beside: Iterable[str] = (),
        data: Iterable[str] = (),
        warm: Sequence[str] | None = None,
        alone: Collection[str] = (),
    ):
        names = micropython_names()
        given = {word for text in data for word in _WORD.findall(text)}
        given |= {snake(word) for word in given}
        given |= {word for text in beside for word in identifiers(text) if not is_private(word)}
        rom = names["static"] | names["rom"]
        whole = {name: with_const(without_const(text)) for name, text in texts.items()}
        said = {name: identifiers(text) for name, text in whole.items()}
        words = given.union(*said.values())
        free = [name for name in sorted(rom - words - _SPECIAL) if not name.startswith("_")]
        # By length: only in a .mpy does it count.
        unused = sorted((name for name in free if name not in names["static"]), key=lambda name: (len(name), name))
        arguments, unused = unused[:_ARGUMENTS], unused[_ARGUMENTS:]
        passed = keywords(texts.values())
        self._modules: dict[str, _Module] = {}
        self._own = {module_of(name) for name in texts}
        self._cold = set() if warm is None else {name for name in texts if module_of(name) not in warm}
        for name, text in whole.items():
            check_bases(ast.parse(text), name)
            self._modules[name] = _Module(name, short_arguments(text, passed, arguments, rom), self._own)
        trees = {name: (module.text, module.tree) for name, module in self._modules.items()}
        files = [name for name in unused if name.islower() and name not in names["modules"]]
        self._files = module_names.choose(trees, given, files)
        self._merge(warm or (), alone)
        kept: set[str] = set(rom | names["known"]) | set(dir(builtins)) | given
        kept |= self._foreign_keywords().union(*(module.kept for module in self._modules.values()))
        self._new: dict[str, dict[str, str]] = {}
        numbers: dict[str, Iterator[int]] = defaultdict(itertools.count)  # of each file
        for name, module in self._modules.items():
            self._new[name] = _constants(module, kept, numbers[self.module(module_of(name))])
        self._public: dict[str, str] = {}
        never = {*given, *_SPECIAL, *arguments, *self._files.values()}
        usable = sorted(name for name in rom - never if not name.startswith("_"))
        # Those that a .mpy has as numbers, then by length: of these it has the letters.
        usable.sort(key=lambda name: 0 if name in names["static"] else len(name))
        self._spread(self._owned(kept), said, usable)
        # Strings that are interned whatever a cold module does.
        self._interned = set(rom) | set().union(
            *(_strings(m.tree) | m.used if name not in self._cold else m.used & m.kept for name, m in self._modules.items())
        )

    def _merge(self, warm: Sequence[str], alone: Collection[str]) -> None:
        """One file for each group of modules, named after its first."""
        modules = {module_of(name): module for name, module in self._modules.items()}
        kept = set(modules) - self._files.keys() | set(alone)
        for module in modules.values():
            kept |= module_names.loaded(module.tree, self._own)
        used = {name: module.used for name, module in modules.items()}
        found = merging.groups({name: module.tree for name, module in modules.items()}, warm, kept, used)
        for group in found:
            self._files |= dict.fromkeys(group, self._files[group[0]])
        self._groups = {self._files[group[0]]: [name.replace(".", "/") + ".py" for name in group] for group in found}
        for together in merging.TOGETHER if warm else ():
            if modules.keys() >= set(together):
                file = self.module(together[-1])
                self._files |= dict.fromkeys(together, file)
                self._groups[file] = [name.replace(".", "/") + ".py" for name in together]

    def _foreign_keywords(self) -> set[str]:
        """Names that are passed to functions that are not ours."""
        ours = set().union(*(module.defined for module in self._modules.values()))
        return {
            keyword.arg or ""
            for module in self._modules.values()
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] not in ours
            for keyword in node.keywords
        }

    def _owned(self, kept: set[str]) -> dict[tuple[str, str], set[str]]:
        """{(name, module it is private to or ""): modules that use it} of all that get a new name."""
        owned: dict[tuple[str, str], set[str]] = defaultdict(set)
        for module in self._modules.values():
            for name in module.defined - kept:
                if name.startswith("__") or name in self._new[module.name]:
                    continue
                if is_private(name):
                    owned[name, module.name].add(module.name)
                else:
                    owned[name, ""] |= {other.name for other in self._modules.values() if name in other.used}
        stored = set().union(*(module.stored for module in self._modules.values()))
        for key, modules in owned.items():
            if key[0] in stored:
                modules.update(self._modules)
        return owned

    def _spread(self, owned: dict[tuple[str, str], set[str]], said: dict[str, set[str]], usable: list[str]) -> None:
        """New names, such that no module has one twice; the shortest for those that are in most modules."""
        taken: dict[str, set[str]] = defaultdict(set)  # files by name
        file = {name: self.module(module_of(name)) for name in self._modules}
        for name, words in said.items():
            for word in words:
                taken[word].add(file[name])
        for word in set().union(*(module.stored for module in self._modules.values())):
            taken[word].update(file.values())  # it may be on any object

        def order(key: tuple[str, str]) -> tuple[int, int, tuple[str, str]]:
            return -len(owned[key]), crc32(repr(key).encode()), key

        for key in sorted(owned, key=order):
            modules = owned[key]
            files = {file[module] for module in modules}
            new = next((name for name in usable if not taken[name] & files), None)
            if new is None:
                continue  # it keeps its name
            taken[new] |= files
            if not key[1]:
                self._public[key[0]] = new
            for module in modules:
                if key[0] in self._modules[module].used:
                    self._new[module][key[0]] = new

    def files(self) -> dict[str, list[str]]:
        """{module on the device: the sources that are in it}."""
        found: dict[str, list[str]] = dict(self._groups)
        for name in self._modules:
            found.setdefault(self.module(module_of(name)), [name])
        return found

    def source(self, name: str) -> str:
        """The module with its new names."""
        module, new = self._modules[name], self._new[name]
        lines = module.text.splitlines()
        edits = module_names.edits(name, module.text, module.tree, self._files, self._own, new)
        edits += [
            (token.start, token.end[1], new[token.string])
            for token in module.tokens
            if token.string in new
            and not any(row == token.start[0] and start <= token.start[1] < end for (row, start), end, _ in edits)
        ]
        for job in module.jobs:
            if target := self._public.get(str(job.value)):
                start, end = place(job, lines[job.lineno - 1])
                edits.append((start, end, f'"{target}"'))
        if name in self._cold:
            spared = {id(job) for job in module.jobs} | module_names.spared(module.tree, self._own)
            edits += cold_strings.edits(module.text, module.tree, self._interned, spared)
        return apply(module.text, edits)

    def joined(self, names: Sequence[str]) -> str:
        """What to compile of the sources of one module on the device."""
        old = {new: old for name in names for new, old in self.names(name).items()}
        text = "\n".join(self.source(name) for name in names)
        return inline(text, lambda name: is_private(old.get(name, name)))

    def module(self, name: str) -> str:
        """What the module "evse.pilot" is called now."""
        return self._files.get(name, name)

    def names(self, name: str) -> dict[str, str]:
        """{new name: old name} of a module."""
        return {new: old for old, new in self._new[name].items()}


def _strings(tree: ast.Module) -> set[str]:
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def _constants(module: _Module, kept: set[str], numbers: Iterator[int]) -> dict[str, str]:
    """Private constants, which the compiler takes out if their names begin with an underscore."""
    private = {name for name in constants(module.tree) if is_private(name)} - kept
    wanted = [name for name in dict.fromkeys(t.string for t in module.tokens) if name in private]
    free = (f"_{n}" for n in numbers if f"_{n}" not in module.text)
    return dict(zip(wanted, free, strict=False))
