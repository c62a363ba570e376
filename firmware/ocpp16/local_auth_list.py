# Local Auth List Management profile (LAL rows). Cold: loaded for one message (see rpc), so it keeps nothing.
#
# A new list is merged from the entries of the message, sorted, and those on flash into a second file, which takes the place of
# the first when it is complete: whatever goes wrong before, list and version stay (LAL-05).
import os
from struct import pack

from ocpp16 import local_list
from ocpp16.errors import OcppError


class _Refused(ValueError):
    pass


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    def get_local_list_version(self, payload):
        cp = self._cp
        return {"listVersion": local_list.version(cp) if cp.settings.get("LocalAuthListEnabled") else -1}

    def send_local_list(self, payload):
        cp = self._cp
        packed = payload["packed"]  # of ocpp16.local_list_entries
        if isinstance(packed, OcppError):
            raise packed
        if not cp.settings.get("LocalAuthListEnabled"):
            return {"status": "NotSupported"}
        number, full = payload["listVersion"], payload["updateType"] == "Full"
        if not full and number <= local_list.version(cp):
            return {"status": "VersionMismatch"}
        try:
            if number < 0 or number >> 62 or (number == 0 and packed):
                raise _Refused("listVersion %d" % number)
            _check(packed, full, cp.settings.get("SendLocalListMaxLength"))
            replace(cp, number, packed, full)
        except (_Refused, OSError) as e:
            cp.log.warning("ocpp", "SendLocalList: %r" % e)
            return {"status": "Failed"}
        return {"status": "Accepted"}


def _check(packed, full, most):
    """Sort the entries of the message; refuse those that can not be meant (LAL-05, LAL-06)."""
    if len(packed) > most:
        raise _Refused("more than SendLocalListMaxLength")
    if None in packed or (full and [1 for entry in packed if len(entry) == local_list.TAG_SIZE]):
        raise _Refused("an entry that can not be on the list")
    if packed:
        packed.sort()
    for i in range(1, len(packed)):
        if packed[i].startswith(packed[i - 1][: local_list.TAG_SIZE]):
            raise _Refused("a tag twice")


def replace(cp, number, packed, full):
    """Make a list of the sorted entries, and unless `full` those that are there; OSError, ValueError: nothing has changed."""
    path = cp.store.path(local_list.NAME)
    temporary = path + "~"
    old = None if full else local_list.opened(cp)
    try:
        with open(temporary, "wb") as f:
            f.write(local_list.FORMAT + pack("<q", number))
            count = _merge(f, old, packed)
        if count > cp.settings.get("LocalAuthListMaxLength"):
            raise _Refused("more than LocalAuthListMaxLength")
        if count:
            os.rename(temporary, path)
        else:
            cp.store.remove(local_list.NAME)
    finally:
        if old:
            old[0].close()
        try:
            os.remove(temporary)
        except OSError:
            pass  # it has taken the place of the list


def _merge(f, old, packed):
    """Write what is on flash, changed by the sorted entries; the count of what was written."""
    count, at, total = 0, 0, len(packed)
    for _ in range(old[2] if old else 0):
        there = old[0].read(local_list.ENTRY_SIZE)
        key = there[: local_list.TAG_SIZE]
        while at < total and packed[at] < key:
            count += _write(f, packed[at])
            at += 1
        if at < total and packed[at].startswith(key):
            there = packed[at]
            at += 1
        count += _write(f, there)
    for i in range(at, total):
        count += _write(f, packed[i])
    return count


def _write(f, entry):
    """Write one entry; 0 for one that is to go."""
    if len(entry) < local_list.ENTRY_SIZE:
        return 0
    f.write(entry)
    return 1
