"""The rare half of ledger: what a start finds on flash, and the erase of a sector.

Cold: a Ledger loads it for one call. Its rules are those of ledger.py.
"""

import struct
from binascii import crc32

from ledger import HEAD, LAYOUT, LIVE, MARKER_AT, REFUSED, SECTOR, LedgerError, state_of

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_VERSION = const(1)
_SECTOR_MAGIC = const(0xC5)


def start(ledger):
    """Find out what is on flash, and strengthen what a cut may have left half programmed."""
    last = until = 0
    for sector in range(len(ledger.bases)):
        base = ledger.bases[sector] = _read_head(ledger, sector)
        if not base:
            continue
        ledger.next = max(ledger.next, base + 1)
        state, end, ledger.at_data = state_of(ledger.buf[MARKER_AT]), SECTOR, 0
        if state == LIVE:
            end = scan(ledger, sector)
        ledger.refused[sector] |= state == REFUSED
        if end > HEAD and base > ledger.base:
            ledger.sector, ledger.base, ledger.pos = sector, base, end
            last, until = ledger.at_data, ledger.at_end
    if last:
        _again(ledger, ledger.sector, last - HEAD, until)
    elif ledger.base:
        scan(ledger, ledger.sector)  # settled, but for the ids
    if ledger.base and ledger.pos == SECTOR:
        ledger.next += SECTOR // HEAD  # what can't be read may have had the next ones
    for sector, base in enumerate(ledger.bases):
        if base > ledger.base:
            _again(ledger, sector, 0, HEAD)
        ledger.settle(sector)
    ledger.at_id = 0  # what was met last is of another sector than at_data says


def scan(ledger, sector):
    """Count what a sector holds; return where it goes on, SECTOR if it is not blank there."""
    ledger.live[sector] = ledger.loose[sector] = ledger.refused[sector] = 0
    pos, rec, id = HEAD, 0, 0
    while found := ledger.find(sector, pos, rec, id):
        ledger.corrupt += found - pos >= HEAD
        pos, rec, id, state = ledger.at_end, ledger.at_rec, ledger.at_id, state_of(ledger.at_marker)
        ledger.next = max(ledger.next, id + 1)
        if state == LIVE:
            ledger.count(sector, 1)
            continue
        ledger.refused[sector] |= state == REFUSED
        if ledger.at_marker not in (0x0F, 0x00):
            ledger.mark(sector, ledger.at_data - 1, state)
    if _blank(ledger, sector, pos):
        return pos
    ledger.corrupt += 1
    return SECTOR


def renew(ledger):
    """Erase the sector that can be spared best and give it a head; False if there is none.

    One that does not take it is left alone.
    """
    sector = _victim(ledger)
    if sector < 0:
        return False
    ledger.tail = 0  # those that join a record have the ids after it without a gap
    if ledger.at_sector == sector:
        ledger.at_id = 0
    if ledger.bases[sector]:
        ledger.bases[sector] = 0
        # Else half an erase could bring records back. Not the marker: alone, it would say settled.
        ledger.program(sector, 0, bytes(MARKER_AT))
    ledger.dropped += ledger.loose[sector]
    ledger.loose[sector] = ledger.refused[sector] = 0
    ledger.erases += 1
    ledger.device.ioctl(6, ledger.first + sector)
    base = ledger.next
    ledger.next = base + 1
    if _blank(ledger, sector, 0):
        ledger.frame(ledger.buf, _SECTOR_MAGIC, _VERSION, 0, base, 0)
        ledger.program(sector, 0, ledger.view[:HEAD])
    if _read_head(ledger, sector) == base:
        ledger.bases[sector] = base
    else:
        ledger.live[sector] = 255
    return True


def _victim(ledger):
    """The sector to erase: the oldest, if possible without droppable and refused records."""
    best, best_rank = -1, 3
    for sector, base in enumerate(ledger.bases):
        if ledger.live[sector] or (base and base >= ledger.base):
            continue  # needed, current or prepared; the current one also guards the last id
        rank = 2 if ledger.refused[sector] else 1 if ledger.loose[sector] else 0
        if rank < best_rank or (rank == best_rank and base < ledger.bases[best]):
            best, best_rank = sector, rank
    return best


def _read_head(ledger, sector):
    """The base of a sector, its head left in the buffer; 0 if it must be erased before use."""
    ledger.read(sector, ledger.view[:HEAD], 0)
    magic, version, _, base, crc = struct.unpack_from(LAYOUT, ledger.buf, 0)
    if magic != _SECTOR_MAGIC or crc32(ledger.view[:8]) != crc:
        return 0
    if version != _VERSION:
        raise LedgerError("ledger of version %d, this is %d" % (version, _VERSION))
    return base


def _again(ledger, sector, pos, end):
    """Program what is there once more: bits that a cut left weak may read 0 now and 1 later."""
    for at, part in ledger.parts(sector, pos, end):
        ledger.program(sector, at, part)


def _blank(ledger, sector, pos):
    for _, part in ledger.parts(sector, pos, SECTOR):
        if bytes(part).count(b"\xff") != len(part):
            return False
    return True
