"""The whole program with the names of MicroPython's ROM: it does the same, and what can not be seen is refused."""

import re

import pytest

from pilotwire import build, runtime
from pilotwire.errors import PilotwireError
from pilotwire.module_names import module_of
from pilotwire.renaming import Program, micropython_names, snake

ROM = micropython_names()["static"] | micropython_names()["rom"]
PROGRAM = {
    "cold.py": "def call(name, function, *args):\n    return getattr(__import__(name), function)(*args)  # by name: any\n",
    "kettle.py": """\
try:
    from micropython import const
except ImportError:

    def const(value):
        return value


import json
import cold

_FULL_ML = const(1700)
_A = const(2)
DEFAULT_ML = 500


class KettleError(Exception):
    pass


class Kettle:
    def __init__(self, filled_ml=DEFAULT_ML):
        self.filled_ml = filled_ml
        self._lid_open = False
        self.whistle = None

    @property
    def _brimming(self):
        return self.filled_ml >= _FULL_ML

    def pour_into(self, water_ml, spill=False):
        self.filled_ml += water_ml * _A // 2
        if self._brimming and not spill:
            raise KettleError("brimming")
        return json.dumps([self.filled_ml, self.reported], separators=(",", ":"))

    def reported(self):
        return 1

    def blow(self):
        return self.whistle(getattr(self, "by_string"), cold.call("laundry", "wash_woollens", self.filled_ml))
""",
    "laundry.py": """\
class Drum:
    def __init__(self):
        self.spins = 0

    def rotate(self):
        self.spins += 1
        return self.spins


def wash_woollens(soap_ml):
    return soap_ml + Drum().rotate()
""",
    "kitchen.py": """\
import kettle


def breakfast():
    mine = kettle.Kettle(filled_ml=100)
    mine.reported = 7
    mine.by_string = 3
    mine.whistle = lambda loud, soap: loud * 1000 + soap
    try:
        mine.pour_into(5000)
    except kettle.KettleError as e:
        shown = repr(e)
    return mine.pour_into(7, spill=True), mine.blow(), shown
""",
}


def run(sources, folder):
    for name, text in sources.items():
        (folder / name).write_text(text)
    done = runtime.run(["-c", "import kitchen; print(kitchen.breakfast())"], path=[folder])
    return done.stdout


def renamed(texts, beside=("import kitchen; kitchen.breakfast()",), **more):
    program = Program(texts, beside, **more)
    return {name: program.source(name) for name in texts}


def laid_out(texts):
    program = Program(texts, ["import kitchen; kitchen.breakfast()"])
    return {program.module(module_of(name)) + ".py": program.source(name) for name in texts}


def test_the_program_does_the_same(tmp_path):
    (tmp_path / "before").mkdir()
    (tmp_path / "after").mkdir()
    before = run(PROGRAM, tmp_path / "before")
    assert before == "('[5107,7]', 8108, \"KettleError('brimming',)\")\n"
    assert run(laid_out(PROGRAM), tmp_path / "after") == before


def test_names_come_from_the_rom_and_lines_stay():
    made = renamed(PROGRAM)
    for name, text in made.items():
        assert len(text.splitlines()) == len(PROGRAM[name].splitlines())
    whole = "\n".join(made.values())
    for gone in "filled_ml _lid_open _brimming pour_into spill whistle wash_woollens Drum spins DEFAULT_ML Kettle".split():
        assert not re.search(rf"\b{gone}\b", whole), gone
    for kept in "KettleError by_string separators dumps breakfast".split():
        assert re.search(rf"\b{kept}\b", whole), kept
    names = Program(PROGRAM, ["import kitchen; kitchen.breakfast()"]).names("kettle.py")
    assert set(names.values()) >= {"Kettle", "filled_ml", "_brimming"}
    assert all(new in ROM or new.startswith("_") for new in names)
    assert "_FULL_ML" not in made["kettle.py"] and " = const(1700)" in made["kettle.py"]
    assert re.search(r"^_\w+ = const\(2\)", made["kettle.py"], re.M), "the compiler takes out only what begins so"


# Names of modules that never meet share what there is; an attribute that is stored from outside meets every other.
def test_names_are_shared_only_apart():
    program = Program(PROGRAM, ["import kitchen; kitchen.breakfast()"])
    new = {name: {old: new for new, old in program.names(name).items()} for name in PROGRAM}
    assert new["kettle.py"]["filled_ml"] == new["kitchen.py"]["filled_ml"]
    outside = new["kitchen.py"]["reported"]
    assert not any(outside in names.values() for name, names in new.items() if "reported" not in names)
    texts = {f"m{n}.py": "".join(f"def only_here_{n}_{k}(): pass\n" for k in range(40)) for n in range(40)}
    program = Program(texts)
    for name in texts:
        assert len(program.names(name)) == 40, "1,600 names fit into some 400"


def test_names_of_data_and_of_code_beside_stay():
    made = renamed(PROGRAM, ["kitchen.breakfast(); x.whistle"], data=["PourInto 3"])
    assert "whistle" in made["kettle.py"] and "def pour_into" in made["kettle.py"]
    assert snake("GetConfiguration") == "get_configuration"


@pytest.mark.parametrize(
    "line, what",
    [
        ("getattr(x, name)", "a name that can not be seen"),
        ("cold.call('laundry', name)", "a function by a name that can not be seen"),
        ("cold.call(name, 'iron')", "a module whose name can not be seen"),
        ("__import__('setup.' + name)", "a module whose name can not be seen"),
        ("globals()", "shows names"),
        ("f(**x)", "passes names"),
        ("def g(**x): pass", "takes names"),
    ],
)
def test_what_can_not_be_seen_is_refused(line, what):
    with pytest.raises(PilotwireError, match=rf"x\.py:2: .*{re.escape(what)}"):
        Program({"x.py": f"# one\n{line}\n"})
    if "globals" not in line:
        assert Program({"x.py": f"{line}  # by name: those of the tests\n"}).source("x.py")


