"""Records on raw NOR flash: appended without an erase, marked done in place, safe at any power cut.

    ledger = Ledger(partition)              # anything with readblocks, writeblocks, ioctl
    id = ledger.append(kind, payload)       # on flash when it returns; shared=n: joins its like, see there
    for id, kind, payload, state in ledger.records(live=True): ...; ledger.done(id)
    ledger.prepare()                        # erases ahead, while a stall does no harm

docs/ledger.md shows the format and what each cut leaves. Three rules hold for the whole file: a sector
gets its head only after its erase ended, and records only after its head; a head is zeroed before
its sector is erased; a sector in which a program may have failed takes no more records.
"""

import struct
from array import array
from binascii import crc32

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


LIVE = const(0)
DONE = const(1)
REFUSED = const(2)  # done with, yet worth keeping: overwritten after everything else
MAX_PAYLOAD = const(2048)

_SECTOR = const(4096)
_HEAD = const(16)
_WINDOW = const(256)  # bytes read at a time; most records fit
_VERSION = const(1)
_JOINT = const(5)  # head of a joined record: length, upper 24 bits of a CRC-32, marker
_MAX_JOINED = const(127)  # bytes; what starts with more is another record (0xA6) or blank (0xFF)
_SHARES = const(0xFF00)  # a `rec` is: position of a record << 16 | bytes that others share << 8 | kind
_SECTOR_MAGIC = const(0xC5)
_RECORD_MAGIC = const(0xA6)
_LAYOUT = "<BBHII"  # magic, kind (a sector's: version), payload length, id (a sector's: base), CRC-32
_SHARED_AT = const(12)  # 255 - shared bytes; bytes 13 and 14 stay 0xFF
_MARKER_AT = const(15)  # the last byte of a head, here and in a joined record
_MARKS = b"\xff\x0f\x00"  # by state
_TRIES = const(3)  # sectors in which append tries to get a record that reads back


class LedgerError(Exception):
    """Root of what a ledger raises; an OSError of the device passes through."""


class LedgerFull(LedgerError):
    """Every sector holds a record that is not done."""


def _state(marker):
    """State by a marker: done by its upper half, refused by the lower. Most bits of each decide."""
    if marker == 0xFF or bin(marker >> 4).count("1") > 2:
        return LIVE
    return DONE if bin(marker & 15).count("1") > 2 else REFUSED


