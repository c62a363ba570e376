"""`pilotwire stubs`: the real pyright finds a mistake by what was written, and other settings stay."""

import json
import subprocess
import sys

import pytest

from pilotwire import stubs
from pilotwire.errors import PilotwireError
from pilotwire.lint import types


def test_an_editor_knows_the_chip(tmp_path):
    """The stubs themselves are those of `make lint`, which comes before the tests."""
    (tmp_path / ".vscode").mkdir()
    (tmp_path / ".vscode" / "settings.json").write_text('{"editor.rulers": [120], "python.analysis.stubPath": "old"}')
    written = stubs.write(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in written] == ["pyrightconfig.json", ".vscode/settings.json"]
    code = json.loads(written[1].read_text())
    assert code["editor.rulers"] == [120] and code["python.analysis.stubPath"] != "old"
    config = json.loads(written[0].read_text())
    (tmp_path / "mine.py").write_text("import machine\nimport ticks\n\nmachine.Pin(2).blink()\nticks.add(1, 2)\n")
    written[0].write_text(json.dumps({**config, "include": ["mine.py"]}))
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "-p", str(written[0]), "--outputjson"],
        capture_output=True, text=True, cwd=tmp_path, env={**types.os.environ, **types._ENVIRONMENT},
    )  # fmt: skip
    found = [row["message"] for row in json.loads(done.stdout)["generalDiagnostics"] if row["severity"] == "error"]
    assert len(found) == 1 and '"blink"' in found[0] and '"Pin"' in found[0]


def test_settings_with_comments_are_left_alone(tmp_path):
    (tmp_path / ".vscode").mkdir()
    path = tmp_path / ".vscode" / "settings.json"
    path.write_text('{ // mine\n}')
    with pytest.raises(PilotwireError, match="take the comments out"):
        stubs.write(tmp_path)
    assert path.read_text() == '{ // mine\n}' and not (tmp_path / "pyrightconfig.json").exists()