# A new name in one module must not change all the others: `upload` sends what has changed.
def test_a_change_moves_few_names():
    before = renamed(PROGRAM)
    after = renamed({**PROGRAM, "laundry.py": PROGRAM["laundry.py"] + "\n\ndef iron_shirts():\n    return Drum\n"})
    assert sum(before[name] != after[name] for name in before) <= 2


def test_every_module_of_the_firmware_keeps_its_lines():
    root = build.repository()
    texts = {name: path.read_text() for name, path in build.sources(root).items() if name not in build.RUN_AS_SOURCE}
    program = Program(texts)
    for name, text in texts.items():
        made = program.source(name)
        compile(made, name, "exec")
        assert len(made.splitlines()) == len(text.splitlines()), name


MODULES = {
    "shop/till.py": """\
import json, gc
from shop import shelf, fridge as cooler
from shop.fridge import COLD_C
import basket as bag

_CELLAR = "cellar"


def load(name):
    return __import__("shop." + name)  # by name: shelf


def sell():
    names = __import__("shop.fridge"), __import__(_CELLAR), "attic"
    return shelf.HEIGHT, cooler.COLD_C, COLD_C, bag.SIZE, [part.__name__ for part in names[:2]]
""",
    "shop/shelf.py": "HEIGHT = 1\n",
    "shop/fridge.py": "COLD_C = 2\n",
    "basket.py": "SIZE = 3\n",
    "cellar.py": "DEPTH = 4\n",
    "attic.py": "DUST = 5\n",
}


def test_modules_lie_in_one_folder_under_short_names(tmp_path):
    program = Program(MODULES, ["sell"])
    names = {name: program.module(module_of(name)) for name in MODULES}
    assert names["shop/shelf.py"] == "shop.shelf" and names["attic.py"] == "attic", "these can not all be seen"
    short = [names[name] for name in ("shop/till.py", "shop/fridge.py", "basket.py", "cellar.py")]
    assert len(set(short)) == 4 and not set(short) & (micropython_names()["modules"] | {"basket", "cellar"})
    for name, module in names.items():
        path = tmp_path / (module.replace(".", "/") + ".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(program.source(name))
    done = runtime.run(["-c", f"import {short[0]} as till; print(till.sell())"], path=[tmp_path])
    assert done.stdout == f"(1, 2, 2, 3, ['{short[1]}', '{short[3]}'])\n"


def test_an_import_of_modules_stays_on_one_line():
    with pytest.raises(PilotwireError, match=r"x\.py:1: an import of modules over two lines"):
        Program({"x.py": "from p import (\n    a, b)\n", "p/a.py": "", "p/b.py": ""}).source("x.py")
    with pytest.raises(PilotwireError, match=r"x\.py:1: import of a module in a package"):
        Program({"x.py": "import p.a\n", "p/a.py": ""})


WARM = {
    "kiosk.py": "import sys\nfrom shade import Shade\nimport rain\n\n_WET_MM = 3\n\n\ndef seen():\n"
    "    return Shade().wide(_WET_MM), rain.falls(), sys.modules[__name__].__name__, cold()\n\n\n"
    "def cold():\n    import thaw\n    return thaw.ing('ice', 'a longer string')\n",
    "shade.py": "_WET_MM = 4\n\n\nclass Shade:\n    def wide(self, mm):\n        return mm + _WET_MM\n",
    "rain.py": "def falls():\n    return 5\n",
    "thaw.py": "def ing(what, much):\n    return {'ice': 'water'}[what], 'drip' 'ping', much, ('one', 'two')[0], 'melts'\n",
}


# Warm modules become one, private numbers go, and the strings of a cold one are in no table of names.
def test_warm_modules_are_put_together(tmp_path):
    program = Program(WARM, [], (), ["shade", "rain", "kiosk"])
    files = program.files()
    whole = program.module("kiosk")
    assert files[whole] == ["shade.py", "rain.py", "kiosk.py"] and len(files) == 2
    for module, parts in files.items():
        (tmp_path / f"{module}.py").write_text("\n".join(program.source(name) for name in parts))
    names = {old: new for new, old in program.names("kiosk.py").items()}
    done = runtime.run(["-c", f"import {whole} as x; print(x.{names['seen']}())"], path=[tmp_path])
    assert done.stdout == f"(7, 5, '{whole}', ('water', 'dripping', 'a longer string', 'one', 'melts'))\n"
    assert "= const(3)" in program.source("kiosk.py") and "= const(4)" in program.source("shade.py")
    thaw = program.source("thaw.py")
    assert "('melts',)[0]" in thaw and "'drip' 'ping'" in thaw and "('one', 'two')[0]" in thaw
    assert not Program(WARM, [], (), ["shade", "rain", "kiosk"], ["rain", "shade"]).files().get(whole, [])[1:]


def test_what_is_stored_from_outside_is_no_other_name():
    """`abs` is in the ROM and not said by the class, whose many attributes take all such names."""
    many = "".join(f"        self._own{n} = {n}\n" for n in range(300))
    program = Program({"a.py": f"class A:\n    def __init__(self):\n{many}", "b.py": "def mark(a):\n    a.abs = 1\n"})
    assert "abs" not in program.names("a.py") and "all" in program.names("a.py")
