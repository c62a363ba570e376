"""Compact schemas of OCPP 1.6 for the charger, made from the OCA's JSON schemas (they ship in PyPI `ocpp`).

    text = generate()                # ocpp16/schemas.txt on the flash, at most 8 KB

One line each, `NAME TYPE`. NAME is an action for its request ("Reset"), "Reset.conf" for its answer, and "#Name"
for an enumeration that several messages share, which then has its values instead of a type.

    line    = name " " type | "#" name " " values
    type    = object | array | enum | scalar
    object  = "{" [ field { "," field } ] "}"
    field   = name ( "!" | "?" ) type        "!" must be there, "?" may be
    array   = "[" type "]" [ "+" ]           "+" at least one element
    enum    = "(" values ")" | "#" name      case matters
    values  = value { "|" value }
    scalar  = "s" [ digits ]                 string, of at most so many characters
            | "i"                            integer
            | "n"                            number, a multiple of 0.1
            | "b"                            true or false
            | "d"                            string, date-time of RFC 3339

Names are letters, digits and "_"; a value has none of `|(),{}[]#`. No type holds a space. Objects have no other
fields than these (`additionalProperties` is false in every schema). Requests that a charge point receives come
first, then the answers that it receives, then the enumerations, then what it sends: the file is read from its start.
"""

import functools
import json
import re
from collections import Counter
from importlib import resources
from typing import Any

from pilotwire.errors import PilotwireError

# What the central system asks of a charge point; every other action goes the other way, DataTransfer both.
RECEIVED = frozenset(
    """CancelReservation CertificateSigned ChangeAvailability ChangeConfiguration ClearCache ClearChargingProfile
    DataTransfer DeleteCertificate ExtendedTriggerMessage GetCompositeSchedule GetConfiguration GetDiagnostics
    GetInstalledCertificateIds GetLocalListVersion GetLog InstallCertificate RemoteStartTransaction
    RemoteStopTransaction ReserveNow Reset SendLocalList SetChargingProfile SignedUpdateFirmware TriggerMessage
    UnlockConnector UpdateFirmware""".split()
)

MAX_BYTES = 8192


def load() -> dict[str, dict[str, Any]]:
    """The JSON schemas: {"Reset": request, "Reset.conf": answer}, 39 actions."""
    try:
        folder = resources.files("ocpp.v16") / "schemas"
        files = {f.name: f.read_text("utf-8-sig") for f in folder.iterdir() if f.name.endswith(".json")}
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise PilotwireError(
            "cannot make the compact schemas",
            f"PyPI ocpp has no OCPP 1.6 schemas: {error}",
            "pip install ocpp==2.1.*",
        )
    found = {}
    for name, text in sorted(files.items()):
        stem = name.removesuffix(".json")
        key = stem.removesuffix("Response") + ".conf" if stem.endswith("Response") else stem
        found[key] = json.loads(text)
    for action in ("TriggerMessage", "ExtendedTriggerMessage"):
        # A name that is not in the list is answered with the status NotImplemented, not with an error (TRG-01).
        found[action]["properties"]["requestedMessage"] = {"type": "string"}
    return found


@functools.cache
def generate() -> str:
    """The whole file, see the head of this module."""
    messages = load()
    enums: Counter[tuple[str, str]] = Counter()
    for schema in messages.values():
        _compact(schema, schema.get("definitions", {}), "", enums)
    names = _named(enums)
    lines = {
        name: _compact(schema, schema.get("definitions", {}), "", Counter(), names) for name, schema in messages.items()
    }
    order = sorted(lines, key=lambda name: (_group(name), name))
    shared = [f"{name} {values}" for values, name in sorted(names.items(), key=lambda item: item[1])]
    heard = [name for name in order if _group(name) < 2]
    said = [name for name in order if _group(name) == 2]
    out = [f"{name} {lines[name]}" for name in heard] + shared + [f"{name} {lines[name]}" for name in said]
    text = "\n".join(out) + "\n"
    if len(text) > MAX_BYTES:
        raise PilotwireError("the compact schemas are too large", f"{len(text)} bytes of {MAX_BYTES}")
    return text


def _group(name: str) -> int:
    action, _, answer = name.partition(".")
    if action in RECEIVED and not answer:
        return 0
    if answer and (action not in RECEIVED or action == "DataTransfer"):
        return 1
    return 2


def _named(enums: Counter[tuple[str, str]]) -> dict[str, str]:
    """{values: "#Name"} for the enumerations whose own line makes the file smaller."""
    uses: Counter[str] = Counter()
    field: dict[str, str] = {}
    for (values, name), count in sorted(enums.items()):
        uses[values] += count
        field.setdefault(values, name)
    names: dict[str, str] = {}
    for values, count in sorted(uses.items(), key=lambda item: (-item[1] * len(item[0]), item[0])):
        # The last word of the field is enough: "#Purpose" of chargingProfilePurpose.
        name = "#" + re.split("(?=[A-Z])", field[values][0].upper() + field[values][1:])[-1]
        number = 2
        while name in names.values():
            name, number = name.rstrip("0123456789") + str(number), number + 1
        if count * (len(values) + 2) > count * len(name) + len(name) + len(values) + 2:
            names[values] = name
    return names


def _compact(
    schema: dict[str, Any],
    definitions: dict[str, Any],
    field: str,
    enums: Counter[tuple[str, str]],
    names: dict[str, str] | None = None,
) -> str:
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if "enum" in schema:
        values = "|".join(schema["enum"])
        enums[values, field] += 1
        return (names or {}).get(values) or f"({values})"
    kind = schema["type"]
    if kind == "object":
        if schema.get("additionalProperties") is not False:
            raise PilotwireError(f"the schema of {field or 'a message'} is open", "the grammar has no sign for it")
        required = schema.get("required", [])
        fields = ",".join(
            name + ("!" if name in required else "?") + _compact(inner, definitions, name, enums, names)
            for name, inner in schema.get("properties", {}).items()
        )
        return f"{{{fields}}}"
    if kind == "array":
        inner = _compact(schema["items"], definitions, field, enums, names)
        return f"[{inner}]" + ("+" if schema.get("minItems") else "")
    if kind == "string":
        if schema.get("format") == "date-time":
            return "d"
        return f"s{schema['maxLength']}" if "maxLength" in schema else "s"
    return {"integer": "i", "number": "n", "boolean": "b"}[kind]
