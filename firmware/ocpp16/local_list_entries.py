# Cold: reads a SendLocalList as it arrives, entry by entry, so that neither its text nor what JSON makes of it is ever in RAM.
#
# Each entry becomes what it is on flash (see local_list), a fifth of the size; one that is to be removed, its key only.
import json
from struct import pack

from ocpp16 import large_messages, schema
from ocpp16.errors import OcppError
from ocpp16.local_list import ENTRY_SIZE, STATUSES, TAG_SIZE, key_of
import iso8601

_LIST = b'"localAuthorizationList"'
_LONGEST = 2048  # bytes of an entry, and of all that is not the list; blanks and escapes are bytes, too
_END = 256  # bytes that are kept of what comes after an error
_BLANKS = b" \r\n\t"


class Reader:
    """Takes pieces of the text; end() is the message then."""

    limit = 262144  # bytes, of which few are kept

    def __init__(self, cp):
        self._most = cp.settings.get("SendLocalListMaxLength") + 1  # no more than shows that there are too many
        spec = schema.find("SendLocalList")
        status = spec[spec.index("#") : spec.index("}")]
        # With the words themselves: their line is not to be looked for on flash with each entry. Nor is a date to be read twice.
        self._spec = spec.replace(status, "(" + schema.find(status) + ")").replace("expiryDate?d", "expiryDate?s")
        self._packed = ()  # or list, the OcppError that the list is, or None: this is no JSON
        self._head = b""  # up to the list and its bracket
        self._rest = b""  # what has arrived and is not looked at yet
        self._look = self._before

    def take(self, piece):
        """The next bytes, in UTF-8 and cut anywhere."""
        try:
            self._rest += piece
            while self._look():
                pass
        except OcppError as e:
            self._packed, self._look = e, self._skip
        except (ValueError, MemoryError) as e:
            self._packed = OcppError("InternalError", "no memory") if isinstance(e, MemoryError) else None
            self._look = self._skip

    def end(self):
        """The message as json.loads has it, with an empty list, and in its payload "packed": the entries as bytes, None for one
        that can not be on the list; or the OcppError that they are. b"" if it can not be read."""
        rest, packed = self._rest, self._packed
        if isinstance(packed, OcppError):
            rest = rest[max(0, rest.rfind(b"]", 0, rest.rfind(b"]"))) :]
        return b"" if packed is None else large_messages.frame(self._head + rest, packed)

    # -- what is looked for in the text; True if there may be more of it in what is there

    def _before(self):
        rest = self._rest
        at = rest.find(_LIST)
        value = rest[at + len(_LIST) :].lstrip(_BLANKS + b":") if at >= 0 else b""
        if value[:1] == b"[":
            self._head, self._rest = rest[: len(rest) - len(value) + 1], value[1:]
            self._packed, self._look = [], self._entry
            return True
        if value:  # no list, which the schema refuses
            self._look = self._plain
        return self._plain()

    def _plain(self):
        if len(self._rest) > _LONGEST:
            raise ValueError
        return False

    def _entry(self):
        self._rest = rest = self._rest.lstrip(_BLANKS + b",")
        if rest[:1] == b"]":
            self._look = self._plain
            return True
        if rest and rest[:1] != b"{":
            raise OcppError("TypeConstraintViolation", "localAuthorizationList")
        end = rest.find(b"}") + 1
        while end:
            try:
                entry = json.loads(rest[:end])
            except ValueError:
                end = rest.find(b"}", end) + 1  # not this one makes it whole
                continue
            self._rest = rest[end:]
            schema.check_value(self._spec, self._spec.index("[") + 1, entry, "localAuthorizationList")
            if len(self._packed) < self._most:  # type: ignore
                self._packed.append(_pack(entry))  # type: ignore
            return True
        return self._plain()

    def _skip(self):
        self._rest = self._rest[-_END:]
        return False


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
    if info.get("expiryDate") is not None:
        try:
            expiry = min(max(1, iso8601.parse(info["expiryDate"])), 0xFFFFFFFF)
        except ValueError:
            raise OcppError("PropertyConstraintViolation", "localAuthorizationList.idTagInfo.expiryDate")
    data = key + pack("<BIB", STATUSES.index(info["status"]), expiry, len(parent)) + parent
    return data + bytes(ENTRY_SIZE - len(data))
