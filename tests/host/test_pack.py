"""modules.pack: what MicroPython finds in it, and beside it."""

import pytest

from pilotwire import build, pack, runtime, warm

SOURCES = {
    "plain.py": "X = 1\n",
    "short.py": "X = '%s'\n" % ("two " * 500),
    "parts/one.py": "import plain\nX = plain.X + 2\n",
    "beside.py": "X = 'in the pack'\n",
    "reads.py": "with open(__file__.rpartition('/')[0] + '/data.txt') as f:\n    X = f.read()\n",
}


@pytest.fixture
def slot(tmp_path):
    """A folder as a slot has it: the pack, what reads it, and two files beside it."""
    folder = tmp_path / "a"
    folder.mkdir()
    modules = {}
    for name, text in SOURCES.items():
        source = tmp_path / name.replace("/", "_")
        source.write_text(text)
        modules[name.replace(".py", ".mpy")] = build.compile_module(source, name, ("-O3",))
    (folder / pack.NAME).write_bytes(pack.packed(modules, ["short.mpy"]))
    (folder / "cold.py").write_bytes((build.ROOT / "lib/cold/cold.py").read_bytes())
    (folder / "beside.py").write_text("X = 'beside it'\n")
    (folder / "data.txt").write_text("some data")
    return folder


@pytest.mark.parametrize(
    "code, shown",
    [
        ("import plain; print(plain.X, plain.__file__[-12:])", "1 a~/plain.mpy"),
        ("import short; print(len(short.X))", "2000"),
        ("from parts import one; print(one.X)", "3"),
        ("import beside; print(beside.X)", "beside it"),
        ("import reads; print(reads.X)", "some data"),
        ("import json; print(json.dumps(1))", "1"),
        ("import parts.two", "ImportError: no module named 'parts.two'"),
        ("import lost", "ImportError: no module named 'lost'"),
        ("import sys; cold.load('parts.one'); cold.drop('parts.one'); print('parts.one' in sys.modules)", "False"),
        ("import sys; cold.load('short'); cold._restore(()); print('short' in sys.modules)", "False"),
    ],
)
def test_import(slot, code, shown):
    done = runtime.run(["-c", f"import cold; {code}"], path=[slot])
    assert shown in done.stdout + done.stderr


# Memory that is short for the look into the pack, and there again when a module is read: said as it is, whatever was looked for.
@pytest.mark.parametrize("name", ["hashlib", "lost"])
def test_no_memory_to_look(slot, name):
    code = f"""
import cold
find = cold.Pack._find
def starved(self, path):
    cold.Pack._find = find
    raise MemoryError
cold.Pack._find = starved
import {name}
"""
    done = runtime.run(["-c", code], path=[slot])
    assert "MemoryError" in done.stdout + done.stderr


def test_a_damaged_pack_is_no_module(slot):
    data = bytearray((slot / pack.NAME).read_bytes())
    data[-200:] = b"\xff" * 200
    (slot / pack.NAME).write_bytes(data)
    done = runtime.run(["-c", "import cold, short"], path=[slot])
    assert done.returncode and "Error" in done.stdout + done.stderr


def test_only_code_that_is_loaded_with_room_to_spare_is_compressed():
    data = b"the same words, the same words, " * 50
    plain, small = pack.packed({"m.mpy": data}, []), pack.packed({"m.mpy": data}, ["m.mpy"])
    assert data in plain and data not in small and len(small) < len(plain) / 4


def test_what_is_compressed_exists():
    root = build.repository()
    known = {name.removesuffix(".py").replace("/", ".") for name in build.sources(root)} | {"microdot"}
    assert set(warm.LOADED_WHILE_ROOM) <= known
    assert not {"ocpp16.firmware_files", "bundlelist", "httpget", "httpsend"} & set(warm.LOADED_WHILE_ROOM)