class Ledger:
    """The records of some sectors. Ids rise, are never used twice, and may have gaps."""

    _buf = bytearray(_WINDOW)  # scratch of all ledgers: nothing stays in it between two calls
    _view = memoryview(_buf)
    _first = _view[:_HEAD]

    def __init__(self, device, droppable=(), first=0, count=0):
        """Use count sectors from first on (0: all); records of droppable kinds may be overwritten undone."""
        sectors = count or device.ioctl(4, 0) - first
        self._device = device
        self._offset = first
        self._droppable = droppable
        self._bases = array("I", bytes(4 * sectors))  # order of the sectors; 0: erase before use
        self._live = bytearray(sectors)  # records that keep the sector from being erased
        self._loose = bytearray(sectors)  # droppable records that are not done
        self._refused = bytearray(sectors)  # 1 if the sector has refused ones
        self.programs = self.erases = 0
        self.corrupt = 0  # torn or rotten stretches that were set aside
        self.dropped = 0  # droppable records overwritten before they were done
        self._next = 1  # id; heads of sectors draw from the same sequence
        self._sector = self._base = 0  # where records go (base 0: nowhere yet)
        self._pos = _SECTOR  # next free byte there; _SECTOR when it takes no more
        self._tail = 0  # rec of the record that the next one may join
        self._at_id = self._at_sector = self._at_data = self._at_end = 0  # record met last
        self._at_rec = self._at_length = self._at_marker = 0
        self._start()

    def append(self, kind, payload, shared=0):
        """Write a record and return its id; LedgerFull when there is no room.

        If the last record has the same kind and the same first `shared` bytes, only the rest is written.
        """
        length = len(payload)
        if length > MAX_PAYLOAD or not 0 <= kind <= 255 or not 0 <= shared <= min(length, _WINDOW - _HEAD):
            raise LedgerError("cannot store kind %d of %d bytes" % (kind, length))
        if self._tail & 0xFFFF == shared << 8 | kind:
            id = self._join(payload, shared)
            if id:
                return id
        size = (length + 2 * _HEAD - 1) & -_HEAD
        buf = self._buf if size <= _WINDOW else bytearray(size)
        for _ in range(_TRIES):
            pos = (self._pos + _HEAD - 1) & -_HEAD
            if pos + size > _SECTOR:
                self._turn()
                pos = _HEAD
            for i in range(_HEAD + length, size):
                buf[i] = 0xFF
            buf[_HEAD : _HEAD + length] = payload
            self._frame(buf, _RECORD_MAGIC, kind, length, self._next, self._base ^ shared, shared)
            id = self._put(pos, memoryview(buf)[:size])
            if id:
                return id
        raise LedgerError("flash does not keep what is written")

    def done(self, id, refused=False):
        """Mark a record, False if it is gone. Idempotent; once more mends a torn marker."""
        if self._at_id != id:
            self._at_id = 0
            for _ in self.records(id - 1):
                break
            if self._at_id != id:
                return False
        sector = self._at_sector
        marker = self._mark(sector, self._at_data - 1, REFUSED if refused else DONE)
        if refused:
            self._refused[sector] = 1
        if marker == 0xFF:
            self._count(sector, -1)
        elif marker not in (0x0F, 0x00):
            self._scan(sector)  # the call that tore it may or may not have counted it
        self._settle(sector)
        return True

    def records(self, after=0, live=False):
        """Yield (id, kind, payload, state) by rising id; append, done, prepare are fine meanwhile."""
        if after and after == self._at_id:
            id, rec, sector, pos = after, self._at_rec, self._at_sector, self._at_end
        else:
            id, rec, sector, pos = 0, 0, self._seek(after), _HEAD
        while sector >= 0:
            base = self._bases[sector]
            if live and not self._live[sector] and not self._loose[sector]:
                pos = _SECTOR
            # While the caller has a record, its sector may be erased and the last one may grow.
            while self._bases[sector] == base and (base < self._base or pos < self._pos):
                if not self._find(sector, pos, rec, id):
                    break
                id, rec, pos, state = self._at_id, self._at_rec, self._at_end, _state(self._at_marker)
                if id > after and not (live and state):
                    shared = rec >> 8 & 255 if self._at_data != (rec >> 16) + _HEAD else 0
                    payload = bytearray(shared + self._at_length)
                    if shared:
                        self._read(sector, memoryview(payload)[:shared], (rec >> 16) + _HEAD)
                    if self._at_length:
                        self._read(sector, memoryview(payload)[shared:], self._at_data)
                    yield id, rec & 255, payload, state
            sector, pos, rec = self._nearest(base, self._base), _HEAD, 0

    def prepare(self, ahead=1):
        """Erase one sector unless `ahead` are ready; True if it did (45 to 400 ms on a chip)."""
        for base in self._bases:
            ahead -= base > self._base
        sector = self._victim() if ahead > 0 else -1
        if sector >= 0:
            self._renew(sector)
        return sector >= 0

    def free(self):
        """Bytes left at least; a record takes 16 more than its payload, rounded up to 16."""
        room = (_SECTOR - self._pos) & -_HEAD
        for sector, base in enumerate(self._bases):
            if base > self._base or (not base or base < self._base) and not self._live[sector]:
                room += _SECTOR - _HEAD
        return room

    def waiting(self):
        """How many records are not done."""
        count = 0
        for sector, base in enumerate(self._bases):
            if base:
                count += self._live[sector] + self._loose[sector]
        return count

    # Sectors, in the order of their bases: full ones, the current one, prepared ones without records.

    def _start(self):
        """Find out what is on flash, and strengthen what a cut may have left half programmed."""
        last = until = 0
        for sector in range(len(self._bases)):
            base = self._bases[sector] = self._read_head(sector)
            if not base:
                continue
            self._next = max(self._next, base + 1)
            state, end, self._at_data = _state(self._buf[_MARKER_AT]), _SECTOR, 0
            if state == LIVE:
                end = self._scan(sector)
            self._refused[sector] |= state == REFUSED
            if end > _HEAD and base > self._base:
                self._sector, self._base, self._pos = sector, base, end
                last, until = self._at_data, self._at_end
        if last:
            self._again(self._sector, last - _HEAD, until)
        elif self._base:
            self._scan(self._sector)  # settled, but for the ids
        if self._base and self._pos == _SECTOR:
            self._next += _SECTOR // _HEAD  # what can't be read may have had the next ones
        for sector, base in enumerate(self._bases):
            if base > self._base:
                self._again(sector, 0, _HEAD)
            self._settle(sector)
        self._at_id = 0  # what was met last is of another sector than _at_data says

    def _scan(self, sector):
        """Count what a sector holds; return where it goes on, _SECTOR if it is not blank there."""
        self._live[sector] = self._loose[sector] = self._refused[sector] = 0
        pos, rec, id = _HEAD, 0, 0
        while found := self._find(sector, pos, rec, id):
            self.corrupt += found - pos >= _HEAD
            pos, rec, id, state = self._at_end, self._at_rec, self._at_id, _state(self._at_marker)
            self._next = max(self._next, id + 1)
            if state == LIVE:
                self._count(sector, 1)
                continue
            self._refused[sector] |= state == REFUSED
            if self._at_marker not in (0x0F, 0x00):
                self._mark(sector, self._at_data - 1, state)
        if self._blank(sector, pos):
            return pos
        self.corrupt += 1
        return _SECTOR

    def _settle(self, sector):
        """Mark the head of a full sector that needs no attention, so that a start skips it."""
        attention = self._live[sector] or self._loose[sector]
        if not attention and 0 < self._bases[sector] < self._base:
            self._mark(sector, _MARKER_AT, REFUSED if self._refused[sector] else DONE)

    def _turn(self):
        """Go on in the next prepared sector; erase one here and now if there is none."""
        self._tail = 0
        while (found := self._nearest(self._base, self._next)) < 0:
            sector = self._victim()
            if sector < 0:
                raise LedgerFull("every sector holds a record that is not done")
            self._renew(sector)
        left, self._sector, self._base, self._pos = self._sector, found, self._bases[found], _HEAD
        self._settle(left)

    def _victim(self):
        """The sector to erase: the oldest, if possible without droppable and refused records."""
        best, best_rank = -1, 3
        for sector, base in enumerate(self._bases):
            if self._live[sector] or (base and base >= self._base):
                continue  # needed, current or prepared; the current one also guards the last id
            rank = 2 if self._refused[sector] else 1 if self._loose[sector] else 0
            if rank < best_rank or (rank == best_rank and base < self._bases[best]):
                best, best_rank = sector, rank
        return best

    def _renew(self, sector):
        """Erase a sector and give it a head; one that does not take it is left alone."""
        self._tail = 0  # those that join a record have the ids after it without a gap
        if self._at_sector == sector:
            self._at_id = 0
        if self._bases[sector]:
            self._bases[sector] = 0
            # Else half an erase could bring records back. Not the marker: alone, it would say settled.
            self._program(sector, 0, bytes(_MARKER_AT))
        self.dropped += self._loose[sector]
        self._loose[sector] = self._refused[sector] = 0
        self.erases += 1
        self._device.ioctl(6, self._offset + sector)
        base = self._next
        self._next = base + 1
        if self._blank(sector, 0):
            self._frame(self._buf, _SECTOR_MAGIC, _VERSION, 0, base, 0)
            self._program(sector, 0, self._first)
        if self._read_head(sector) == base:
            self._bases[sector] = base
        else:
            self._live[sector] = 255

    def _nearest(self, low, high, last=False):
        """The first (or last) sector with low < base <= high; -1 if there is none."""
        found = -1
        for sector, base in enumerate(self._bases):
            if low < base <= high:
                found = sector
                if last:
                    low = base
                else:
                    high = base
        return found

    def _seek(self, after):
        """The sector from which on all ids above `after` are found."""
        sector = self._nearest(0, min(after, self._base), True)
        while sector >= 0 and not (self._find(sector, _HEAD) and self._at_id <= after):
            sector = self._nearest(0, self._bases[sector] - 1, True)
        return sector if sector >= 0 else self._nearest(0, self._base)

    # Records

    def _put(self, pos, data, rec=0):
        """Program what was framed with the next id; return that, or 0 if it does not read back."""
        sector, id = self._sector, self._next
        self._pos = _SECTOR  # takes no more, unless all of the following succeeds
        self._next = id + 1
        self._tail = 0
        self._program(sector, pos, data)
        if self._find(sector, pos, rec, id - 1) == pos:
            self._pos, self._tail = self._at_end, self._at_rec
            self._count(sector, 1)
            return id
        self._program(sector, pos, bytes(_HEAD))  # a luckier read must not bring it back
        self.corrupt += 1
        return 0

    def _join(self, payload, shared):
        """Append what is not shared to the last record; 0 if the two differ or there is no room."""
        buf, view, rec, pos, length = self._buf, self._view, self._tail, self._pos, len(payload) - shared
        if not shared or not 0 < length <= _MAX_JOINED or pos + max(_HEAD, _JOINT + length) > _SECTOR:
            return 0
        self._read(self._sector, view[:shared], (rec >> 16) + _HEAD)
        if bytes(view[:shared]) != bytes(payload[:shared]):
            return 0
        buf[_JOINT : _JOINT + length] = payload[shared:]
        struct.pack_into("<IB", buf, 0, self._sum(self._base, pos, length), 0xFF)
        return self._put(pos, view[: _JOINT + length], rec)

    def _sum(self, base, pos, length):
        """What a joined record begins with; good in this place of this life of the sector only."""
        return crc32(self._view[_JOINT : _JOINT + length], base ^ pos) & 0xFFFFFF00 | length

    def _find(self, sector, pos, rec=0, id=0):
        """Where the first sound record from pos on is, 0 if there is none; described by _at_*.

        If pos is the end of a record, rec and id are its: those that joined it come first.
        """
        buf, view, base, at = self._buf, self._view, self._bases[sector], pos
        while rec & _SHARES and at < _SECTOR:
            self._read(sector, view[: min(_WINDOW, _SECTOR - at)], at)
            length = buf[0]
            end = at + max(_HEAD, _JOINT + length)
            if not 0 < length <= _MAX_JOINED or end > _SECTOR:
                break
            id += 1
            if self._sum(base, at, length) == struct.unpack_from("<I", buf)[0]:
                self._met(sector, at + _JOINT, end, rec, id, length, buf[4])
                return at
            at = end  # a rotten one has its length yet, or else nothing after it is believed
        pos = (pos + _HEAD - 1) & -_HEAD
        while pos < _SECTOR:
            room = min(_WINDOW, _SECTOR - pos)
            self._read(sector, view[:room], pos)
            skip = 0
            while skip < room and buf[skip] != _RECORD_MAGIC:
                skip += _HEAD
            if skip:
                pos += skip
                continue
            _, kind, length, id, crc = struct.unpack_from(_LAYOUT, buf, 0)
            end = pos + _HEAD + length
            if end <= _SECTOR and length <= MAX_PAYLOAD:
                shared, marker = 255 - buf[_SHARED_AT], buf[_MARKER_AT]
                got = crc32(view[_HEAD : min(_HEAD + length, room)], crc32(view[:8], base ^ shared))
                if length > room - _HEAD:
                    for _, part in self._parts(sector, pos + room, end):
                        got = crc32(part, got)
                if got == crc:
                    if not shared:
                        end = (end + _HEAD - 1) & -_HEAD
                    rec = pos << 16 | shared << 8 | kind
                    self._met(sector, pos + _HEAD, end, rec, id, length, marker)
                    return pos
            pos += _HEAD
        return 0

    def _met(self, sector, data, end, rec, id, length, marker):
        self._at_sector, self._at_data, self._at_end, self._at_rec = sector, data, end, rec
        self._at_id, self._at_length, self._at_marker = id, length, marker

    def _count(self, sector, by):
        counts = self._loose if self._at_rec & 255 in self._droppable else self._live
        counts[sector] += by

    # Flash

    def _read_head(self, sector):
        """The base of a sector, its head left in the buffer; 0 if it must be erased before use."""
        self._read(sector, self._first, 0)
        magic, version, _, base, crc = struct.unpack_from(_LAYOUT, self._buf, 0)
        if magic != _SECTOR_MAGIC or crc32(self._view[:8]) != crc:
            return 0
        if version != _VERSION:
            raise LedgerError("ledger of version %d, this is %d" % (version, _VERSION))
        return base

    def _frame(self, buf, magic, kind, length, id, seed, shared=0):
        """Put a head before the payload. The seed ties a record to the present life of its sector."""
        struct.pack_into(_LAYOUT, buf, 0, magic, kind, length, id, 0)
        view = memoryview(buf)
        crc = crc32(view[_HEAD : _HEAD + length], crc32(view[:8], seed))
        struct.pack_into("<II", buf, 8, crc, 0xFFFFFFFF ^ shared)

    def _mark(self, sector, pos, state):
        """Clear the bits of a marker, unless they are; return what it was."""
        self._read(sector, self._view[:1], pos)
        marker = self._buf[0]
        if marker & ~_MARKS[state]:
            self._program(sector, pos, _MARKS[state : state + 1])
        return marker

    def _read(self, sector, buf, pos):
        self._device.readblocks(self._offset + sector, buf, pos)

    def _program(self, sector, pos, data):
        self.programs += 1
        self._device.writeblocks(self._offset + sector, data, pos)

    def _again(self, sector, pos, end):
        """Program what is there once more: bits that a cut left weak may read 0 now and 1 later."""
        for at, part in self._parts(sector, pos, end):
            self._program(sector, at, part)

    def _blank(self, sector, pos):
        for _, part in self._parts(sector, pos, _SECTOR):
            if bytes(part).count(b"\xff") != len(part):
                return False
        return True

    def _parts(self, sector, pos, end):
        """Read a stretch through the buffer; yield each position and what is there."""
        for at in range(pos, end, _WINDOW):
            part = self._view[: min(_WINDOW, end - at)]
            self._read(sector, part, at)
            yield at, part
