"""The production build: a wallbox as any other, of which the serial line gets no prompt."""

import pytest

from pilotwire import build
from pilotwire.errors import PilotwireError


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """Its flash image."""
    return build.virtual(tmp_path_factory.mktemp("production"), closed=True) / "flash.bin"


# It charges; Ctrl-C on the serial line changes nothing.
async def test_it_works(bench, closed):
    await bench.start(image=closed)
    bench.box._box.console("\x03\x03")
    await bench.charge()
    assert bench._restarts == 0


# What dies at its start begins again; the build for development stays in its prompt, for somebody to look.
@pytest.mark.parametrize("production", [True, False])
async def test_a_crash_restarts(bench, closed, production):
    bench.allowed = ["broken", "Traceback", "REPL"]
    bench.path.mkdir()
    (bench.path / "flash.bin").write_bytes(closed.read_bytes())
    made = build.files()
    main = (build.production(made) if production else made)["/main.py"]
    bench.files({"/main.py": main.replace(b"    import cold\n", b"    raise ValueError('broken')\n", 1)})
    await bench.start(image=closed, wait=False)
    await bench.passes(20)
    assert (bench._restarts >= 2) == production
    assert production or bench.box.state()["power"] not in ("on", "off")


def test_what_it_changes():
    made = build.files()
    closed = build.production(made)
    assert {name for name in made if made[name] != closed[name]} == {"/boot.py", "/main.py"}
    assert b"_PRODUCTION = True" in closed["/boot.py"] and b"kbd_intr(-1)" in closed["/boot.py"]
    assert not any(b"webrepl" in data.lower() for data in closed.values())
    with pytest.raises(PilotwireError, match="no production mode"):
        build.production(made | {"/main.py": b""})
