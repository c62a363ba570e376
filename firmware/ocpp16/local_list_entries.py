# Cold: reads a SendLocalList as it arrives, entry by entry, so that neither its text nor what JSON makes of it is ever in RAM.
#
# Each entry becomes what it is on flash (see local_list), a fifth of the size. So many of them are sorted and go into a file,
# where local_auth_list finds run behind run; what is left, and all of a short list, stays in RAM.
import json
from struct import pack

from ocpp16 import large_messages, schema
from ocpp16.errors import OcppError
from ocpp16.local_list import ENTRY_SIZE, GONE, NEWS, RUN, STATUSES, TAG_SIZE
import iso8601

_LIST = b'"localAuthorizationList"'
_LONGEST = 2048  # bytes of an entry, and of all that is not the list; blanks and escapes are bytes, too
_END = 256  # bytes that are kept of what comes after an error
_BLANKS = b" \r\n\t"


class Reader:
    """Takes pieces of the text; end() is the message then."""

    limit = 262144  # bytes, of which few are kept

    def __init__(self, cp):
        self._store = cp.store
        self._most = cp.settings.get("SendLocalListMaxLength")
        spec = schema.find("SendLocalList")
        status = spec[spec.index("#") : spec.index("}")]
        # With the words themselves: their line is not to be looked for on flash with each entry. Nor is a date to be read twice.
        self._spec = spec.replace(status, "(" + schema.find(status) + ")").replace("expiryDate?d", "expiryDate?s")
        self._run = []  # entries that are not on flash
        self._written = 0  # those that are
        self._error = None  # what the list is in place of entries; "": this is no JSON
        self._head = b""  # up to the list and its bracket
        self._rest = b""  # what has arrived and is not looked at yet
        self._look = self._before
        cp.store.remove(NEWS)  # of a message that was cut short

    def take(self, piece):
        """The next bytes, in UTF-8 and cut anywhere."""
        try:
            self._rest += piece
            while self._look():
                pass
        except (OcppError, OSError) as e:
            self._give_up(e)
        except MemoryError:
            self._give_up(OcppError("InternalError", "no memory"))
        except ValueError:
            self._give_up("")

    def end(self):
        """The message as json.loads has it, with an empty list, and in its payload "packed": (count of the entries that are in
        the file, sorted list of the others), or the exception that says what is wrong with them: an OcppError, or another when
        they can not be kept. b"" if it can not be read."""
        rest, error = self._rest, self._error
        if error:
            rest = rest[-_END:]
            rest = rest[max(0, rest.rfind(b"]", 0, rest.rfind(b"]"))) :]
        self._run.sort()
        return b"" if error == "" else large_messages.frame(self._head + rest, error or (self._written, self._run))

    def _give_up(self, error):
        self._run = []
        self._error, self._look = error, self._skip

    # -- what is looked for in the text; True if there may be more of it in what is there

    def _before(self):
        rest = self._rest
        at = rest.find(_LIST)
        value = rest[at + len(_LIST) :].lstrip(_BLANKS + b":") if at >= 0 else b""
        if value[:1] == b"[":
            self._head, self._rest = rest[: len(rest) - len(value) + 1], value[1:]
            self._look = self._entry
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
            self._keep(packed(entry))
            return True
        return self._plain()

    def _skip(self):
        self._rest = self._rest[-_END:]
        return False

    def _keep(self, entry):
        run = self._run
        if not entry or self._written + len(run) == self._most:
            self._give_up(ValueError("an entry that can not be on the list, or more than SendLocalListMaxLength"))
            return
        run.append(entry)
        if len(run) == RUN:
            run.sort()
            with open(self._store.path(NEWS), "ab") as f:
                for entry in run:
                    f.write(entry)
            self._written += RUN
            run.clear()


def packed(entry):
    """The bytes of an entry of a message, None if it can not be on the list."""
    info = entry.get("idTagInfo")
    key = entry["idTag"].lower().encode()
    parent = ((info and info.get("parentIdTag")) or "").encode()
    if not 0 < len(key) <= TAG_SIZE or len(parent) > TAG_SIZE:
        return None
    status, expiry = GONE, 0
    if info:  # else it is to go
        status = STATUSES.index(info["status"])
        if info.get("expiryDate") is not None:
            try:
                expiry = min(max(1, iso8601.parse(info["expiryDate"])), 0xFFFFFFFF)
            except ValueError:
                raise OcppError("PropertyConstraintViolation", "localAuthorizationList.idTagInfo.expiryDate")
    data = key + bytes(TAG_SIZE - len(key)) + pack("<BIB", status, expiry, len(parent)) + parent
    return data + bytes(ENTRY_SIZE - len(data))
