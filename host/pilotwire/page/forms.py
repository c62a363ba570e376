"""The forms of the page: JSON schemas of the control socket's words and of what a central system sends, with sensible values."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from pilotwire.csms import mischief, schemas
from pilotwire.sim import words

# Sent in both directions; its schema says nothing of who begins.
_BOTH = {"DataTransfer"}

# What a person would most likely type. `$now` and `$now+seconds` become times, `$transaction` the running one.
_VALUES: dict[str, dict[str, Any]] = {
    "CancelReservation": {"reservationId": 1},
    "ChangeAvailability": {"connectorId": 1, "type": "Inoperative"},
    "ChangeConfiguration": {"key": "MeterValueSampleInterval", "value": "60"},
    "DataTransfer": {"vendorId": "org.example", "data": "hello"},
    "ExtendedTriggerMessage": {"requestedMessage": "StatusNotification"},
    "GetCompositeSchedule": {"connectorId": 1, "duration": 3600, "chargingRateUnit": "A"},
    "GetDiagnostics": {"location": "$relay/upload/"},
    "GetInstalledCertificateIds": {"certificateType": "CentralSystemRootCertificate"},
    "GetLog": {"logType": "DiagnosticsLog", "requestId": 1, "log": {"remoteLocation": "$relay/upload/"}},
    "RemoteStartTransaction": {"connectorId": 1, "idTag": "C0FFEE01"},
    "RemoteStopTransaction": {"transactionId": "$transaction"},
    "ReserveNow": {"connectorId": 1, "expiryDate": "$now+3600", "idTag": "C0FFEE01", "reservationId": 1},
    "Reset": {"type": "Soft"},
    "SendLocalList": {
        "listVersion": 1, "updateType": "Full",
        "localAuthorizationList": [{"idTag": "C0FFEE01", "idTagInfo": {"status": "Accepted"}}],
    },
    "SetChargingProfile": {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {
                "chargingRateUnit": "A", "startSchedule": "$now",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}],
            },
        },
    },
    "TriggerMessage": {"requestedMessage": "StatusNotification", "connectorId": 1},
    "UnlockConnector": {"connectorId": 1},
    "UpdateFirmware": {"location": "$relay/files/", "retrieveDate": "$now"},
}  # fmt: skip


@cache
def actions() -> dict[str, dict[str, Any]]:
    """Each request of a central system: {"schema", "value"}, from the OCA's schemas."""
    found = {}
    for path in sorted((files("ocpp") / "v16" / "schemas").iterdir(), key=lambda path: path.name):
        name = path.name.removesuffix(".json")
        if name.endswith("Response") or (name in schemas.FROM_CHARGER and name not in _BOTH):
            continue
        found[name] = {"schema": json.loads(path.read_text("utf-8-sig")), "value": _VALUES.get(name, {})}
    return found


@cache
def control() -> dict[str, dict[str, Any]]:
    """Each word of the control socket: its schema without what only programs need."""
    schema = words.schema()
    found = {}
    for word in schema["oneOf"]:
        if word["title"] in ("state", "wait"):
            continue
        properties = {
            name: _resolved(form, schema)
            for name, form in word["properties"].items()
            if name != "do" and (name != "id" or form)
        }
        found[word["title"]] = {**word, "type": "object", "properties": properties}
    return found


def _resolved(form: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = form.get("$ref", "")
    return schema["$defs"][reference.rpartition("/")[2]] if reference else form


def answers() -> dict[str, Any]:
    """What can be asked of the answers: whose, how, and with which code."""
    return {
        "actions": sorted(schemas.FROM_CHARGER),
        "how": list(mischief.HOW),
        "codes": sorted(schemas.ERROR_CODES),
    }


def everything() -> dict[str, Any]:
    """All forms in one object."""
    return {"control": control(), "actions": actions(), "answers": answers()}
