"""What people and programs get wrong: on the control socket, at the reader, on the command line."""

import asyncio
import json
import sys

import pytest

from pilotwire import cli, registry

LINES = [
    (b"plug\n", "this line is not JSON"),
    (b"\xff\xfe\n", "this line is not JSON"),
    (b'{"do": "plug"\n', "this line is not JSON"),
    (b"[" * 3000 + b"\n", ""),
    (b'{"do": "plug", "x": "' + b"x" * 70000 + b'"}\n', "at most 65536 bytes"),
    (b"[]\n", "a request is a JSON object"),
    (b"{}\n", "`do` is missing, the words are plug, unplug"),
    (b'{"do": "plugg"}\n', '"plugg" is not known, the words are plug, unplug'),
    (b'{"do": ["plug"]}\n', "is not known"),
    (b'{"do": "plug", "cabel_a": 32}\n', "its fields are "),
    (b'{"do": "plug", "connector": 2}\n', "there is no connector 2"),
    (b'{"do": "plug", "connector": true}\n', "connector"),
    (b'{"do": "tag", "id": "%s"}\n' % (b"x" * 21), "is too long"),
    (b'{"do": "tag", "id": ""}\n', "id"),
    (b'{"do": "tag", "id": "\\n"}\n', "id"),
    (b'{"do": "tag"}\n', "'id' is a required property"),
    (b'{"do": "limit", "slot": "user", "ma": "16 A"}\n', "ma"),
    (b'{"do": "limit", "slot": "nonsense", "ma": 16000}\n', "slot"),
    (b'{"do": "limit", "slot": "board", "ma": 80000}\n', "slot"),
    (b'{"do": "wait", "until": 5}\n', "until"),
    (b'{"do": "wait", "until": {}, "timeout_s": -1}\n', "timeout_s"),
    (b'{"do": "speed", "factor": 1e999}\n', "factor"),
    (b'{"do": "unplug", "connector": 1}\n', "unplug"),
]


# Wrong lines on the control socket in a session: each is answered, the socket stays, the session goes on.
async def test_wrong_lines(bench):
    charger = await bench.start()
    await bench.charge()
    reader, writer = await asyncio.open_connection(*bench.box.control_address)
    for line, says in LINES:
        writer.write(line)
        answer = json.loads(await reader.readline())
        assert answer["ok"] is False and says in answer["error"], (line[:60], answer)
        writer.write(b'{"do": "state", "id": 7}\n')
        answer = json.loads(await reader.readline())
        assert answer["ok"] and answer["id"] == 7 and answer["state"]["connectors"][0]["status"] == "Charging"
    writer.close()
    await bench.passes(60)
    assert bench.state()["status"] == "Charging" and len(charger.boots) == 1


# req: AUTH-20, J-CI-01
# The reader sends what is no tag: 21 characters, bytes that are none, nothing at all. Tags of 20 are read as before.
async def test_what_is_no_tag_at_the_reader(bench):
    charger = await bench.start()
    await bench.do("plug")
    await bench.until(status="Preparing")
    # Past the control socket, which would refuse them.
    for nonsense in ("x" * 21, "\x00\x01", "\x7f", "ü", "two words", ""):
        bench.box._world.tag(nonsense)
        await bench.passes(1)
    await bench.passes(20)
    assert [f for f in charger.frames if f.action == "Authorize"] == []
    await bench.charge(tag="T" * 20, plug=False)
    assert charger.transactions[1].tag == "T" * 20


# Orders on the serial line that make no sense do not reach the electrical side.
async def test_wrong_orders_on_the_serial_line(bench):
    await bench.start()
    await bench.charge()
    before = bench.state()["limits"]
    for order in (
        "@", "@{", "@[]", "@{}", '@{"limit": 5}', '@{"limit": {}}', '@{"limit": {"connector": 9, "slot": "user", "ma": 1}}',
        '@{"limit": {"connector": 0, "slot": "user", "ma": 1}}', '@{"limit": {"connector": -1, "slot": "user", "ma": 1}}',
        '@{"limit": {"connector": 1, "slot": "user", "ma": "x"}}', '@{"limit": {"connector": 1, "slot": "user", "ma": -1}}',
        '@{"limit": {"connector": 1, "slot": "board", "ma": 80000}}', '@{"limit": {"connector": 1, "slot": [], "ma": 1}}',
        '@{"limit": {"connector": 1, "slot": "user", "ma": 6500.5}}',
        '@{"limit": {"connector": 1, "slot": "user"}}', "@" + "x" * 5000, "\x03", "\x04", "print(1)",
    ):  # fmt: skip
        bench.box._box.console(order)
        await bench.passes(0.5)
    assert bench.state()["limits"] == before and bench.state()["status"] == "Charging"
    assert bench.box.state()["boot"] is not None


SIM = ["sim", "--csms", "ws://127.0.0.1:9", "--id", "CP1", "--state", "unused"]

USAGE = [
    # what is wrong, what is said
    (["--csms", "http://127.0.0.1:9"], "its scheme is 'http', not ws or wss, write it like ws://"),
    (["--csms", "127.0.0.1:9"], "write it like ws://"),
    (["--csms", "ws://"], "names no host or port"),
    (["--csms", "ws://127.0.0.1:99999"], "is no URL"),
    (["--csms", "ws://127.0.0.1:port"], "is no URL"),
    (["--csms", "ws://user:secret@127.0.0.1:9"], "user or password"),
    (["--csms", "ws://höst:9"], "percent-encode them"),
    (["--csms", "ws://h:9/" + "x" * 600], "too long"),
    (["--set", "MaxCurent=16"], "there is no setting 'MaxCurent', did you mean MaxCurrent"),
    (["--set", "MaxCurrent=160"], "'160' is no MaxCurrent, it may be 6 to 80"),
    (["--set", "MaxCurrent=much"], "'much' is no MaxCurrent"),
    (["--set", "AllowOfflineTxForUnknownId=yes"], "it may be true or false"),
    (["--set", "NumberOfConnectors=2"], "NumberOfConnectors cannot be set"),
    (["--set", "=5"], "write KEY=VALUE"),
    (["--set", "Zzzz=1"], "there is no setting 'Zzzz'"),
]


# A wrong command line is status 2, one line on stderr, and leaves no state directory behind.
@pytest.mark.parametrize(("more", "says"), USAGE, ids=[more[1][:30] for more, _ in USAGE])
def test_usage(tmp_path, monkeypatch, capsys, more, says):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["pilotwire", *SIM, *more])
    with pytest.raises(SystemExit) as end:
        cli.main()
    out, error = capsys.readouterr()
    assert end.value.code == 2 and out == "" and error.startswith("pilotwire: ")
    assert says in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


# A setting in another spelling is the same setting: it reaches the firmware under its own name.
async def test_a_setting_in_any_case(bench):
    bench.settings |= registry.check({"maxcurrent": "16", "localPREauthorize": "TRUE"})
    charger = await bench.start()
    answer = await charger.call("GetConfiguration", {"key": ["LocalPreAuthorize"]})
    assert answer["configurationKey"][0]["value"] == "true"
    assert {"slot": "user", "ma": 16000, "reason": "MaxCurrent"} in bench.state()["limits"]
