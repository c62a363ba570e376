"""The pytest plugin, on a small repository of its own: what passes, what fails, and what a failure says."""

import shutil

import pytest

from pilotwire import build
from pilotwire.devicetest import asserts, outline

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def device(pytester, monkeypatch):
    """Runs the text of one device test file; returns pytest's result."""
    monkeypatch.chdir(pytester.path)
    (pytester.path / "pytest.ini").write_text("[pytest]\naddopts = -p pilotwire.devicetest.plugin\n")
    for name, text in {
        "firmware/app.py": "def fail(n):\n    if n:\n        fail(n - 1)\n    raise ValueError('deep')\n",
        "firmware/settings.txt": "a table\n",
        "lib/ticks/ticks.py": "PERIOD = 1 << 30\n",
        "tests/firmware/helper.py": "ANSWER = 42\n",
    }.items():
        path = pytester.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    virtual = pytester.path / "boards/virtual"
    virtual.mkdir(parents=True)
    shutil.copy(build.ROOT / "boards/virtual/time.py", virtual)
    (virtual / "machine.py").write_text("Pin = 'stand-in'\n")

    def run(text, *arguments, folder="tests/firmware"):
        path = pytester.path / folder / "test_it.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        # Nor hypothesis, which takes half of the start of pytest.
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest", *arguments)

    run.root = pytester.path
    return run


def test_it_runs_inside_micropython_with_firmware_libraries_and_helpers(device):
    result = device(
        "import sys, app, ticks, helper\n"
        "def test_name():\n    assert sys.implementation.name == 'micropython'\n"
        "def test_modules():\n    assert helper.ANSWER == 42 and ticks.PERIOD == 1 << 30\n"
        "def test_data():\n    open(app.__file__.rsplit('/', 1)[0] + '/settings.txt').close()\n"
    )
    result.assert_outcomes(passed=3)


def test_failure_shows_values_file_line_and_output(device):
    result = device(
        "import app\n"
        "def test_values():\n    print('seen before')\n    total = 3\n    assert total + 1 == 5\n"
        "def test_deep():\n    app.fail(1)\n",
    )
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "AssertionError: 4 == 5",
            '  File "tests/firmware/test_it.py", line 5, in test_values',
            "    assert total + 1 == 5",
            "*Captured stdout*",
            "seen before",
            "ValueError: deep",
            '  File "tests/firmware/test_it.py", line 7, in test_deep',
            "    app.fail(1)",
            '  File "firmware/app.py", line 3, in fail',
        ]
    )
    result.stdout.no_fnmatch_line("*runner.py*")


def test_tables(device):
    result = device(
        "CASES = [6, 16]\n"
        "CASES_PAIR = [(1, 1), ('b', 'c')]\n"
        "CASES_MADE = [n for n in range(4)]\n"
        "def test_one(case):\n    assert case > 5\n"
        "def test_pair(left, right):\n    assert left == right\n"
        "def test_made(n):\n    assert n < 3\n",
        "-v",
    )
    result.assert_outcomes(passed=3, failed=2)
    result.stdout.fnmatch_lines(
        ["*test_one[[]6] PASSED*", "*test_one[[]16] PASSED*", "*test_pair[[]b] FAILED*", "*test_made FAILED*"]
    )
    result.stdout.fnmatch_lines(["in row 3 of the table"])


def test_the_clock_is_virtual_and_jumps(device):
    result = device(
        "import asyncio, time\n"
        "async def test_an_hour():\n"
        "    start = time.ticks_ms()\n"
        "    await asyncio.sleep(3600)\n"
        "    assert time.ticks_diff(time.ticks_ms(), start) == 3600 * 1000\n"
        "def test_a_day():\n    time.sleep(86400)\n"
        "async def test_fails():\n    await asyncio.sleep(1)\n    assert False\n"
        "async def die():\n    raise ValueError('nobody waits')\n"
        "async def test_task():\n    asyncio.create_task(die())\n    await asyncio.sleep(1)\n"
    )
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["ValueError: nobody waits"])


def test_near_wrap(device):
    text = (
        "import asyncio, time, runner\n"
        "async def test_wrap():\n"
        "    start = time.ticks_ms()\n"
        "    await asyncio.sleep(10)\n"
        "    assert time.ticks_diff(time.ticks_ms(), start) == 10000\n"
        "    print('start', start, runner.START_MS, time.ticks_ms() < start)\n"
        "    assert False\n"
    )
    device(text, "--near-wrap").stdout.fnmatch_lines([f"start {(1 << 30) - 5000} {(1 << 30) - 5000} True"])
    device(text).stdout.fnmatch_lines(["start * 0 False"])


def test_asserts_are_proved_to_be_alive_by_a_canary(device, monkeypatch, pytester):
    # Built as the firmware ships, asserts are gone, and so is the canary's failure.
    (pytester.path / "conftest.py").write_text("from pilotwire.devicetest import suite\nsuite._FLAGS = ('-O3',)\n")
    result = device("def test_it():\n    assert 1 == 2\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["asserts are not alive*"])


def test_a_hang_is_killed_and_named(device):
    result = device(
        "# timeout: 1\n"
        "def test_before():\n    pass\n"
        "def test_hang():\n    print('hanging')\n    while True:\n        pass\n"
        "def test_after():\n    pass\n"
    )
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["timed out: no end after 1 s*", "*hanging*", "not run: test_hang ended*"])


