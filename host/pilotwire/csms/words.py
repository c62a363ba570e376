"""Says requests and answers in a few words for the timeline; what does not fit is shown as JSON."""

from __future__ import annotations

from typing import Any

from pilotwire.csms.schemas import dumps

_MOST = 120

# action -> template over its payload; an action or field that is not here falls back to JSON.
_REQUESTS = {
    "Authorize": "tag {idTag}",
    "BootNotification": "{chargePointVendor} {chargePointModel}",
    "ChangeConfiguration": "{key}={value}",
    "Heartbeat": "",
    "RemoteStartTransaction": "tag {idTag}",
    "RemoteStopTransaction": "transaction {transactionId}",
    "StartTransaction": "connector {connectorId}, tag {idTag}, meter {meterStart} Wh",
    "StatusNotification": "connector {connectorId} {status}",
    "StopTransaction": "transaction {transactionId}, meter {meterStop} Wh",
}


def request(action: str, payload: Any) -> str:
    """`StatusNotification connector 1 Charging`: one line for a request, valid or not."""
    if action == "MeterValues":
        text = _meter_values(payload)
    elif action in _REQUESTS:
        try:
            if str(payload.get("key")).lower() == "authorizationkey":
                payload = {**payload, "value": "..."}  # a timeline is shown to others
            text = _REQUESTS[action].format_map(payload)
        except (KeyError, TypeError, AttributeError):
            text = _short(payload)
        text += _extras(action, payload)
    else:
        text = _short(payload)
    return f"{action} {text}".rstrip()


def answer(payload: Any) -> str:
    """`Accepted`, `Accepted, transaction 7`, `ok` for an empty answer, JSON for the rest."""
    if payload == {}:
        return "ok"
    if not isinstance(payload, dict):
        return _short(payload)
    status = payload.get("status") or (payload.get("idTagInfo") or {}).get("status")
    if "transactionId" in payload:
        return f"{status}, transaction {payload['transactionId']}"
    if set(payload) == {"currentTime"}:
        return str(payload["currentTime"])
    return str(status) if status else _short(payload)


def _extras(action: str, payload: Any) -> str:
    if not isinstance(payload, dict):
        return ""
    if action == "StopTransaction":
        return f", reason {payload.get('reason', 'Local')}"
    if action == "StatusNotification" and payload.get("errorCode") != "NoError":
        return f", {payload.get('errorCode')} {payload.get('info', '')}".rstrip()
    return ""


def _meter_values(payload: Any) -> str:
    """Every value of the last sample."""
    try:
        sample = payload["meterValue"][-1]
        values = ", ".join(_value(value) for value in sample["sampledValue"])
        text = f"connector {payload['connectorId']}: {values}"
    except (KeyError, TypeError, LookupError, AttributeError):
        return _short(payload)
    return text if len(text) <= _MOST else text[: _MOST - 1] + "…"


def _value(value: dict[str, Any]) -> str:
    """`16.0 A L1`; without measurand and unit it is an energy register in Wh (OCPP 1.6, 7.43)."""
    unit = value.get("unit", "" if "measurand" in value else "Wh")
    return " ".join(part for part in (value["value"], unit, value.get("phase", "")) if part)


def _short(payload: Any) -> str:
    try:
        text = dumps(payload)
    except (TypeError, ValueError):
        text = repr(payload)
    return text if len(text) <= _MOST else text[: _MOST - 1] + "…"
