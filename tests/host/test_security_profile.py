"""Security profile and key of Basic auth: what the network may change, what is asked of a connection, and the way back."""

import asyncio
import base64
import json

import pytest
from ocpp16 import address, connecting, security_trial
from paper_charger import compact_schemas, ocpp_bench  # noqa: F401 (a fixture)
from small_ca import Ca, utc

from pilotwire.csms.frames import CALL  # noqa: F401 (the host package and the firmware side by side)

KEY = "00112233445566778899aabbccddeeff"
OTHER = "ff" * 20
T0 = utc(ocpp_bench.T0)


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """Function: settings -> a charger that is accepted."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()

    def start(**settings):
        settings.setdefault("CentralSystemURL", "ws://csms.example/ocpp")
        bench = ocpp_bench.Bench(events=3, ChargePointId="CP 1", **settings)
        bench.connect()
        bench.run(1)
        bench.sent.clear()
        return bench

    return start


def change(bench, key, value):
    """The status that ChangeConfiguration is answered with, at once or by a job."""

    async def ask():
        before = len(bench.replies)
        bench.cp.receive(json.dumps([2, f"cs-{before}", "ChangeConfiguration", {"key": key, "value": value}]), bench.clock.ms)
        while bench.cp.rpc.deferred:
            await asyncio.sleep(0)
        bench.exchange()
        return bench.replies[before][2]["status"]

    return asyncio.run(ask())


def get(bench, key):
    return bench.call("GetConfiguration", {"key": [key]})


def reconnects(bench):
    """Does the connection have to be made anew? Makes it then, as Connection does."""
    wanted, bench.cp.reconnect = bench.cp.reconnect, False
    if wanted:
        bench.disconnect()
    return wanted


def up(bench):
    connecting.worked(bench.cp)
    bench.connect()


def give_certificates(bench, root=True, own=True, root_days=(-1, 99), own_days=(-1, 99)):
    ca = Ca("Root", T0, days=root_days)
    if root:
        bench.store.write("root1.der", ca.der)
    if own:
        key, certificate = ca.leaf("CP 1", "Operator", days=own_days)
        bench.store.write("client.der", certificate)
        bench.store.write("client.key", key)


def log(bench):
    from ocpp16 import security_log

    return [(name, text) for _, _, name, text in security_log.records(bench.cp, False)]


# req: SEC-AUTH-02
@pytest.mark.parametrize(
    "value, status",
    [
        (KEY, "Accepted"),
        (KEY.upper(), "Accepted"),
        ("ab" * 20, "Accepted"),
        ("ab" * 18, "Accepted"),
        ("0123456789abcdef", "Accepted"),  # characters, as some tools send them
        ("~passwordOf20Chars!!", "Accepted"),
        ("", "Rejected"),
        ("short", "Rejected"),
        ("ab" * 15, "Rejected"),
        ("ab" * 16 + "a", "Rejected"),
        ("ab" * 21, "Rejected"),
        ("zz" * 16, "Rejected"),
        ("with blanks in it", "Rejected"),
    ],
)
def test_the_forms_of_a_key(bench, value, status):
    b = bench()
    assert change(b, "AuthorizationKey", value) == status
    assert b.cp.settings.get("AuthorizationKey") == (value if status == "Accepted" else "")


# req: SEC-AUTH-03, CFG-04
# Written, never read: in no answer, no event, no line of the log.
def test_the_key_is_never_shown(bench):
    b = bench(SecurityProfile="1", AuthorizationKey=KEY)
    assert change(b, "AuthorizationKey", OTHER) == "Accepted"
    assert change(b, "AuthorizationKey", "zz" * 16) == "Rejected"
    assert get(b, "AuthorizationKey") == {"configurationKey": [{"key": "AuthorizationKey", "readonly": False}]}
    everything = repr((b.call("GetConfiguration", {}), log(b), b.lines, b.sent)).lower()
    assert KEY not in everything and OTHER not in everything and "zzzz" not in everything
    assert ("ReconfigurationOfSecurityParameters", "AuthorizationKey") in log(b)


# req: SEC-AUTH-01, SEC-PROF-01, SEC-PROF-04, J-URL-02
# (profile, URL, key) -> (TLS, port for the Host header, Basic)
@pytest.mark.parametrize(
    "profile, url, key, tls, port, basic",
    [
        (0, "ws://h/o", KEY, False, None, False),  # it would be shown in clear
        (0, "wss://h/o", KEY, True, None, True),
        (0, "wss://h/o", "", True, None, False),
        (1, "ws://h/o", KEY, False, None, True),
        (1, "wss://h/o", KEY, False, None, True),
        (2, "ws://h/o", KEY, True, None, True),
        (2, "ws://h:8443/o", KEY, True, 8443, True),
        (3, "ws://h/o", KEY, True, None, False),
        (3, "WSS://h/o", KEY, True, None, False),
    ],
)
def test_what_a_profile_asks_of_a_connection(bench, profile, url, key, tls, port, basic):
    b = bench(SecurityProfile=str(profile), AuthorizationKey=key, CentralSystemURL=url)
    found = address.of(b.cp)
    assert (found[0], found[1], found[3], found[4]) == (tls, "h", "/o/CP%201", port)
    assert found[2] == (port or (443 if tls else 80))
    wanted = base64.b64encode(b"CP 1:" + bytes.fromhex(key)).decode()
    assert found[5] == ((("Authorization", f"Basic {wanted}"),) if basic else ())


# req: SEC-AUTH-01
def test_a_profile_without_its_key_does_not_connect(bench):
    b = bench(SecurityProfile="1")
    with pytest.raises(ValueError, match="AuthorizationKey"):
        address.of(b.cp)


# req: SEC-PROF-02
@pytest.mark.parametrize(
    "now, wanted, given, status",
    [
        ("0", "1", {}, "Rejected"),
        ("0", "1", {"key": KEY}, "Accepted"),
        ("0", "2", {"key": KEY}, "Rejected"),
        ("0", "2", {"key": KEY, "root": True}, "Accepted"),
        ("0", "2", {"root": True}, "Rejected"),
        ("1", "2", {"key": KEY, "root": True, "root_days": (-9, -1)}, "Rejected"),
        ("0", "3", {"root": True}, "Rejected"),
        ("0", "3", {"own": True}, "Rejected"),
        ("0", "3", {"root": True, "own": True}, "Accepted"),
        ("2", "3", {"root": True, "own": True, "own_days": (-9, -1)}, "Rejected"),
        ("2", "2", {"key": KEY, "root": True}, "Rejected"),
        ("2", "1", {"key": KEY, "root": True}, "Rejected"),
        ("3", "0", {"key": KEY, "root": True, "own": True}, "Rejected"),
        ("0", "4", {"key": KEY}, "Rejected"),
        ("0", "-1", {"key": KEY}, "Rejected"),
        ("0", "one", {"key": KEY}, "Rejected"),
        ("0", "", {"key": KEY}, "Rejected"),
    ],
)
def test_only_upwards_and_only_with_what_it_needs(bench, now, wanted, given, status):
    given = dict(given)
    b = bench(SecurityProfile=now, AuthorizationKey=given.pop("key", ""))
    give_certificates(b, **{"root": False, "own": False, **given})
    assert change(b, "SecurityProfile", wanted) == status
    assert reconnects(b) == (status == "Accepted")
    value = get(b, "SecurityProfile")["configurationKey"][0]["value"] if b.cp.online else None
    assert value in (None, now)
    assert b.cp.settings.get("SecurityProfile") == int(wanted if status == "Accepted" else now)


# req: SEC-PROF-02
# The change of profile waits for an answer that is on its way, keeps the transaction, and sends no BootNotification.
def test_a_new_profile_keeps_what_runs(bench):
    b = bench(AuthorizationKey=KEY)
    b.plug()
    b.present("A")
    b.charge(100)
    assert change(b, "SecurityProfile", "1") == "Accepted"
    assert reconnects(b)
    b.charge(100)
    up(b)
    b.present("A")
    b.run(2)
    assert b.actions("BootNotification", "StartTransaction", "StopTransaction") == ["StartTransaction", "StopTransaction"]
    assert len({p["transactionId"] for p in b.payloads("StopTransaction")}) == 1


# req: SEC-PROF-03
# Three failed tries, also over a power cut: the old profile again, which GetConfiguration shows.
@pytest.mark.parametrize("cut", [False, True])
def test_back_when_nobody_lets_us_in(bench, cut):
    b = bench(AuthorizationKey=KEY)
    b.settings.clear()
    change(b, "SecurityProfile", "1")
    reconnects(b)
    security_trial.failed(b.cp, "", "no answer")
    if cut:
        b.cut()
        b.start()
        assert b.cp.settings.get("SecurityProfile") == 1
        security_trial.failed(b.cp, "", "no answer")
    security_trial.failed(b.cp, "", "no answer")
    assert b.cp.settings.get("SecurityProfile") == 1
    security_trial.failed(b.cp, "", "no answer")
    assert b.cp.settings.get("SecurityProfile") == 0
    up(b)
    assert get(b, "SecurityProfile")["configurationKey"][0]["value"] == "0"


# req: SEC-PROF-03
# Once it worked the old one is gone for good, however many tries fail afterwards.
def test_no_way_back_after_success(bench):
    b = bench(AuthorizationKey=KEY)
    change(b, "SecurityProfile", "1")
    reconnects(b)
    up(b)
    b.disconnect()
    for _ in range(10):
        security_trial.failed(b.cp, "401", "refused")
    assert b.cp.settings.get("SecurityProfile") == 1


# req: SEC-AUTH-03
@pytest.mark.parametrize(
    "settings, used",
    [
        ({"SecurityProfile": "1"}, True),
        ({"SecurityProfile": "2"}, True),
        ({"CentralSystemURL": "wss://h"}, True),
        ({}, False),
        ({"SecurityProfile": "3"}, False),
    ],
)
def test_a_new_key_reconnects_where_it_is_used(bench, settings, used):
    b = bench(AuthorizationKey=KEY, **settings)
    assert change(b, "AuthorizationKey", OTHER) == "Accepted"
    assert reconnects(b) == used
    assert change(b, "AuthorizationKey", OTHER) == "Accepted" if b.cp.online else True


# req: CORE-BOOT-10
# Pending, and a new key: answered, then reconnected; BootNotification again only when its interval is over.
def test_a_new_key_while_pending(bench):
    b = bench(SecurityProfile="1", AuthorizationKey=KEY)
    b.cut()
    pending = {"status": "Pending", "currentTime": "2026-11-22T10:00:00Z", "interval": 60}
    b.answers["BootNotification"] = lambda payload: pending
    b.start()
    b.connect()
    b.sent.clear()
    assert change(b, "AuthorizationKey", OTHER) == "Accepted" and reconnects(b)
    up(b)
    b.run(30)
    assert b.actions() == []
    b.run(40)
    assert b.actions() == ["BootNotification"]


# req: SEC-AUTH-03
# A central system that never took the new key lets us in with the old one; whichever works stays.
def test_old_and_new_key_in_turns(bench):
    b = bench(SecurityProfile="1", AuthorizationKey=KEY)
    b.settings.clear()
    change(b, "AuthorizationKey", OTHER)
    reconnects(b)
    security_trial.failed(b.cp, "", "no answer")
    assert b.cp.settings.get("AuthorizationKey") == OTHER, "silence says nothing of the key"
    security_trial.failed(b.cp, "401", "refused")
    assert b.cp.settings.get("AuthorizationKey") == KEY
    b.cut()
    b.start()
    security_trial.failed(b.cp, "401", "refused")
    assert b.cp.settings.get("AuthorizationKey") == OTHER
    up(b)
    b.disconnect()
    security_trial.failed(b.cp, "401", "refused")
    assert b.cp.settings.get("AuthorizationKey") == OTHER
    assert ("FailedToAuthenticateAtCentralSystem", "refused") in log(b)


# req: SEC-PROF-06
# Nothing that comes by OCPP lowers it: no key, no vendor key, no DataTransfer.
def test_never_lowered(bench):
    b = bench(SecurityProfile="2", AuthorizationKey=KEY, CentralSystemURL="wss://csms.example")
    give_certificates(b, own=False)
    for key, value, status in [
        ("AuthorizationKey", "", "Rejected"),
        ("SecurityProfile", "1", "Rejected"),
        ("CentralSystemURL", "ws://csms.example", "NotSupported"),
        ("ChargePointId", "other", "NotSupported"),
        ("TlsRsaWhileCharging", "true", "NotSupported"),
        ("SntpServer", "evil.example", "NotSupported"),
        ("AdditionalRootCertificateCheck", "false", "Rejected"),
        ("CertificateStoreMaxLength", "0", "Rejected"),
    ]:
        assert change(b, key, value) == status, key
    assert b.call("DataTransfer", {"vendorId": "org.pilotwire", "messageId": "FactoryReset"})["status"] == "UnknownMessageId"
    found = address.of(b.cp)
    assert found[0] and found[5]


# req: SEC-EVT-02, SEC-TLS-03, SEC-PROF-05
# Each kind of failure has its event, once for a row of tries.
@pytest.mark.parametrize(
    "kind, event",
    [
        ("401", "FailedToAuthenticateAtCentralSystem"),
        ("client", "FailedToAuthenticateAtCentralSystem"),
        ("asked", "CentralSystemFailedToAuthenticate"),
        ("chain", "InvalidCentralSystemCertificate"),
        ("host", "InvalidCentralSystemCertificate"),
        ("date", "InvalidCentralSystemCertificate"),
        ("version", "InvalidTLSVersion"),
        ("suite", "InvalidTLSCipherSuite"),
        ("", None),
        ("503", None),
    ],
)
def test_events_of_failures(bench, kind, event):
    b = bench()
    for _ in range(5):
        security_trial.failed(b.cp, kind, "why")
    assert [name for name, text in log(b) if text == "why"] == ([event] if event else [])
    connecting.worked(b.cp)
    security_trial.failed(b.cp, kind, "why")
    assert len([name for name, text in log(b) if text == "why"]) == (2 if event else 0)
