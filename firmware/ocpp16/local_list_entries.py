# Cold: reads a SendLocalList entry by entry, so that there is never more than one of them in RAM as JSON makes it.
#
# Each becomes what it is on flash (see local_list), a fifth of the size; one that is to be removed, its key only.
import json
from struct import pack

from ocpp16 import schema
from ocpp16.errors import OcppError
from ocpp16.local_list import ENTRY_SIZE, STATUSES, TAG_SIZE, key_of
import iso8601

_LIST = '"localAuthorizationList"'
_LONGEST = 2048  # characters of an entry, escapes and all


def loads(text, settings):
    """The message as json.loads has it, with an empty list, and in its payload "packed": the entries, as bytes or None for one
    that can not be on the list, no more than shows that there are too many; or the OcppError that they are."""
    start = text.find("[", text.find(_LIST) + 1)
    if _LIST not in text or text[text.find(_LIST) + len(_LIST) : start].strip() != ":":
        frame, packed = json.loads(text), ()
    else:
        try:
            packed = []
            end = _entries(text, start + 1, packed, settings.get("SendLocalListMaxLength") + 1)
        except OcppError as e:
            packed, end = e, text.rfind("]", 0, text.rfind("]"))
        frame = json.loads(text[: start + 1] + text[end:])
    if len(frame) > 3 and isinstance(frame[3], dict):
        frame[3]["packed"] = packed
    return frame


def _entries(text, at, packed, most):
    """Pack what is in the array from `at` on; the place of its end."""
    spec = schema.find("SendLocalList")
    form = spec.index("[") + 1
    while True:
        while text[at] in " ,\r\n\t":
            at += 1
        if text[at] == "]":
            return at
        if text[at] != "{":
            raise OcppError("TypeConstraintViolation", "localAuthorizationList")
        end, entry = _next(text, at)
        schema.check_value(spec, form, entry, "localAuthorizationList")
        if len(packed) < most:
            packed.append(_pack(entry))
        at = end


def _next(text, at):
    """(end, value) of the object at `at`: up to the first brace that makes it whole."""
    end = text.find("}", at) + 1
    while 0 < end <= at + _LONGEST:
        try:
            return end, json.loads(text[at:end])
        except ValueError:
            end = text.find("}", end) + 1
    raise ValueError


def _pack(entry):
    """The bytes of an entry, None if it can not be on the list."""
    info = entry.get("idTagInfo")
    key = key_of(entry["idTag"])
    if not info or not key:
        return key
    parent = (info.get("parentIdTag") or "").encode()
    if len(parent) > TAG_SIZE:
        return None
    expiry = 0
    if info.get("expiryDate"):
        expiry = min(max(1, iso8601.parse(info["expiryDate"])), 0xFFFFFFFF)
    data = key + pack("<BIB", STATUSES.index(info["status"]), expiry, len(parent)) + parent
    return data + bytes(ENTRY_SIZE - len(data))
