"""The measurements themselves: that they run, and what they call good."""

import json

import pytest

from pilotwire import build, heapscale, runtime
from pilotwire.bench import __main__ as bench
from pilotwire.bench import fragmentation, profiles, websocket
from pilotwire.bench.figure import Figure
from pilotwire.warm import warm_modules


@pytest.mark.parametrize(
    ("figure", "holds"),
    [
        (Figure("a", 10, "B", 10), True),
        (Figure("a", 11, "B", 10), False),
        (Figure("a", 1.2, "ratio", 1.2), True),
        (Figure("a", 1.19, "ratio", 1.2), False),
        (Figure("a", None, "B", 10), False),
        (Figure("a", 5, "B"), None),
    ],
)
def test_budgets(figure, holds):
    assert figure.holds is holds


def test_sizes_go_into_the_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["bench", "--only", "size", "--out", str(tmp_path / "bench.json")])
    assert bench.main() == 0
    made = json.loads((tmp_path / "bench.json").read_text())
    assert made[0]["name"] == "mpy_total_bytes"
    assert made[0]["value"] == sum(f["value"] for f in made[1:])
    assert set(made[0]) == {"name", "value", "unit", "budget", "peer"}
    assert "mpy_total_bytes" in capsys.readouterr().out


def test_our_client_runs_in_the_bench(tmp_path):
    source = build.repository() / "tests" / "bench" / "clients.py"
    files = build.files(beside=[source.read_text("utf-8"), *websocket.OURS])
    for name in websocket.OURS:
        (tmp_path / f"{name}.mpy").write_bytes(files[f"/a/{name}.mpy"])
    (tmp_path / "clients.mpy").write_bytes(build.compile_module(source, source.name, ("-O3",)))
    orders = [f"{what}:{size}:3" for size in websocket.SIZES for what in ("send", "receive")]
    got = websocket.run("ours", orders, tmp_path)
    assert all(got[order] for order in orders) and got["import"]


def test_warm_modules_come_after_what_they_import():
    modules = warm_modules(build.sources(build.repository()))
    assert modules.index("ticks") < modules.index("ocpp16.connection") < modules.index("app")
    assert "ocpp16.core" not in modules and "start" not in modules


def test_the_scale_is_the_measured_one():
    measured = json.loads(runtime.HEAP_SCALE.read_text())
    assert measured["percent"] == runtime.HEAP_SCALE_PERCENT
    assert abs(measured["heap64"] * 100 / measured["heap32"] - measured["percent"]) <= 1


@pytest.mark.exhaustive
def test_all_clients_run():
    found, sizes = websocket.measure(rounds=1)
    assert set(found) == set(sizes) == {"ours", *websocket.PEERS}


@pytest.mark.exhaustive
def test_the_scale_is_still_right():
    (*_, last) = heapscale.measure()
    assert abs(heapscale.percent(last) - runtime.HEAP_SCALE_PERCENT) <= 5  # as the pools of names grow


@pytest.mark.exhaustive
def test_profiles_and_lists_are_measured(tmp_path):
    desk = profiles.Desk(tmp_path)
    desk.prepare()
    assert desk.ms("composite", 20) > 0 and desk.ms("send", 100) > 0
    assert 0 < desk.heap("lookup", 1000) < desk.heap("send", 100)


def test_what_a_drift_is():
    steady = [fragmentation.Look(50_000 + k % 3 * 100, 9_000 - k % 2 * 500) for k in range(40)]
    assert fragmentation.drift(steady) == (0, 0)
    leak = [fragmentation.Look(50_000 + 50 * k, 9_000 - 20 * k) for k in range(40)]
    assert fragmentation.drift(leak) == (1000, 400)


# The whole of it, 10,000 sessions, is `make bench ARGS="--only fragmentation"`.
@pytest.mark.exhaustive
def test_the_heap_does_not_fall_to_pieces():
    found = fragmentation.measure(600)
    grown, shrunk = fragmentation.drift(found)
    assert len(found) == 40 and grown <= 1024 and shrunk <= 1024, found
