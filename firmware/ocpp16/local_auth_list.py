# Local Auth List Management profile (LAL rows). Cold: loaded for one message (see rpc), so it keeps nothing.
#
# A new list is merged from the entries of the message, in sorted runs, and those on flash into a second file, which takes the
# place of the first when it is complete: whatever goes wrong before, list and version stay (LAL-05).
import os
from struct import pack

from ocpp16 import local_list
from ocpp16.errors import OcppError

_LAST = b"\xff"  # behind every entry, as no UTF-8 begins so


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    def get_local_list_version(self, payload):
        cp = self._cp
        return {"listVersion": local_list.version(cp) if cp.settings.get("LocalAuthListEnabled") else -1}

    def send_local_list(self, payload):
        cp = self._cp
        try:
            return {"status": _send(cp, payload["listVersion"], payload["packed"], payload["updateType"] == "Full")}
        except (ValueError, OSError) as e:
            cp.log.warning("ocpp", "SendLocalList: %r" % e)
            return {"status": "Failed"}
        finally:
            cp.store.remove(local_list.NEWS)


def _send(cp, number, packed, full):
    """The status for the answer; packed: see ocpp16.local_list_entries. ValueError, OSError: it has failed."""
    if isinstance(packed, OcppError):
        raise packed
    if not cp.settings.get("LocalAuthListEnabled"):
        return "NotSupported"
    if not full and number <= local_list.version(cp):
        return "VersionMismatch"
    if isinstance(packed, Exception):
        raise packed
    if number < 0 or number >> 62 or (number == 0 and any(packed)):
        raise ValueError("listVersion %d" % number)
    replace(cp, number, packed, full)
    return "Accepted"


def replace(cp, number, packed, full):
    """Make a list of the entries, and unless `full` those that are there; OSError, ValueError: nothing has changed."""
    path = cp.store.path(local_list.NAME)
    temporary = path + "~"
    written, rest = packed
    old = None if full else local_list.opened(cp)
    news = None
    try:
        if written:
            news = open(cp.store.path(local_list.NEWS), "rb")
        with open(temporary, "wb") as f:
            f.write(local_list.FORMAT + pack("<q", number))
            there = _entries(old[0], local_list.HEAD_SIZE, old[2]) if old else iter(())
            count = _merge(f, there, _sorted(news, written, rest, full))
        if count > cp.settings.get("LocalAuthListMaxLength"):
            raise ValueError("more than LocalAuthListMaxLength")
        if count:
            os.rename(temporary, path)
        else:
            cp.store.remove(local_list.NAME)
    finally:
        if old:
            old[0].close()
        if news:
            news.close()
        try:
            os.remove(temporary)
        except OSError:
            pass  # it has taken the place of the list


def _entries(f, at, count):
    """So many entries of a file, the first of them at a place in it."""
    for at in range(at, at + count * local_list.ENTRY_SIZE, local_list.ENTRY_SIZE):
        f.seek(at)
        yield f.read(local_list.ENTRY_SIZE)


def _sorted(news, written, rest, full):
    """The entries of a message, merged from its runs; ValueError where they can not be meant (LAL-05)."""
    size = local_list.RUN * local_list.ENTRY_SIZE
    runs = [iter(rest)]
    runs += [_entries(news, at * size, local_list.RUN) for at in range(written // local_list.RUN)]
    heads = [next(run, _LAST) for run in runs]
    key = _LAST
    while True:
        entry = min(heads)
        if entry == _LAST:
            return
        if entry.startswith(key):
            raise ValueError("a tag twice")
        if full and entry[local_list.TAG_SIZE] == local_list.GONE:
            raise ValueError("an entry without idTagInfo")
        key = entry[: local_list.TAG_SIZE]
        at = heads.index(entry)
        heads[at] = next(runs[at], _LAST)
        yield entry


def _merge(f, old, new):
    """Write the entries of two sorted lists, the new one of a tag that is in both, none that is to go; the count of them."""
    count, size = 0, local_list.TAG_SIZE
    there, entry = next(old, _LAST), next(new, _LAST)
    while there != _LAST or entry != _LAST:
        if there[:size] < entry[:size]:
            chosen, there = there, next(old, _LAST)
        else:
            if there[:size] == entry[:size]:
                there = next(old, _LAST)
            chosen, entry = entry, next(new, _LAST)
        if chosen[size] != local_list.GONE:
            f.write(chosen)
            count += 1
    return count
