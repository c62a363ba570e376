"""Lint on bad snippets: each rule finds its own, at its line, and nothing in good ones."""

import ast

import pytest

from pilotwire.lint import arrows, device
from pilotwire.lint.findings import Source

TREE = {
    "firmware/app.py": "from port.clock import Clock\nimport ocpp16.core, evse.pilot, ticks\n",
    "firmware/boot.py": "import machine\n",
    "firmware/evse/pilot.py": "import ticks\nfrom micropython import const\n",
    "firmware/ocpp16/core.py": "import json, asyncio\nfrom ocpp16 import errors\n",
    "firmware/ocpp16/errors.py": "",
    "firmware/port/clock.py": "import machine, network, esp32, time\nimport ticks\n",
    "lib/ticks/ticks.py": "",
}


def source(path, text):
    return Source(path, text, ast.parse(text))


def arrows_of(path, text):
    tree = {**TREE, path: text}
    return [(f.line, f.what) for f in arrows.check(source(*item) for item in tree.items())]


def rules_of(text, path="firmware/ocpp16/core.py", used=None):
    return [(f.line, f.what) for f in device.check(source(path, text), used or {})]


def test_arrows_that_are_allowed():
    assert arrows_of("firmware/app.py", TREE["firmware/app.py"]) == []


@pytest.mark.parametrize(
    "path, text, what",
    [
        ("firmware/evse/pilot.py", "import ocpp16.core", "evse imports ocpp16.core"),
        ("firmware/evse/pilot.py", "from port import clock", "evse imports port"),
        ("firmware/evse/pilot.py", "import time", "evse imports time"),
        ("firmware/ocpp16/core.py", "from evse.pilot import Pilot", "ocpp16 imports evse.pilot"),
        ("firmware/ocpp16/core.py", "import app", "ocpp16 imports app"),
        ("firmware/ocpp16/core.py", "import machine", "ocpp16 imports machine"),
        ("firmware/ocpp16/core.py", "def f():\n import network", "ocpp16 imports network"),
        ("firmware/ocpp16/core.py", "__import__('esp32')", "ocpp16 imports esp32"),
        ("firmware/port/clock.py", "import evse.pilot", "port imports evse.pilot"),
        ("firmware/app.py", "import machine", "app imports machine"),
        ("firmware/boot.py", "import network", "boot imports network"),
        ("lib/ticks/ticks.py", "import evse.pilot", "lib imports evse.pilot"),
        ("lib/ticks/ticks.py", "import app", "lib imports app"),
        ("lib/ticks/ticks.py", "import machine", "lib imports machine"),
        ("lib/ticks/ticks.py", "from pilotwire import build", "imports pilotwire"),
        ("lib/ticks/ticks.py", "import dataclasses", "imports dataclasses"),
        ("lib/ticks/ticks.py", "from . import other", "relative import"),
        ("lib/ticks/ticks.py", "from json import *", "star import"),
    ],
)
def test_arrows_that_are_not(path, text, what):
    found = arrows_of(path, text)
    assert [f[1] for f in found] == [what]
    assert found[0][0] == text.count("\n") + 1


def test_types_may_be_imported_for_the_type_checker_only():
    assert arrows_of("lib/ticks/ticks.py", "if False:\n    from typing import Any\n") == []


@pytest.mark.parametrize(
    "line, what",
    [
        ("x = 1.5", "float 1.5"),
        ("x = 1e3", "float 1000.0"),
        ("x = a / b", "true division"),
        ("x /= 2", "true division"),
        ("x = time.time()", "time.time()"),
        ("from time import time", "from time import time"),
        ("x.startswith(('a', 'b'))", "startswith with a tuple"),
        ("x.removeprefix('a')", ".removeprefix()"),
        ("X = const(1)", "const X stays in RAM"),
    ],
)
def test_device_rules(line, what):
    assert rules_of("import time\n" + line) == [(2, what)]


@pytest.mark.parametrize(
    "text",
    [
        "x = a // b",
        "x = 1 << 40",
        "_X = const(1)",
        "X = const(1)  # public",
        "x = 1.5  # lint: on the host only",
        "x.startswith('a')",
        "try:\n    pass\nexcept OSError:\n    pass",
        "def zfill(s): pass\nx.zfill()",
    ],
)
def test_device_rules_let_pass(text):
    assert rules_of(text) == []


def test_bare_except():
    assert rules_of("try:\n    pass\nexcept:\n    pass") == [(3, "bare except")]


def test_constant_that_another_module_uses():
    user = source("firmware/app.py", "import wsframes\nwsframes.TEXT\n")
    text = "TEXT = const(1)\nPING = const(9)\n"
    assert rules_of(text, "lib/w/wsframes.py", device.names_used([user])) == [(2, "const PING stays in RAM")]


def test_port_may_read_the_time():
    assert rules_of("import time\nx = time.time()", "firmware/port/clock.py") == []


@pytest.mark.parametrize("text", ["x = 1 << 30", "x = 1073741824", "x = 2 ** 15 * 2 ** 15", "x = -(1 << 31)"])
def test_large_integers_in_evse(text):
    found = rules_of(text, "firmware/evse/pilot.py")
    assert len(found) == 1 and found[0][1].startswith("integer ")


def test_small_integers_in_evse():
    assert rules_of("x = (1 << 30) - 1\ny = -(1 << 30)", "firmware/evse/pilot.py") == []


def test_long_modules_are_a_warning():
    text = "x = 1\n" * 351
    found = device.check(source("lib/x/x.py", text), {})
    assert [f.warning for f in found] == [True]


def test_finding_says_where_and_what_to_do():
    found = device.check(source("lib/x/x.py", "x = 1 / 2\n"), {})
    assert str(found[0]) == "lib/x/x.py:1: true division: write // (the result of / is a float)"
