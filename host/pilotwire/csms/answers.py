"""What the central system answers by itself, one function per action: data in, payload out.

A test puts its own callable into `CentralSystem.answer[action]`; it may call `default` for the
usual answer and change it. Nothing is written down here: the charger's book is kept by `charger`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pilotwire.csms.charger import Charger

Payload = dict[str, Any]


def utc(seconds: float) -> str:
    """UTC as OCPP writes it, `2026-11-22T10:00:00.028Z`, from seconds since 1970."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def tag_info(charger: Charger, tag: str) -> Payload:
    """The idTagInfo of a tag: from `CentralSystem.tags` (any case), Accepted otherwise."""
    known = {name.upper(): info for name, info in charger.central.tags.items()}
    return dict(known.get(tag.upper(), {"status": "Accepted"}))


def _authorize(charger: Charger, payload: Payload) -> Payload:
    return {"idTagInfo": tag_info(charger, payload["idTag"])}


def _boot(charger: Charger, _payload: Payload) -> Payload:
    central = charger.central
    return {
        "status": central.registration,
        "currentTime": utc(central.clock()),
        "interval": central.interval,
    }


def _heartbeat(charger: Charger, _payload: Payload) -> Payload:
    return {"currentTime": utc(charger.central.clock())}


def _start(charger: Charger, payload: Payload) -> Payload:
    transaction = charger.book.find(payload)
    return {
        "idTagInfo": tag_info(charger, payload["idTag"]),
        "transactionId": transaction.id if transaction else 0,
    }


def _stop(charger: Charger, payload: Payload) -> Payload:
    if "idTag" in payload:
        return {"idTagInfo": tag_info(charger, payload["idTag"])}
    return {}


def _data_transfer(_charger: Charger, _payload: Payload) -> Payload:
    return {"status": "UnknownVendorId"}


def _sign(_charger: Charger, _payload: Payload) -> Payload:
    return {"status": "Rejected"}


def _nothing(_charger: Charger, _payload: Payload) -> Payload:
    return {}


_ANSWERS: dict[str, Callable[[Charger, Payload], Payload]] = {
    "Authorize": _authorize,
    "BootNotification": _boot,
    "DataTransfer": _data_transfer,
    "Heartbeat": _heartbeat,
    "SignCertificate": _sign,
    "StartTransaction": _start,
    "StopTransaction": _stop,
}


def default(charger: Charger, action: str, payload: Payload) -> Payload:
    """The usual answer to a valid request."""
    return _ANSWERS.get(action, _nothing)(charger, payload)
