"""Judges payloads by the OCA's JSON schemas, which ship in PyPI `ocpp`.

Not `ocpp.messages.get_validator`: it keeps one cache for float and decimal schemas, so that
whoever asks first decides how 16.1 is read, and binary floats fail `multipleOf: 0.1`. Here
schema and payload are decimals throughout, and date-time is checked, which jsonschema leaves out
by default.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft4Validator, FormatChecker

from pilotwire.csms.frames import CALL

FROM_CHARGER = {
    "Authorize",
    "BootNotification",
    "DataTransfer",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "LogStatusNotification",
    "MeterValues",
    "SecurityEventNotification",
    "SignCertificate",
    "SignedFirmwareStatusNotification",
    "StartTransaction",
    "StatusNotification",
    "StopTransaction",
}

ERROR_CODES = {
    "FormationViolation",
    "GenericError",
    "InternalError",
    "NotImplemented",
    "NotSupported",
    "OccurenceConstraintViolation",
    "PropertyConstraintViolation",
    "ProtocolError",
    "SecurityError",
    "TypeConstraintViolation",
}

# Which CALLERROR answers which broken rule (OCPP-J 1.6, table of error codes).
_CODES = {
    "type": "TypeConstraintViolation",
    "maxLength": "PropertyConstraintViolation",
    "enum": "PropertyConstraintViolation",
    "multipleOf": "PropertyConstraintViolation",
    "format": "PropertyConstraintViolation",
    "minItems": "OccurenceConstraintViolation",
    "required": "ProtocolError",
}

_formats = FormatChecker(formats=())


@_formats.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    """RFC 3339 with an offset: a local time without one is what chargers get wrong."""
    if not isinstance(value, str):
        return True
    return "T" in value and datetime.fromisoformat(value).tzinfo is not None


def loads(text: str) -> Any:
    """JSON with decimals for fractions; ValueError for all else, NaN and Infinity included."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is not JSON")

    return json.loads(text, parse_float=Decimal, parse_constant=refuse)


def dumps(message: Any) -> str:
    """The compact JSON of a message; decimals and floats leave as plain numbers."""
    return json.dumps(message, separators=(",", ":"), default=_plain, ensure_ascii=False)


def _plain(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


@cache
def _validator(name: str) -> Draft4Validator | None:
    path = files("ocpp") / "v16" / "schemas" / f"{name}.json"
    # The name comes from the wire: letters only, so that it cannot leave the folder.
    if not (name.isascii() and name.isalpha()) or not path.is_file():
        return None
    return Draft4Validator(loads(path.read_text("utf-8-sig")), format_checker=_formats)


def problem(kind: int, action: str, payload: Any) -> tuple[str, str] | None:
    """What is wrong with a payload.

    Args:
        kind: 2 for a request, 3 for its response.
        action: the action, as on the wire; may be nonsense.
        payload: as `loads` gives it.

    Returns:
        None when it is valid, else (code for a CALLERROR, sentence for a person).
    """
    validator = _validator(action if kind == CALL else action + "Response")
    if validator is None:
        return "NotImplemented", f"{action!r} is no action of OCPP 1.6"
    worst = next(iter(sorted(validator.iter_errors(payload), key=lambda e: len(e.path))), None)
    if worst is None:
        return None
    where = ".".join(str(part) for part in worst.absolute_path) or "payload"
    code = _CODES.get(str(worst.validator), "FormationViolation")
    return code, f"{action} {where}: {worst.message[:300]}"
