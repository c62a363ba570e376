"""The bench page without a browser: the real server over HTTP and WebSocket, a real central system, a wallbox on paper."""

import asyncio
import contextlib
import functools
import json
import re
import urllib.error
import urllib.request
from importlib.resources import files

import pytest
import websockets
from hypothesis import given
from hypothesis import strategies as st
from paper_box import PaperBox, paper_charger

from pilotwire import bundle
from pilotwire.csms import CentralSystem
from pilotwire.errors import PilotwireError
from pilotwire.page import Bench, PageServer, forms
from pilotwire.page.bench import Log
from pilotwire.page.depot import Depot
from pilotwire.page.patch import difference
from pilotwire.page.recorder import Recorder
from pilotwire.scenario import parse, parse_line
from pilotwire.timeline import Event

STATIC = files("pilotwire.page") / "static"


def asynchronous(test):
    """Runs an async test in a loop of its own, a minute at most: one builds the firmware."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 60))

    return run


class Page:
    """A reader of the page: keeps the tree as a browser does."""

    def __init__(self, socket):
        self.socket, self.tree, self.messages, self.events, self.samples = socket, {}, [], [], None
        self.numbers, self.replies = 0, {}

    async def read(self):
        update = json.loads(await self.socket.recv())
        if "re" in update:
            self.replies[update["re"]] = update
        merge(self.tree, update.get("tree", {}))
        self.messages += update.get("messages", [])
        self.events += update.get("events", [])
        self.samples = update.get("samples", self.samples)

    async def until(self, holds):
        while not holds(self):
            await self.read()

    async def ask(self, **order):
        self.numbers += 1
        await self.socket.send(json.dumps({"n": self.numbers, **order}))
        await self.until(lambda page: self.numbers in page.replies)
        return self.replies[self.numbers]

    async def do(self, word, box="CP1", **fields):
        return await self.ask(word=word, box=box, fields=fields)


def merge(target, patch):
    """RFC 7396."""
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        elif isinstance(value, dict) and isinstance(target.get(name), dict):
            merge(target[name], value)
        else:
            target[name] = value


@contextlib.asynccontextmanager
async def opened():
    """(bench, box, page, charger): everything runs."""
    async with CentralSystem() as central:
        bench, box = Bench(central), PaperBox()
        bench.add("CP1", box)
        async with (
            PageServer(bench, port=0) as server,
            paper_charger(central.url, "CP1") as charger,
            websockets.connect(live(server)) as socket,
        ):
            page = Page(socket)
            await page.until(lambda p: p.tree)
            yield bench, box, page, charger


def live(server):
    return f"ws://127.0.0.1:{server.port}/live"


async def get(url, **headers):
    """(status, text) of a GET."""

    def fetch():
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    return await asyncio.to_thread(fetch)


# The smoke test: everything that the browser needs is served, and nothing is fetched from elsewhere.
@asynchronous
async def test_the_page_and_all_that_it_asks_for_are_there():
    async with PageServer(Bench(CentralSystem()), port=0) as server:
        status, html = await get(server.url)
        assert status == 200
        asked = re.findall(r'(?:src|href)="(static/[^"]+)"', html)
        for name in asked:  # grows meanwhile
            if name.endswith(".js"):
                imports = re.findall(r'from "\./([^"]+)"', (STATIC / name.removeprefix("static/")).read_text())
                asked += [f"static/{other}" for other in imports if f"static/{other}" not in asked]
        assert {"static/app.js", "static/style.css", "static/vendor/uplot/uPlot.iife.min.js"} <= set(asked)
        for name in asked:
            assert (await get(server.url + name))[0] == 200, name
        assert not re.findall(r'(?:src|href)="https?:', html)
        status, text = await get(server.url + "forms.json")
        assert status == 200 and set(json.loads(text)) == {"control", "actions", "answers", "depot"}


@asynchronous
async def test_a_wallbox_and_the_messages_are_seen_live():
    async with opened() as (_, _, page, charger):
        await page.until(lambda p: p.messages)
        assert page.tree["boxes"]["CP1"]["connectors"]["1"]["status"] == "Available"
        assert page.tree["about"] == {"version": page.tree["about"]["version"], "boxes": True, "central": True}
        boot, answer = page.messages[:2]
        assert (boot["direction"], boot["type"], boot["action"], boot["error"]) == ("in", 2, "BootNotification", "")
        assert (answer["direction"], answer["type"], answer["action"]) == ("out", 3, "BootNotification")
        assert answer["latency_ms"] >= 0 and boot["latency_ms"] is None
        await charger.call("StatusNotification", connectorId=1, errorCode="NoError", status="Charging")
        await page.until(lambda p: p.tree["chargers"]["CP1"]["statuses"].get("1") == "Charging")
        # What breaks the schema is marked.
        await charger.call("StatusNotification", connectorId=1)
        await page.until(lambda p: p.messages[-2]["error"])
        assert "errorCode" in page.messages[-2]["error"] and page.messages[-1]["type"] == 4
        assert page.tree["chargers"]["CP1"]["schema_errors"] == 1


@asynchronous
async def test_words_of_both_halves_are_carried_out():
    async with opened() as (_, box, page, _):
        assert (await page.do("plug", cable_a=20))["ok"]
        await page.until(lambda p: p.tree["boxes"]["CP1"]["connectors"]["1"]["plugged"])
        assert box.asked == [("plug", {"cable_a": 20})]
        reply = await page.do("call", action="Reset", payload={"type": "Soft"})
        assert reply["answer"] == {"status": "Accepted"}
        await page.until(lambda p: [m["type"] for m in p.messages if m["action"] == "Reset"] == [2, 3])
        assert page.messages[-1]["direction"] == "in" and page.messages[-1]["latency_ms"] > 0
        reply = await page.do("unplug", box="CP9")
        assert not reply["ok"] and "no wallbox 'CP9'" in reply["error"] and "CP1" in reply["error"]
        reply = await page.do("plug", cabel=3)
        assert not reply["ok"] and "plug has no field 'cabel'" in reply["error"]
        assert "this is no order" in (await page.ask(nonsense=1))["error"]


@asynchronous
async def test_answers_are_refused_late_or_broken_on_purpose():
    async with opened() as (bench, _, page, charger):
        await page.do("answer", action="Authorize", how="refuse", status="Expired")
        assert (await charger.call("Authorize", idTag="A"))["idTagInfo"]["status"] == "Expired"
        assert bench.central.mischief.view()["Authorize"]["how"] == "refuse"
        await page.until(lambda p: "Authorize" in p.tree["central"]["rules"])
        await page.do("answer", action="Authorize", how="error", code="InternalError")
        assert await charger.call("Authorize", idTag="A") is None
        await page.do("answer", action="Authorize", how="invalid")
        assert "nobody" in await charger.call("Authorize", idTag="A")
        await page.do("answer", action="Authorize", how="silent")
        await page.do("answer", action="Heartbeat", how="broken", delay_s=0.05)
        silent = asyncio.ensure_future(charger.call("Authorize", idTag="silent"))
        await bench.central.chargers["CP1"].wait_for(lambda c: "silent" in str(c.frames[-1].text))
        await page.do("answer", action="Authorize", how="normal", delay_s=0.05)
        assert (await charger.call("Authorize", idTag="A"))["idTagInfo"]["status"] == "Accepted"
        assert not silent.done()
        silent.cancel()
        await page.do("answer", action="Authorize", how="normal")
        assert list(bench.central.mischief.rules) == ["Heartbeat"]
        for action, how in (("Heartbeat", "refuse"), ("Reset", "silent"), ("Authorize", "x")):
            assert not (await page.do("answer", action=action, how=how))["ok"]


@asynchronous
async def test_what_is_done_is_recorded_as_a_scenario():
    async with opened() as (_, _, page, charger):
        assert (await page.ask(record="CP1"))["ok"]
        assert not (await page.ask(record="CP1"))["ok"]
        await page.do("plug", cable_a=20)
        await page.do("tag", id="A B")
        start = await charger.call(
            "StartTransaction", connectorId=1, idTag="A", meterStart=0, timestamp="2026-01-01T00:00:00Z"
        )
        await charger.call(
            "StopTransaction", transactionId=start["transactionId"], meterStop=2000, timestamp="2026-01-01T01:00:00Z"
        )
        # The box was there before: a replay that ended then would end before the central system knows.
        await charger.call("StatusNotification", connectorId=1, status="Charging", errorCode="NoError")
        text = (await page.ask(record=None))["answer"]
        words = [step.word for step in parse(text)]
        assert words.count("plug") == 1 and "tag" in words and "wait" in words
        assert 'tag id=\'A B\'' in text and "wait connectors[0].status = Charging" in text
        assert "wait central.started = 1" in text and "expect central.energy_wh >= 1900" in text
        assert "wait central.status = Charging" in text and text.count("central.status") == 2
        assert not (await page.ask(record=None))["ok"]


@asynchronous
async def test_only_this_machine_and_only_its_own_pages_may_come():
    async with PageServer(Bench(CentralSystem()), port=0) as server:
        assert (await get(server.url, Host="evil.example"))[0] == 421
        assert (await get(server.url, Origin="http://evil.example"))[0] == 403
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(live(server), origin="http://evil.example")
        assert refused.value.response.status_code == 403


@asynchronous
async def test_elsewhere_it_wants_the_token_of_its_address():
    async with PageServer(Bench(CentralSystem()), port=0, token="let-me-in") as server:
        assert server.url.endswith("/?token=let-me-in")
        plain = server.url.partition("?")[0]
        assert (await get(plain))[0] == 403 and (await get(plain + "?token=guess"))[0] == 403
        assert (await get(plain + "forms.json?token=let-me-in"))[0] == 403
        assert (await get(plain, Cookie="pilotwire=let-me-in"))[0] == 200
        with pytest.raises(websockets.InvalidStatus):
            await websockets.connect(live(server))
        async with websockets.connect(live(server), additional_headers={"Cookie": "pilotwire=let-me-in"}) as socket:
            assert json.loads(await socket.recv())["tree"]


def test_a_token_is_made_wherever_others_can_reach_it():
    bench = Bench()
    assert PageServer(bench, "127.0.0.1").token is None and PageServer(bench, "::1").token is None
    first, second = PageServer(bench, "0.0.0.0").token, PageServer(bench, "0.0.0.0").token
    assert first and second and first != second


@asynchronous
async def test_a_port_that_is_taken_is_said():
    async with PageServer(Bench(), port=0) as server:
        with pytest.raises(PilotwireError, match="choose another --page"):
            async with PageServer(Bench(), port=server.port):
                pass


VALUES = st.recursive(st.none() | st.booleans() | st.integers(0, 3) | st.lists(st.integers(0, 2), max_size=2),
                      lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8)  # fmt: skip
TREES = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


def bare(tree):
    """Without nulls, which mean absence."""
    return {k: bare(v) if isinstance(v, dict) else v for k, v in tree.items() if v is not None}


@given(TREES, TREES)
def test_a_patch_makes_the_new_of_the_old(old, new):
    target = bare(old)
    merge(target, json.loads(json.dumps(difference(old, new))))
    assert bare(target) == bare(new)
    assert difference(new, new) == {}


def test_the_log_forgets_the_oldest():
    log = Log()
    for k in range(1200):
        log.add({"k": k})
    assert [line["k"] for line in log.since(1198)] == [1198, 1199]
    assert len(log.since(0)) == 1000 and log.since(1200) == []


@asynchronous
async def test_events_and_samples_are_there_for_who_comes_late():
    bench = Bench()
    bench.add("CP1", PaperBox())
    bench.note("CP1", Event(5, "person", "plugs in"))
    async with PageServer(bench, port=0) as server, websockets.connect(live(server)) as socket:
        page = Page(socket)
        await page.until(lambda p: p.events)
    assert page.events[0]["what"] == "plugs in" and page.events[0]["box"] == "CP1"
    assert len(page.samples["CP1"]["1"][0]) == 8
    assert page.tree["about"]["central"] is False


# Every action that a central system sends has a form, and what it offers is valid once its blanks are filled.
def test_forms_offer_what_the_schemas_take():
    actions = forms.actions()
    assert {"SetChargingProfile", "UpdateFirmware", "GetDiagnostics", "DataTransfer"} <= set(actions)
    assert not {"BootNotification", "StartTransaction"} & set(actions)
    for action, made in actions.items():
        assert set(made["value"]) <= set(made["schema"]["properties"]), action
    assert set(forms.control()) >= {"plug", "tag", "power", "limit"} and "wait" not in forms.control()
    assert "$ref" not in json.dumps(forms.control())


def test_a_recording_that_nobody_ends_is_bounded():
    recorder = Recorder("CP1", PaperBox().state(), None)
    step = parse_line("tag id=A")
    assert step is not None
    for _ in range(6000):
        recorder.note(step, None)
    assert len(recorder.lines) <= 5000


@asynchronous
async def test_firmware_is_fetched_from_the_depot_and_diagnostics_come_to_it(tmp_path):
    async with Depot(tmp_path) as depot:
        name = await depot.bundle("0.2.0")
        assert depot.view()["firmware"] == [name]
        fetched = (tmp_path / "files" / name).read_bytes()
        assert bundle.read(fetched).version == "0.2.0"
        assert (await get(f"{depot.url}/files/{name}", Range="bytes=0-9"))[0] == 206
        assert set(depot.for_boards()) == {"/update.pub"}
        with pytest.raises(PilotwireError, match="no version"):
            await depot.bundle("../up")
        with pytest.raises(PilotwireError, match="there is no file"):
            depot.diagnostics("../keys/update.key")
        request = urllib.request.Request(f"{depot.url}/upload/a.jsonl", data=b"nonsense", method="PUT")
        await asyncio.to_thread(urllib.request.urlopen, request)
        while not (came := depot.view()["diagnostics"]):
            await asyncio.sleep(0.02)
        with pytest.raises(PilotwireError):
            depot.diagnostics(came[0])
