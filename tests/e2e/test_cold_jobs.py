"""What a job needed is free again after it: the live heap of the whole wallbox before and after each order.

The heap is what the firmware reports after a collection, in bytes of the chip. Each job is done twice and judged by the second
time: what the first one leaves is what is kept once, such as the names of its modules.
"""

import contextlib
import datetime
import json

import pytest
import transfer_peers as peers
import update_kit as kit
from small_ca import Ca

from pilotwire import build
from pilotwire.csms import CallError
from pilotwire.publish import statuses

KEPT = 1024  # bytes of the chip
CENTRAL = "CentralSystemRootCertificate"
UNKNOWN = {"hashAlgorithm": "SHA256", "issuerNameHash": "0" * 64, "issuerKeyHash": "0" * 64, "serialNumber": "1"}
LIST = [{"idTag": f"Authorization-{k:06d}", "idTagInfo": {"status": "Accepted"}} for k in range(100)]
PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 60 * k, "limit": 6 + k} for k in range(24)],
    },
}
LATER = "2036-01-01T00:00:00Z"
# Action -> payload; where it leaves something that lasts, what takes it away is the next one's.
ORDERS = [
    ("GetConfiguration", {}),
    ("ChangeConfiguration", {"key": "MeterValuesSampledData", "value": "Energy.Active.Import.Register"}),
    ("ChangeAvailability", {"connectorId": 1, "type": "Operative"}),
    ("ClearCache", {}),
    ("DataTransfer", {"vendorId": "org.nobody", "data": "x" * 1000}),
    ("UnlockConnector", {"connectorId": 1}),
    ("RemoteStopTransaction", {"transactionId": 12345}),
    ("SendLocalList", {"listVersion": 1, "updateType": "Full", "localAuthorizationList": LIST}),
    ("GetLocalListVersion", {}),
    ("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": PROFILE}),
    ("GetCompositeSchedule", {"connectorId": 1, "duration": 86400}),
    ("ClearChargingProfile", {}),
    ("ReserveNow", {"connectorId": 1, "expiryDate": LATER, "idTag": "A", "reservationId": 1}),
    ("CancelReservation", {"reservationId": 1}),
    ("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1}),
    ("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"}),
    ("CertificateSigned", {"certificateChain": "MIIB"}),
    ("InstallCertificate", {"certificateType": CENTRAL, "certificate": None}),
    ("GetInstalledCertificateIds", {"certificateType": CENTRAL}),
    ("DeleteCertificate", {"certificateHashData": UNKNOWN}),
    ("GetDiagnostics", {"location": "%s/up/", "retries": 0}),
    ("GetLog", {"logType": "SecurityLog", "requestId": 1, "log": {"remoteLocation": "%s/up/"}, "retries": 0}),
    ("UpdateFirmware", {"location": "%s/missing", "retrieveDate": "2026-01-01T00:00:00Z", "retries": 0}),
    ("SignedUpdateFirmware", {
        "requestId": 1, "retries": 0, "firmware": {
            "location": "%s/missing", "retrieveDateTime": "2026-01-01T00:00:00Z", "signingCertificate": "x", "signature": "x",
        },
    }),
    # One that starts nothing, as the tag may not: what a transaction keeps is no cold job's. The last one restarts it.
    ("RemoteStartTransaction", {"idTag": "BLOCKED", "connectorId": 1}),
]  # fmt: skip
RESTARTS = {"Reset"}


async def live(bench) -> int:
    """Live heap once nothing goes on any more; a cable makes the box report it."""
    await bench.passes(12)
    for word in ("plug", "unplug"):
        await bench.do(word)
        await bench.passes(3)
    await bench.do("wait", until={"queue": 0}, timeout_s=60)
    return bench.box.state()["heap"]


def test_every_action_is_here():
    rows = (build.repository() / "firmware" / "ocpp16" / "profiles.txt").read_text().split("\n")
    assert {row.split()[0] for row in rows if row} == {action for action, _ in ORDERS} | RESTARTS


# Before and after each order, the second time. What is asked for beside OCPP finds nobody there.
@pytest.mark.exhaustive
async def test_orders_leave_nothing(bench):
    bench.allowed = ["E "]
    root = Ca("Root", datetime.datetime.now(datetime.UTC)).pem
    bench.central.tags["BLOCKED"] = {"status": "Blocked"}
    charger = await bench.start(settings={"CpoName": "Operator", "ChargePointSerialNumber": "SN-1"})
    with peers.web() as web:
        left = {}
        for turn in range(2):
            for action, payload in ORDERS:
                payload = json.loads(json.dumps(payload).replace("%s", web.url).replace("null", json.dumps(root)))
                before = await live(bench)  # the first time, too: not all of them at once
                with contextlib.suppress(CallError):
                    await charger.call(action, payload)
                if turn:
                    left[action] = await live(bench) - before
    assert {action: size for action, size in left.items() if size > KEPT} == {}, left


# A download that is refused at its last step, and what a start after an update leaves: no more than a start without.
@pytest.mark.exhaustive
async def test_an_update_leaves_nothing(bench):
    bench.allowed = ["E firmware:"]
    charger = await kit.start(bench)
    data = bytearray(kit.made())
    data[-1] ^= 1
    with kit.web(bytes(data)) as server:
        left = []
        for turn in range(2):
            before = await live(bench)
            await kit.update(charger, server)
            await bench.told(lambda c, turn=turn: statuses(c) == kit.REFUSED * (turn + 1), 300)
            left.append(await live(bench) - before)
    assert left[1] <= KEPT, left
