"""The central system against real clients: plain frames over `websockets`, and PyPI `ocpp`."""

import asyncio
import contextlib
import functools
import json
import socket
import ssl

import pytest
import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import ChargePointErrorCode, ChargePointStatus, Reason, RemoteStartStopStatus

from pilotwire.bench.certificates import Authority
from pilotwire.csms import CallError, CentralSystem
from pilotwire.csms.answers import default
from pilotwire.csms.frames import Bounded
from pilotwire.csms.summary import summary
from pilotwire.errors import PilotwireError

BOOT = {"chargePointVendor": "pilotwire", "chargePointModel": "virtual"}
START = {"connectorId": 1, "idTag": "C0FFEE01", "meterStart": 5, "timestamp": "2026-11-22T10:00:00Z"}
STOP = {"transactionId": 1, "meterStop": 1505, "timestamp": "2026-11-22T11:00:00Z"}


def asynchronous(test):
    """Runs an async test in a loop of its own, ten seconds at most."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 10))

    return run


class Client:
    """A charger that says exactly what it is told to."""

    def __init__(self, socket):
        self.socket, self.ids = socket, 0

    async def request(self, action, payload):
        """Sends a CALL and returns the whole answer frame."""
        self.ids += 1
        await self.socket.send(json.dumps([2, f"id-{self.ids}", action, payload]))
        return await self.read()

    async def read(self):
        return json.loads(await self.socket.recv())


@contextlib.asynccontextmanager
async def connected(central, identity="CP1", **options):
    options = {"subprotocols": ["ocpp1.6"], "compression": None, **options}
    async with websockets.connect(f"{central.url}/{identity}", **options) as socket:
        yield Client(socket)


def shake_hands(central, client):
    """A TLS 1.2 handshake and nothing more, as chargers begin."""
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection((central.host, central.port)) as plain:
        client.wrap_socket(plain, server_hostname=central.host).close()


# What neither asyncio nor the charger would say here: it does not trust the server, or has no certificate.
@asynchronous
async def test_why_a_tls_handshake_fails(tmp_path):
    root = Authority(tmp_path)
    issued = root.issue("server", ips=["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    context.load_verify_locations(root.file)
    events = []
    async with CentralSystem(ssl=context, on_event=events.append) as central:
        for mode, trusted, said in (
            (ssl.CERT_NONE, None, "unknown ca"),
            (ssl.CERT_REQUIRED, root.file, "peer did not return a certificate"),
        ):
            context.verify_mode = mode
            with pytest.raises(OSError):
                await asyncio.to_thread(shake_hands, central, ssl.create_default_context(cafile=trusted))
            while said not in events[-1].what:
                await asyncio.sleep(0.01)
        assert [event.data["level"] for event in events[1:]] == ["warning"] * 2
        context.verify_mode = ssl.CERT_NONE
        async with connected(central, ssl=ssl.create_default_context(cafile=root.file)) as client:
            assert (await client.request("BootNotification", BOOT))[0] == 3


@contextlib.asynccontextmanager
async def booted(central, identity="CP1"):
    async with connected(central, identity) as client:
        await client.request("BootNotification", BOOT)
        yield client


@asynchronous
async def test_a_good_session_with_the_ocpp_package():
    class Car(ChargePoint):
        @on("RemoteStartTransaction")
        def started(self, **_):
            return call_result.RemoteStartTransaction(status=RemoteStartStopStatus.accepted)

    async with CentralSystem() as central, connected(central, "CP%201") as client:
        car = Car("CP 1", client.socket)
        reader = asyncio.ensure_future(car.start())
        boot = await car.call(call.BootNotification("virtual", "pilotwire"))
        assert (boot.status, boot.interval) == ("Accepted", 300)
        assert boot.current_time.endswith("Z")
        await car.call(call.StatusNotification(1, ChargePointErrorCode.no_error, ChargePointStatus.available))
        assert (await car.call(call.Authorize("C0FFEE01"))).id_tag_info == {"status": "Accepted"}
        charger = await central.charger("CP 1", timeout=1)
        answer = await charger.call("RemoteStartTransaction", {"idTag": "C0FFEE01"})
        assert answer == {"status": "Accepted"}
        began = await car.call(call.StartTransaction(1, "C0FFEE01", 5, "2026-11-22T10:00:00Z"))
        assert began.transaction_id == 1
        sample = {"timestamp": "2026-11-22T10:01:00Z", "sampledValue": [{"value": "500"}]}
        await car.call(call.MeterValues(1, [sample], transaction_id=1))
        await car.call(call.StopTransaction(1505, "2026-11-22T11:00:00Z", 1, reason=Reason.ev_disconnected))
        reader.cancel()

    assert charger.schema_errors == [] and charger.violations == []
    assert charger.boots == [BOOT]
    assert charger.statuses[1] == ["Available"]
    transaction = charger.transactions[1]
    assert (transaction.tag, transaction.energy_wh, transaction.reason) == (
        "C0FFEE01", 1500, "EVDisconnected",
    )  # fmt: skip
    assert transaction.meter_values == [sample]
    assert [frame.action for frame in charger.frames][:2] == ["BootNotification"] * 2
    account = summary(charger)
    assert (account["started"], account["stopped"], account["energy_wh"]) == (1, 1, 1500)
    json.dumps(account)


BAD_FRAMES = [
    ("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Availble"},
     "PropertyConstraintViolation"),
    ("StatusNotification", {"connectorId": "1", "errorCode": "NoError", "status": "Available"},
     "TypeConstraintViolation"),
    ("Authorize", {}, "ProtocolError"),
    ("Authorize", {"idTag": "123456789012345678901"}, "PropertyConstraintViolation"),
    ("Authorize", {"idTag": "A", "idtag": "A"}, "FormationViolation"),
    ("Authorize", [], "TypeConstraintViolation"),
    ("MeterValues", {"connectorId": 1, "meterValue": []}, "OccurenceConstraintViolation"),
    ("StartTransaction", START | {"timestamp": "2026-11-22T10:00:00"},
     "PropertyConstraintViolation"),
    ("StartTransaction", START | {"meterStart": 1.5}, "TypeConstraintViolation"),
    ("Reset", {"type": "Soft"}, "NotSupported"),
    ("../Authorize", {}, "NotImplemented"),
    ("Nonsense", {}, "NotImplemented"),
]  # fmt: skip


@pytest.mark.parametrize(("action", "payload", "code"), BAD_FRAMES)
@asynchronous
async def test_a_request_that_breaks_the_schema_is_counted_and_refused(action, payload, code):
    async with CentralSystem() as central, booted(central) as client:
        kind, unique, answered, _, details = await client.request(action, payload)
        assert (kind, unique, answered, details) == (4, "id-2", code, {})
        charger = central.chargers["CP1"]
        assert len(charger.schema_errors) == 1
        assert charger.frames[-2].error == charger.schema_errors[0]
        assert charger.transactions == {}


GARBAGE = ["nonsense", "[", "{}", "[]", "[2]", '[9,"1",{}]', '[2,1,"Heartbeat",{}]', '[true,"1",{}]',
           '[2,"1","Heartbeat"]', '[3,"1"]', '[2,"1",5,{}]', '[2,"1","Heartbeat",NaN]', b"\xff\x00",
           "[" * 100_000]  # fmt: skip


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda g: repr(g)[:20])
@asynchronous
async def test_garbage_is_counted_and_the_connection_stays(garbage):
    async with CentralSystem() as central, booted(central) as client:
        await client.socket.send(garbage)
        assert (await client.request("Heartbeat", {}))[0] == 3
        charger = central.chargers["CP1"]
        assert len(charger.schema_errors) == 1
        assert charger.frames[2].text == garbage and charger.frames[2].type is None


@asynchronous
async def test_a_start_or_stop_told_twice_keeps_its_id_and_is_counted():
    async with CentralSystem() as central:
        async with booted(central) as client:
            assert (await client.request("StartTransaction", START))[2]["transactionId"] == 1
        # Transactions belong to the identity, not to the connection.
        async with connected(central) as client:
            client.ids = 100
            assert (await client.request("StartTransaction", START))[2]["transactionId"] == 1
            later = START | {"timestamp": "2026-11-22T12:00:00Z"}
            assert (await client.request("StartTransaction", later))[2]["transactionId"] == 2
            await client.request("StopTransaction", STOP)
            await client.request("StopTransaction", STOP)
            await client.request("StopTransaction", STOP | {"meterStop": 9})
            await client.request("StopTransaction", STOP | {"transactionId": 77})
        charger = central.chargers["CP1"]
        assert (charger.transactions[1].starts, charger.transactions[1].stops) == (2, 3)
        assert charger.transactions[1].meter_stop == 1505
        assert [stop["meterStop"] for stop in charger.transactions[1].conflicts] == [9]
        assert charger.book.duplicates == 3
        assert len(charger.book.unknown_stops) == 1
        assert charger.connections == 2 and charger.violations == []


@asynchronous
async def test_hooks_answer_wrongly_with_an_error_late_or_never():
    async with CentralSystem() as central, booted(central) as client:
        answers = iter(
            [
                {"nonsense": True},
                CallError("InternalError", "later", {"a": 1}),
                None,
            ]
        )
        central.answer["BootNotification"] = lambda charger, payload: {"status": "nonsense"}
        await client.request("BootNotification", {"chargePointModel": "M", "chargePointVendor": "V"})
        assert central.chargers["CP1"].registration == "Accepted"  # as it was
        central.answer["Authorize"] = lambda charger, payload: next(answers)
        assert (await client.request("Authorize", {"idTag": "A"}))[2] == {"nonsense": True}
        assert await client.request("Authorize", {"idTag": "A"}) == [
            4, "id-4", "InternalError", "later", {"a": 1},
        ]  # fmt: skip
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.request("Authorize", {"idTag": "A"}), 0.05)

        released = asyncio.Event()

        async def late(charger, payload):
            await released.wait()
            return default(charger, "Authorize", payload) | {"late": 1}

        central.answer["Authorize"] = late
        central.tags = {"a": {"status": "Blocked"}}
        waiting = asyncio.ensure_future(client.request("Authorize", {"idTag": "A"}))
        await central.chargers["CP1"].wait_for(lambda c: c.frames[-1].id == "id-6", 1)
        released.set()
        assert (await waiting)[2] == {"idTagInfo": {"status": "Blocked"}, "late": 1}


@asynchronous
async def test_a_hook_that_fails_is_shown_and_answered():
    events = []
    async with CentralSystem(on_event=events.append) as central, booted(central) as client:
        central.answer["Heartbeat"] = lambda charger, payload: 1 // 0
        assert (await client.request("Heartbeat", {}))[2] == "InternalError"
        assert isinstance(central.hook_errors[0], ZeroDivisionError)
        assert any("hook for Heartbeat failed" in event.what for event in events)

        def refuse(charger, payload):
            raise CallError("SecurityError")

        central.answer["Heartbeat"] = refuse
        assert (await client.request("Heartbeat", {}))[2] == "SecurityError"


@asynchronous
async def test_the_book_follows_what_a_hook_answers_to_a_start():
    async with CentralSystem() as central, booted(central) as client:
        charger = central.chargers["CP1"]
        central.answer["StartTransaction"] = lambda c, p: CallError("InternalError")
        await client.request("StartTransaction", START)
        assert charger.transactions == {} and len(charger.book.refused_starts) == 1

        # An answer that got lost does not undo what the central system knows.
        central.answer["StartTransaction"] = lambda c, p: None
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.request("StartTransaction", START), 0.05)
        assert [t.starts for t in charger.transactions.values()] == [1]

        central.answer["StartTransaction"] = lambda c, p: {
            "transactionId": -5,
            "idTagInfo": {"status": "Accepted"},
        }
        await client.request("StartTransaction", START | {"connectorId": 2})
        assert charger.transactions[-5].connector == 2


@asynchronous
async def test_delay_holds_answers_but_not_other_frames():
    async with CentralSystem() as central, booted(central) as client:
        central.delay = lambda charger, action, payload: 0.1 if action == "Authorize" else 0
        await client.socket.send('[2,"slow","Authorize",{"idTag":"A"}]')
        await client.socket.send('[2,"fast","Heartbeat",{}]')
        assert [(await client.read())[1] for _ in range(2)] == ["fast", "slow"]
        violations = central.chargers["CP1"].violations
        assert violations == ["Heartbeat: sent while another CALL waits for its answer"]


@asynchronous
async def test_rules_of_order_and_ids():
    async with CentralSystem() as central, connected(central) as client:
        await client.request("Heartbeat", {})
        client.ids = 0
        await client.request("BootNotification", BOOT)
        await client.socket.send(json.dumps([2, "x" * 37, "Heartbeat", {}]))
        await client.read()
        assert central.chargers["CP1"].violations == [
            "Heartbeat: sent before the charger was accepted",
            "BootNotification: id id-1 was used before",
            "Heartbeat: id of 37 characters, at most 36",
        ]


@asynchronous
async def test_while_pending_only_what_was_triggered_may_come():
    async with CentralSystem() as central, connected(central) as client:
        central.registration = "Pending"
        await client.request("BootNotification", BOOT)
        charger = central.chargers["CP1"]
        asked = asyncio.ensure_future(charger.call("TriggerMessage", {"requestedMessage": "Heartbeat"}))
        _, unique, _, _ = await client.read()
        await client.socket.send(json.dumps([3, unique, {"status": "Accepted"}]))
        await asked
        await client.request("Heartbeat", {})
        await client.request("Authorize", {"idTag": "A"})
        assert charger.violations == ["Authorize: sent before the charger was accepted"]


@asynchronous
async def test_a_call_is_answered_refused_timed_out_or_cut():
    async with CentralSystem() as central, booted(central) as client:
        charger = central.chargers["CP1"]

        async def call_answered_by(kind, *rest):
            asked = asyncio.ensure_future(charger.call("Reset", {"type": "Soft"}))
            _, unique, *_ = await client.read()
            await client.socket.send(json.dumps([kind, unique, *rest]))
            return await asked

        assert await call_answered_by(3, {"status": "Perhaps"}) == {"status": "Perhaps"}
        assert "Perhaps" in charger.schema_errors[-1]

        with pytest.raises(CallError) as refused:
            await call_answered_by(4, "NotSupported", "no", {})
        assert (refused.value.code, refused.value.description) == ("NotSupported", "no")
        assert len(charger.schema_errors) == 1

        with pytest.raises(CallError):
            await call_answered_by(4, "Bogus", "", {})
        assert len(charger.schema_errors) == 2

        with pytest.raises(TimeoutError, match="CP1 did not answer Reset"):
            await charger.call("Reset", {"type": "Soft"}, timeout=0.02)

        cut = asyncio.ensure_future(charger.call("Reset", {"type": "Soft"}))
        await charger.wait_for(lambda c: c.frames[-1].action == "Reset")
        charger.drop()
        with pytest.raises(PilotwireError, match="CP1 went away"):
            await cut
        with pytest.raises(PilotwireError, match="not connected"):
            await charger.call("Reset", {"type": "Soft"})


@asynchronous
async def test_decimals_of_charging_schedules_are_exact():
    async with CentralSystem() as central, booted(central) as client:
        charger = central.chargers["CP1"]
        for limit, wrong in (("16.1", 0), ("0.3", 0), ("16", 0), ("16.15", 1)):
            asked = asyncio.ensure_future(charger.call("GetCompositeSchedule", {"connectorId": 1, "duration": 60}))
            _, unique, _, _ = await client.read()
            schedule = (
                '{"status":"Accepted","connectorId":1,"chargingSchedule":{"chargingRateUnit":"A",'
                '"chargingSchedulePeriod":[{"startPeriod":0,"limit":LIMIT}]}}'
            )
            await client.socket.send(f'[3,"{unique}",{schedule.replace("LIMIT", limit)}]')
            await asked
            assert len(charger.schema_errors) == wrong


@asynchronous
async def test_the_subprotocol_is_required_and_can_be_broken():
    async with CentralSystem() as central:
        for offered in (None, ["ocpp2.0.1"], ["OCPP1.6"]):
            with pytest.raises(websockets.InvalidStatus, match="400"):
                async with connected(central, subprotocols=offered):
                    pass
        assert central.refused == [("CP1", 400)] * 3 and central.chargers == {}

        central.subprotocol = None
        async with connected(central) as client:
            assert client.socket.subprotocol is None
        async with connected(central, subprotocols=["ocpp1.6", "other"]) as client:
            assert client.socket.subprotocol is None
        central.subprotocol = "ocpp2.0.1"
        with pytest.raises(websockets.InvalidHandshake):
            async with connected(central):
                pass


@asynchronous
async def test_identities_are_decoded_accepted_and_refused():
    async with CentralSystem(accept=lambda identity: {"CP2": False, "CP3": 503}.get(identity, True)) as central:
        async with connected(central, "any/path/%C3%A4%2F1?token=5"):
            assert (await central.charger("ä/1", 1)).connected
        for identity, status in (("CP2", 404), ("CP3", 503), ("", 404)):
            with pytest.raises(websockets.InvalidStatus, match=str(status)):
                async with connected(central, identity):
                    pass
        with pytest.raises(TimeoutError, match="chargers seen: ä/1"):
            await central.charger("CP9", timeout=0.01)


@asynchronous
async def test_basic_auth_is_checked_and_recorded():
    async with CentralSystem() as central:
        central.passwords["CP1"] = b"secret"
        headers = {"Authorization": "Basic Q1AxOnNlY3JldA=="}
        async with connected(central, additional_headers=headers):
            assert (await central.charger("CP1", 1)).auth == ("CP1", b"secret")
        for wrong in ({}, {"Authorization": "Basic Q1AxOnNlY3JldDE="}, {"Authorization": "Basic §"}):
            with pytest.raises(websockets.InvalidStatus, match="401"):
                async with connected(central, additional_headers=wrong):
                    pass
        async with connected(central, "CP2"):
            assert (await central.charger("CP2", 1)).auth is None


@asynchronous
async def test_a_new_connection_replaces_the_old_one():
    async with CentralSystem() as central, booted(central) as old, connected(central) as new:
        with pytest.raises(websockets.ConnectionClosed):
            await old.read()
        assert (await new.request("Heartbeat", {}))[0] == 3
        assert central.chargers["CP1"].connected


@asynchronous
async def test_raw_and_double_answers_can_be_sent():
    async with CentralSystem() as central, booted(central) as client:
        charger = central.chargers["CP1"]
        await charger.send("garbage")
        await charger.send(b"\x00")
        await charger.send(charger.frames[1].text)
        received = [await client.socket.recv() for _ in range(3)]
        assert received[:2] == ["garbage", b"\x00"] and json.loads(received[2])[1] == "id-1"


@asynchronous
async def test_wait_for_says_what_came_instead():
    async with CentralSystem() as central, booted(central):
        charger = central.chargers["CP1"]
        with pytest.raises(TimeoutError, match="BootNotification"):
            await charger.wait_for(lambda c: c.transactions, timeout=0.02)


def test_a_port_in_use_is_said_in_words():
    async def twice():
        async with CentralSystem() as first, CentralSystem(port=first.port):
            pass

    with pytest.raises(PilotwireError, match=r"cannot listen.*address already in use.*--port"):
        asyncio.run(twice())


def test_logs_are_bounded_and_count_what_they_lost():
    log = Bounded(limit=100)
    for number in range(250):
        log.append(number)
    assert len(log) <= 100 and log[-1] == 249 and log.dropped + len(log) == 250