def test_the_heap_is_that_of_the_chip(device):
    text = "def test_it():\n    bytearray(%d)\n"
    device(text % 100_000).assert_outcomes(passed=1)
    device("# heap: 60K\n" + text % 100_000).assert_outcomes(failed=1)


def test_what_the_file_holds_is_on_top_of_it(device):
    text = "TABLE = bytes(160_000)\ndef test_it():\n    bytearray(%d)\n"
    device(text % 100_000).assert_outcomes(passed=1)
    device(text % 160_000).assert_outcomes(failed=1)
    result = device("# room: 100K\n" + text % 10)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["MemoryError: the file holds * bytes more than it has room for*"])


def test_modules_of_the_firmware_are_not_on_top_of_it(device):
    (device.root / "firmware/large.py").write_text("TABLE = bytes(80_000)\n")
    device("import large\ndef test_it():\n    bytearray(100_000)\n").assert_outcomes(failed=1)


def test_an_interpreter_that_ends(device):
    result = device("import os\ndef test_it():\n    os.system('kill -9 $PPID')\ndef test_b():\n    pass\n")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["the interpreter ended early*", "not run: test_it ended*"])


def test_stand_ins_are_there_for_who_asks(device):
    text = "def test_it():\n    from machine import Pin\n    assert Pin == 'stand-in'\n"
    device("# stand-ins: machine\n" + text).assert_outcomes(passed=1)
    device(text).assert_outcomes(failed=1)
    result = device("# stand-ins: machin\n" + text)
    result.stdout.fnmatch_lines(["*asks for the stand-ins machin*boards/virtual has machine, time*"])


def test_a_module_that_does_not_compile_is_said(device, pytester):
    (pytester.path / "firmware/broken.py").write_text("def\n")
    result = device("def test_it():\n    import broken\n")
    result.stdout.fnmatch_lines(["ImportError: no module named 'broken'", "*broken.py does not compile*"])


def test_a_broken_test_file(device):
    device("def test_it(:\n").stdout.fnmatch_lines(["*test_it.py: *"])
    device("def test_it(case):\n    pass\n").stdout.fnmatch_lines(["*line 1: test_it has parameters, but*CASES*"])
    device("def test_a(): pass\ndef test_a(): pass\n").stdout.fnmatch_lines(["*line 2: a second test_a*"])


def test_requirement_ids_of_both_sides(device, pytester):
    host = pytester.path / "tests/host/test_there.py"
    host.parent.mkdir(parents=True)
    host.write_text("# req: TX-08\ndef test_a(req):\n    pass\ndef test_b():\n    pass\n")
    (pytester.path / "conftest.py").write_text(
        "import pytest\n"
        "@pytest.fixture\ndef req(request):\n    print(request.node.user_properties)\n"
        "def pytest_runtest_logreport(report):\n"
        "    if report.when == 'call':\n        print(report.nodeid, report.user_properties)\n"
    )
    result = device("# Why.\n# req: TX-08, TX-09\ndef test_c():\n    pass\n", "-s", "-k", "TX-08")
    result.assert_outcomes(passed=2, deselected=1)
    result.stdout.fnmatch_lines(
        [
            "*test_it.py::test_c [[]('req', 'TX-08'), ('req', 'TX-09')]*",
            "*test_there.py::test_a [[]('req', 'TX-08')]*",
        ]
    )


def test_a_file_stays_on_one_worker(device):
    result = device(
        "COUNT = [0]\n"
        + "".join(f"def test_{n}():\n    COUNT[0] += 1\n    assert COUNT[0] == {n + 1}\n" for n in range(8)),
        "-n",
        "2",
    )
    result.assert_outcomes(passed=8)


@pytest.mark.parametrize(
    "before, after",
    [
        ("assert a == b", "assert __compare((a), '==',(b)), __why()"),
        ("assert (a + 1) is not None", "assert __compare((a + 1), 'is not',(None)), __why()"),
        ("assert a in [\n    1,\n]", "assert __compare((a), 'in',([\n    1,\n])), __why()"),
        ("assert (\n    a\n    == b\n)", "assert __compare((a), '==',\n\n\n(b)), __why()"),
        ("assert 'ä' == b", "assert __compare(('ä'), '==',(b)), __why()"),
    ],
)
def test_asserts_are_rewritten_line_by_line(before, after):
    text = asserts.rewrite(f"def test():\n    {before}\n    x = 1\n")
    assert text.startswith(f"def test():\n    {after}\n    x = 1\n")


@pytest.mark.parametrize("line", ["assert a", "assert a == b, 'why'", "assert a < b < c", "assert a and b == c"])
def test_asserts_that_stay(line):
    assert asserts.rewrite(line) == line


def test_sizes():
    assert [outline.size(s) for s in ("60K", "1M", "500")] == [61440, 1 << 20, 500]
    with pytest.raises(ValueError):
        outline.size("much")
