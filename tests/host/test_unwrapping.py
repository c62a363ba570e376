"""Strings come out of their tuples in the compiled module, and it does what it did."""

import ast

import pytest

from pilotwire import build, cold_strings, runtime
from pilotwire.errors import PilotwireError
from pilotwire.unwrapping import unwrapped

SOURCE = """
def chosen(text):
    while text:
        try:
            if text == "wss" or text == "x":
                return "wss" + "ü"
        finally:
            text = None
    return ("two", "three")[0], ("keep",), ("x",), {"a": lambda: "inner"}["a"]()

class Kind:
    def names(self):
        return [("in" if n else "out") + "-%d" % n for n in range(2)]

print(chosen("wss"), chosen("b"), Kind().names())
"""


def compiled(folder, name: str, text: str) -> bytes:
    path = folder / f"{name}.py"
    path.write_text(text)
    return build.compile_module(path, f"{name}.py", ("-O3",))


def said(folder, name: str, mpy: bytes) -> str:
    (folder / f"{name}.py").unlink(missing_ok=True)
    (folder / f"{name}.mpy").write_bytes(mpy)
    (folder / "run.py").write_text(f"import {name}\n")
    done = runtime.run([folder / "run.py"], cwd=folder)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_smaller_and_the_same(tmp_path):
    tree = ast.parse(SOURCE)
    text = SOURCE.splitlines()
    for (row, start), end, new in sorted(cold_strings.edits(SOURCE, tree, (), ()), reverse=True):
        text[row - 1] = text[row - 1][:start] + new + text[row - 1][end:]
    wrapped = compiled(tmp_path, "wrapped", "\n".join(text))
    bare = unwrapped(wrapped)
    for string in (b"wss", b"\xc3\xbc", b"inner", b"in", b"out", b"-%d"):
        constant = b"\x05%c%s\0" % (len(string), string)
        assert b"\x0a\x01" + constant in wrapped and b"\x0a\x01" + constant not in bare and constant in bare
    assert b"\x0a\x01\x05\x01x\0" in bare  # this tuple is used as one, too
    plain = said(tmp_path, "plain", compiled(tmp_path, "plain", SOURCE))
    assert "'keep'" in plain and plain == said(tmp_path, "wrapped", wrapped) == said(tmp_path, "bare", bare)


def test_nothing_to_take_out(tmp_path):
    mpy = compiled(tmp_path, "plain", "print('a' * 20, ('tuple',))\n")
    assert unwrapped(mpy) == mpy


def test_no_module():
    with pytest.raises(PilotwireError, match=r"cannot read a \.mpy"):
        unwrapped(b"M\5\0\37")
