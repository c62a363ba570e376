# Cold: reservations, which connectors they keep, and for whom (RES rows).
#
# cp.reservations: list of (reservationId, connector or 0 for any, expiryDate, idTag, parentIdTag or ""), as in the file. What
# follows from it stays with the connectors: `reserved`, and `reservation`, the id that a start there uses up.
# File: version, then of each: reservationId (8), connector, expiryDate (4), tag (1 + n), parent (1 + n).
from struct import pack, unpack_from

from ocpp16.connector import AVAILABLE, RESERVED, same

_FILE = "reservations"
_VERSION = b"\x01"
_HEAD = "<qBIB"
_HEAD_SIZE = 14


def load(cp, data):
    """Take what is on flash, apart from what was used up by a start whose power was cut (RES-05)."""
    used = [tx.reservation for tx in cp.transactions.open if tx]
    at = 1 if data[:1] == _VERSION else len(data)
    try:
        while at < len(data):
            number, connector, expiry, size = unpack_from(_HEAD, data, at)
            at += _HEAD_SIZE
            tag, parent = data[at : at + size].decode(), data[at + size + 1 : at + size + 1 + data[at + size]].decode()
            at += size + 1 + len(parent.encode())
            if number not in used and connector <= len(cp.connectors):
                cp.reservations.append((number, connector, expiry, tag, parent))
    except (ValueError, IndexError):
        cp.log.error("ocpp", "reservations on flash can not be read")
    settle(cp)


def save(cp, entries):
    """Make these the reservations; OSError leaves those that were."""
    _write(cp, entries)
    cp.reservations = entries
    settle(cp)


def _write(cp, entries):
    data = _VERSION
    for number, connector, expiry, tag, parent in entries:
        tag, parent = tag.encode(), parent.encode()
        data += pack(_HEAD, number, connector, expiry, len(tag)) + tag + bytes((len(parent),)) + parent
    if entries:
        cp.store.write(_FILE, data)
    else:
        cp.store.remove(_FILE)


def settle(cp):
    """End what is over (RES-05, RES-06, RES-09), and tell the connectors what they are kept for."""
    entries = [entry for entry in cp.reservations if not _over(cp, entry)]
    if len(entries) < len(cp.reservations):
        cp.reservations = entries
        try:
            _write(cp, entries)
        except OSError as e:  # what is over is found to be over again after a start
            cp.log.warning("ocpp", "reservations: %r" % e)
    cp.expiry = min([entry[2] for entry in entries]) if entries else 0
    ids = [entry[0] for entry in entries]
    spare = open_to_all(cp, entries)
    anywhere = len(entries) - sum([entry[1] > 0 for entry in entries])
    for c in cp.connectors:
        if c.reservation not in ids:
            c.reservation = None
        # Connector 0: the last free ones are shown as reserved (RES-08).
        c.reserved = specific(entries, c) is not None or (c in spare and len(spare) <= anywhere)
        if c.status == RESERVED and not c.reserved:
            c.status = AVAILABLE


def _over(cp, entry):
    number, connector, expiry = entry[:3]
    utc = cp.clock.utc()
    if utc is not None and utc >= expiry:
        return True
    for c in cp.connectors:
        if c.transaction and c.reservation == number:
            return True
    concerned = [cp.connectors[connector - 1]] if connector else cp.connectors
    return not [1 for c in concerned if not (c.fault or c.unavailable)]


def specific(entries, c):
    """The reservation of this very connector, or None."""
    for entry in entries:
        if entry[1] == c.number:
            return entry


def open_to_all(cp, entries):
    """The free connectors without a reservation of their own."""
    return [c for c in cp.connectors if c.free and not specific(entries, c)]


def claim(cp, c, tag, parent):
    """(may this tag begin here, id of the reservation that it uses or None)."""
    entries = cp.reservations
    entry = specific(entries, c)
    if entry:
        return (True, entry[0]) if _is_for(entry, tag, parent) else (False, None)
    others = 0
    for entry in entries:
        if not entry[1]:
            if _is_for(entry, tag, parent):
                return True, entry[0]
            others += 1
    return len(open_to_all(cp, entries)) > others, None


def _is_for(entry, tag, parent):
    return same(entry[3], tag) or bool(parent and entry[4] and same(entry[4], parent))


def usable(cp, tag, number):
    """Can there be a use for this tag, on one connector or (0) on any, as long as its parent is not known (RES-04, RES-10)?"""
    free = [c for c in cp.connectors if c.free and number in (0, c.number)]
    if not free or (not number and [c for c in cp.connectors if c.transaction or c.held]):  # it may be to stop
        return True
    for c in free:
        if claim(cp, c, tag, None)[0]:
            return True
        if [entry for entry in cp.reservations if entry[4] and entry[1] in (0, c.number)]:
            return True
    return False
