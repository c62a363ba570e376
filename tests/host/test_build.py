"""The build, on a small repository of its own: same bytes each time, nothing stale, errors that name the file."""

import json
import shutil

import pytest

from pilotwire import __version__, build, image, runtime
from pilotwire.errors import PilotwireError
from pilotwire.tracebacks import Names


@pytest.fixture
def repository(tmp_path, monkeypatch):
    root = tmp_path / "repository"
    for name, text in {
        "firmware/boot.py": "import machine\n",
        "firmware/main.py": "import cold\nimport app\n",
        "firmware/app.py": "assert 0\nimport ticks\n",
        "firmware/ocpp16/core.py": "def f():\n    return absent_minded()\n\n\ndef absent_minded():\n    raise ValueError\n",
        "firmware/settings.txt": "MaxCurrent 32\n",
        "lib/ticks/ticks.py": "PERIOD = 1 << 30\n",
        "lib/ticks/package.json": "{}",
        "lib/cold/cold.py": (build.ROOT / "lib/cold/cold.py").read_text(),
        "boards/virtual/board.json": '{"id": "virtual"}',
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(build, "ROOT", root)
    return root


def below(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"}


def test_what_lies_on_the_flash(repository, tmp_path):
    out = build.firmware(tmp_path / "out", lines=True)
    there = {"boot.py", "main.py", "a/cold.mpy", "a/build.json", "a/settings.txt"}
    assert below(out) == there | {"a/app.mpy", "a/ocpp16/core.mpy", "a/ocpp16/schemas.txt", "a/ticks.mpy"}
    out = build.firmware(tmp_path / "out")
    assert below(out) == there | {"a/schemas.txt", "a/modules.pack"}
    short = {f"/a/{build.program().module(name)}.mpy" for name in ("app", "ocpp16.core", "ticks")}
    assert short < build.modules().keys()
    about = json.loads((out / "a/build.json").read_text())
    assert about["version"] == __version__ and about["mpy"] == runtime.check() and len(about["hash"]) == 16


def test_the_same_sources_give_the_same_bytes(repository, tmp_path):
    first = build.virtual(tmp_path / "one") / "flash.bin"
    shutil.rmtree(repository / "build")
    second = build.virtual(tmp_path / "two") / "flash.bin"
    assert first.read_bytes() == second.read_bytes()


def test_what_is_gone_from_the_sources_goes_from_the_build(repository, tmp_path):
    out = build.firmware(tmp_path / "out", lines=True)
    shutil.rmtree(repository / "firmware/ocpp16")
    (repository / "lib/ticks/ticks.py").write_text("PERIOD = 2\n")
    before = (out / "a/ticks.mpy").read_bytes()
    build.firmware(out, lines=True)
    assert "a/ocpp16/core.mpy" not in below(out)
    assert (out / "a/ticks.mpy").read_bytes() != before


def test_image_holds_the_files_and_the_board(repository, tmp_path):
    out = build.virtual(tmp_path / "out")
    with image.FlashFile(out / "flash.bin") as files:
        assert {name[1:] for name in files.list()} == below(out / "files")
        assert files.read("/board.json") == b'{"id": "virtual"}'


@pytest.mark.parametrize(
    "options, shown",
    [
        ({"lines": True}, 'File "ocpp16/core.py", line 6, in absent_minded'),
        ({}, 'File "ocpp16/core.py", line 1, in absent_minded'),
    ],
)
def test_tracebacks_name_module_and_function(repository, tmp_path, options, shown):
    out = build.firmware(tmp_path / "out", **options)
    core = "ocpp16.core" if options else build.program().module("ocpp16.core")
    done = runtime.run(["-c", f"import cold; cold.load({core!r}).f()"], path=[out / "a"])
    names = Names.of_build(json.loads((out / "a/build.json").read_text())["hash"])
    assert any(shown in names.readable(line) for line in done.stdout.splitlines())
    assert ("absent_minded" in done.stdout) is bool(options), "else it has another name on the device"
    assert names.readable("plain text 'any'") == "plain text 'any'"


def test_opt_0_keeps_asserts(repository, tmp_path):
    out = build.firmware(tmp_path / "out", opt=0)
    assert "AssertionError" in runtime.run(["-c", "import cold, app"], path=[out / "a"]).stdout


@pytest.mark.parametrize("name", ["firmware/boot.py", "firmware/main.py", "boards/virtual/board.json"])
def test_a_file_that_must_be_there(repository, tmp_path, name):
    (repository / name).unlink()
    with pytest.raises(PilotwireError, match=f"{name} is missing"):
        build.virtual(tmp_path / "out")


def test_a_file_that_does_not_compile_is_named(repository, tmp_path):
    (repository / "firmware/app.py").write_text("x = 1\nmatch x:\n    case 1: pass\n")
    with pytest.raises(PilotwireError) as caught:
        build.firmware(tmp_path / "out")
    assert f'File "{repository}/firmware/app.py", line 2' in str(caught.value)


def test_two_modules_of_one_name(repository, tmp_path):
    (repository / "lib/app").mkdir()
    (repository / "lib/app/app.py").write_text("")
    with pytest.raises(PilotwireError, match=r"two modules are called app.py .* firmware/app.py and lib/app/app.py"):
        build.firmware(tmp_path / "out")


def test_no_sources(monkeypatch, tmp_path):
    monkeypatch.setattr(build, "ROOT", tmp_path)
    with pytest.raises(PilotwireError, match="clone"):
        build.files()


def test_a_folder_that_cannot_be_written(repository, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PilotwireError, match="cannot write the build into"):
        build.firmware(tmp_path / "file")


def test_a_build_is_read_back_until_something_changes(repository, monkeypatch):
    first = build.files()
    monkeypatch.setattr(build, "program", None)  # renaming again would fail
    assert build.files() == first
    names = build.names_file(json.loads(first["/a/build.json"])["hash"])
    names.unlink()
    with pytest.raises(TypeError):
        build.files()  # without the names of its tracebacks it is made anew
    monkeypatch.undo()
    monkeypatch.setattr(build, "ROOT", repository)
    (repository / "firmware" / "settings.txt").write_text("MaxCurrent 16\n")
    assert build.files()["/a/settings.txt"] == b"MaxCurrent 16\n" and names.exists() is False
