# Changes the file of charging profiles: a new file takes the place of the old one, so a change is there as a whole or not at
# all. Cold: cold.call("ocpp16.profile_records", "install", cp.profiles, ...).
import os
from struct import unpack

from ocpp16.profile_file import HEAD, PURPOSES, VERSION, heads
import cold

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


cold.drop("ocpp16.profile_file")  # it goes with this module

# As numbered in profile_file.
_TX = const(2)
_HEAD_SIZE = const(25)
_PERIOD_SIZE = const(9)


def install(profiles, record):
    """Store a record in place of those that it replaces; False, and nothing changed, when there is no room."""
    cp, path = profiles.cp, _path(profiles)
    slot, unique = tuple(record[:3]), unpack(HEAD, record[:_HEAD_SIZE])[4]
    kept = 0
    for _, _, head in _heads(path):
        kept += not _replaced(head, slot, unique)
    if kept >= cp.settings.get("MaxChargingProfilesInstalled"):
        cp.log.info("ocpp", "charging profile refused: MaxChargingProfilesInstalled")
        return False
    _rewrite(path, lambda head: not _replaced(head, slot, unique), record)
    profiles.installed = kept + 1
    if record[1] == _TX:
        profiles.bound |= 1 << record[0]
    profiles.due = 0
    return True


def clear(profiles, wanted):
    """Clear what fits all fields that are given, or the one with the id (SC-CLR-01); False when there is none."""
    path = _path(profiles)
    total = hits = 0
    for _, _, head in _heads(path):
        total += 1
        hits += _fits(head, wanted)
    if hits:
        if hits == total:
            os.remove(path)
        else:
            _rewrite(path, lambda head: not _fits(head, wanted), b"")
    profiles.installed = total - hits
    profiles.due = 0
    if hits == total:
        for k in range(len(profiles.limits)):
            profiles.limits[k] = (None, "", 0)
    return hits > 0


def forget(profiles, number):
    """Clear the TxProfiles of a connector, None for all: the transaction is over."""
    profiles.bound &= 0 if number is None else ~(1 << number)
    try:
        clear(profiles, {"chargingProfilePurpose": PURPOSES[_TX], "connectorId": number})
    except OSError as e:
        profiles.cp.log.exception("ocpp", e)


def _path(profiles):
    return profiles.cp.store.path("profiles")


def _replaced(head, slot, unique):
    return head[:3] == slot or head[4] == unique


def _fits(head, wanted):
    if wanted.get("id") is not None:
        return head[4] == wanted["id"]
    for value, key in zip(head, ("connectorId", "chargingProfilePurpose", "stackLevel")):
        asked = wanted.get(key)
        if asked is not None and asked != (PURPOSES[value] if key == "chargingProfilePurpose" else value):
            return False
    return True


def _heads(path):
    """(open file, place of the periods, head) of each record."""
    try:
        f = open(path, "rb")
    except OSError:  # no profiles
        return
    with f:
        for at, head in heads(f):
            yield f, at, head


def _rewrite(path, keeps, record):
    """Write the records that are kept and a new one, one at a time, as lib/store writes: a temporary file, renamed."""
    temporary = path + "~"
    try:
        with open(temporary, "wb") as out:
            out.write(VERSION)
            for f, at, head in _heads(path):
                if keeps(head):
                    f.seek(at - _HEAD_SIZE)
                    out.write(f.read(_HEAD_SIZE + _PERIOD_SIZE * head[9]))
            out.write(record)
        os.rename(temporary, path)
    except OSError:
        try:
            os.remove(temporary)  # a full disk must not stay full because of us
        except OSError:
            pass
        raise
