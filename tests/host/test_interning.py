"""Long strings of warm modules are names in a module that is loaded before them."""

import pytest

from pilotwire import build, interning, runtime
from pilotwire.errors import PilotwireError

TEXTS = [
    '"""A docstring that nobody needs."""\nx = "HeartbeatInterval"\ny = ("no room left: %s", "short", b"bytes are no str")\n',
    'z = "HeartbeatInterval"\nw = "Über dreißig"\nv = "%s"\n' % ("v" * 101),
]
STRINGS = ["HeartbeatInterval", "no room left: %s", "Über dreißig"]


def test_strings():
    assert interning.strings(TEXTS) == STRINGS


def _compiled(tmp_path):
    path = tmp_path / "vocabulary.py"
    path.write_text(interning.source(STRINGS))
    return build.compile_module(path, "vocabulary", ("-O3",))


def test_what_was_loaded_before_takes_less(tmp_path):
    for number in range(10):
        (tmp_path / f"m{number}.py").write_text("\n".join(TEXTS))
        (tmp_path / f"m{number}.mpy").write_bytes(build.compile_module(tmp_path / f"m{number}.py", f"m{number}", ("-O3",)))
    (tmp_path / "vocabulary.mpy").write_bytes(interning.compiled(_compiled(tmp_path), STRINGS))
    script = "import gc, sys\nif FIRST:\n    import vocabulary\n    del sys.modules['vocabulary'], vocabulary\n"
    script += "gc.collect()\nbefore = gc.mem_alloc()\n" + "".join(f"import m{number}\n" for number in range(10))
    script += "gc.collect()\nprint(gc.mem_alloc() - before, m9.x, m9.y[0], m9.w)\n"
    for path in tmp_path.glob("*.py"):
        path.unlink()
    taken = []
    for first in (False, True):
        done = runtime.run(["-c", script.replace("FIRST", str(first))], path=[tmp_path])
        taken.append(int(done.stdout.split()[0]))
        assert done.stdout.split(None, 1)[1].strip() == "HeartbeatInterval no room left: %s Über dreißig"
    assert taken[1] < taken[0] - 10 * 3 * 48


def test_a_stand_in_that_is_not_there_is_an_error(tmp_path):
    mpy = _compiled(tmp_path)
    with pytest.raises(PilotwireError, match="0 times"):
        interning.compiled(mpy, [*STRINGS, "one more of these"])
