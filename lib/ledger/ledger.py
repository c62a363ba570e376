"""Records on raw NOR flash: appended without an erase, marked done in place, safe at any power cut.

    ledger = Ledger(partition)              # anything with readblocks, writeblocks, ioctl
    id = ledger.append(kind, payload)       # on flash when it returns; shared=n: joins its like, see there
    for id, kind, payload, state in ledger.records(live=True): ...; ledger.done(id)
    ledger.prepare()                        # erases ahead, while a stall does no harm

docs/ledger.md shows the format and what each cut leaves. What a start, an erase and a count need is cold, in
ledgersectors (and ledgercounts), which shares the attributes without an underscore. Three rules hold for the whole file: a sector
gets its head only after its erase ended, and records only after its head; a head is zeroed before
its sector is erased; a sector in which a program may have failed takes no more records.
"""

import struct
from array import array
from binascii import crc32

import cold

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


LIVE = const(0)
DONE = const(1)
REFUSED = const(2)  # done with, yet worth keeping: overwritten after everything else
MAX_PAYLOAD = const(2048)

_SECTORS = "ledgersectors"
_COUNTS = "ledgercounts"
SECTOR = const(4096)  # public, as what follows without an underscore: for ledgersectors
HEAD = const(16)  # public
_WINDOW = const(256)  # bytes read at a time; most records fit
_JOINT = const(5)  # head of a joined record: length, upper 24 bits of a CRC-32, marker
_MAX_JOINED = const(127)  # bytes; what starts with more is another record (0xA6) or blank (0xFF)
_SHARES = const(0xFF00)  # a `rec` is: position of a record << 16 | bytes that others share << 8 | kind
_RECORD_MAGIC = const(0xA6)
LAYOUT = "<BBHII"  # magic, kind (a sector's: version), payload length, id (a sector's: base), CRC-32
_SHARED_AT = const(12)  # 255 - shared bytes; bytes 13 and 14 stay 0xFF
MARKER_AT = const(15)  # public: the last byte of a head, here and in a joined record
_MARKS = b"\xff\x0f\x00"  # by state
_TRIES = const(3)  # sectors in which append tries to get a record that reads back


class LedgerError(Exception):
    """Root of what a ledger raises; an OSError of the device passes through."""


class LedgerFull(LedgerError):
    """Every sector holds a record that is not done."""


def state_of(marker):
    """State by a marker: done by its upper half, refused by the lower. Most bits of each decide."""
    if marker == 0xFF or bin(marker >> 4).count("1") > 2:
        return LIVE
    return DONE if bin(marker & 15).count("1") > 2 else REFUSED


class Ledger:
    """The records of some sectors. Ids rise, are never used twice, and may have gaps."""

    buf = bytearray(_WINDOW)  # scratch of all ledgers: nothing stays in it between two calls
    view = memoryview(buf)

    def __init__(self, device, droppable=(), first=0, count=0):
        """Use count sectors from first on (0: all); records of droppable kinds may be overwritten undone."""
        sectors = count or device.ioctl(4, 0) - first
        self.device = device
        self.first = first
        self._droppable = droppable
        self.bases = array("I", bytes(4 * sectors))  # order of the sectors; 0: erase before use
        self.live = bytearray(sectors)  # records that keep the sector from being erased
        self.loose = bytearray(sectors)  # droppable records that are not done
        self.refused = bytearray(sectors)  # 1 if the sector has refused ones
        self.programs = self.erases = 0
        self.corrupt = 0  # torn or rotten stretches that were set aside
        self.dropped = 0  # droppable records overwritten before they were done
        self.next = 1  # id; heads of sectors draw from the same sequence
        self.sector = self.base = 0  # where records go (base 0: nowhere yet)
        self.pos = SECTOR  # next free byte there; SECTOR when it takes no more
        self.tail = 0  # rec of the record that the next one may join
        self.at_id = self.at_sector = self.at_data = self.at_end = 0  # record met last
        self.at_rec = self.at_length = self.at_marker = 0
        cold.call(_SECTORS, "start", self)

    def append(self, kind, payload, shared=0):
        """Write a record and return its id; LedgerFull when there is no room.

        If the last record has the same kind and the same first `shared` bytes, only the rest is written.
        """
        length = len(payload)
        if length > MAX_PAYLOAD or not 0 <= kind <= 255 or not 0 <= shared <= min(length, _WINDOW - HEAD):
            raise LedgerError("cannot store kind %d of %d bytes" % (kind, length))
        if self.tail & 0xFFFF == shared << 8 | kind:
            id = self._join(payload, shared)
            if id:
                return id
        size = (length + 2 * HEAD - 1) & -HEAD
        buf = self.buf if size <= _WINDOW else bytearray(size)
        for _ in range(_TRIES):
            pos = (self.pos + HEAD - 1) & -HEAD
            if pos + size > SECTOR:
                self._turn()
                pos = HEAD
            for i in range(HEAD + length, size):
                buf[i] = 0xFF
            buf[HEAD : HEAD + length] = payload
            self.frame(buf, _RECORD_MAGIC, kind, length, self.next, self.base ^ shared, shared)
            id = self._put(pos, memoryview(buf)[:size])
            if id:
                return id
        raise LedgerError("flash does not keep what is written")

    def done(self, id, refused=False):
        """Mark a record, False if it is gone. Idempotent; once more mends a torn marker."""
        if self.at_id != id:
            self.at_id = 0
            for _ in self.records(id - 1):
                break
            if self.at_id != id:
                return False
        sector = self.at_sector
        marker = self.mark(sector, self.at_data - 1, REFUSED if refused else DONE)
        if refused:
            self.refused[sector] = 1
        if marker == 0xFF:
            self.count(sector, -1)
        elif marker not in (0x0F, 0x00):
            cold.call(_SECTORS, "scan", self, sector)  # the call that tore it may or may not have counted it
        self.settle(sector)
        return True

    def records(self, after=0, live=False):
        """Yield (id, kind, payload, state) by rising id; append, done, prepare are fine meanwhile."""
        if after and after == self.at_id:
            id, rec, sector, pos = after, self.at_rec, self.at_sector, self.at_end
        else:
            id, rec, sector, pos = 0, 0, self._seek(after), HEAD
        while sector >= 0:
            base = self.bases[sector]
            if live and not self.live[sector] and not self.loose[sector]:
                pos = SECTOR
            # While the caller has a record, its sector may be erased and the last one may grow.
            while self.bases[sector] == base and (base < self.base or pos < self.pos):
                if not self.find(sector, pos, rec, id):
                    break
                id, rec, pos, state = self.at_id, self.at_rec, self.at_end, state_of(self.at_marker)
                if id > after and not (live and state):
                    shared = rec >> 8 & 255 if self.at_data != (rec >> 16) + HEAD else 0
                    payload = bytearray(shared + self.at_length)
                    if shared:
                        self.read(sector, memoryview(payload)[:shared], (rec >> 16) + HEAD)
                    if self.at_length:
                        self.read(sector, memoryview(payload)[shared:], self.at_data)
                    yield id, rec & 255, payload, state
            sector, pos, rec = self._nearest(base, self.base), HEAD, 0

    def prepare(self, ahead=1):
        """Erase one sector unless `ahead` are ready; True if it did (45 to 400 ms on a chip)."""
        for base in self.bases:
            ahead -= base > self.base
        return ahead > 0 and cold.call(_SECTORS, "renew", self)

    def free(self):
        """Bytes left at least; a record takes 16 more than its payload, rounded up to 16."""
        return cold.call(_COUNTS, "free", self)

    def waiting(self):
        """How many records are not done."""
        return cold.call(_COUNTS, "waiting", self)

    # Sectors, in the order of their bases: full ones, the current one, prepared ones without records.

    def settle(self, sector):
        """Mark the head of a full sector that needs no attention, so that a start skips it."""
        attention = self.live[sector] or self.loose[sector]
        if not attention and 0 < self.bases[sector] < self.base:
            self.mark(sector, MARKER_AT, REFUSED if self.refused[sector] else DONE)

    def _turn(self):
        """Go on in the next prepared sector; erase one here and now if there is none."""
        self.tail = 0
        while (found := self._nearest(self.base, self.next)) < 0:
            if not cold.call(_SECTORS, "renew", self):
                raise LedgerFull("every sector holds a record that is not done")
        left, self.sector, self.base, self.pos = self.sector, found, self.bases[found], HEAD
        self.settle(left)

    def _nearest(self, low, high, last=False):
        """The first (or last) sector with low < base <= high; -1 if there is none."""
        found = -1
        for sector, base in enumerate(self.bases):
            if low < base <= high:
                found = sector
                if last:
                    low = base
                else:
                    high = base
        return found

    def _seek(self, after):
        """The sector from which on all ids above `after` are found."""
        sector = self._nearest(0, min(after, self.base), True)
        while sector >= 0 and not (self.find(sector, HEAD) and self.at_id <= after):
            sector = self._nearest(0, self.bases[sector] - 1, True)
        return sector if sector >= 0 else self._nearest(0, self.base)

    # Records

    def _put(self, pos, data, rec=0):
        """Program what was framed with the next id; return that, or 0 if it does not read back."""
        sector, id = self.sector, self.next
        self.pos = SECTOR  # takes no more, unless all of the following succeeds
        self.next = id + 1
        self.tail = 0
        self.program(sector, pos, data)
        if self.find(sector, pos, rec, id - 1) == pos:
            self.pos, self.tail = self.at_end, self.at_rec
            self.count(sector, 1)
            return id
        self.program(sector, pos, bytes(HEAD))  # a luckier read must not bring it back
        self.corrupt += 1
        return 0

    def _join(self, payload, shared):
        """Append what is not shared to the last record; 0 if the two differ or there is no room."""
        buf, view, rec, pos, length = self.buf, self.view, self.tail, self.pos, len(payload) - shared
        if not shared or not 0 < length <= _MAX_JOINED or pos + max(HEAD, _JOINT + length) > SECTOR:
            return 0
        self.read(self.sector, view[:shared], (rec >> 16) + HEAD)
        if bytes(view[:shared]) != bytes(payload[:shared]):
            return 0
        buf[_JOINT : _JOINT + length] = payload[shared:]
        struct.pack_into("<IB", buf, 0, self._sum(self.base, pos, length), 0xFF)
        return self._put(pos, view[: _JOINT + length], rec)

    def _sum(self, base, pos, length):
        """What a joined record begins with; good in this place of this life of the sector only."""
        return crc32(self.view[_JOINT : _JOINT + length], base ^ pos) & 0xFFFFFF00 | length

    def find(self, sector, pos, rec=0, id=0):
        """Where the first sound record from pos on is, 0 if there is none; described by at_*.

        If pos is the end of a record, rec and id are its: those that joined it come first.
        """
        buf, view, base, at = self.buf, self.view, self.bases[sector], pos
        while rec & _SHARES and at < SECTOR:
            self.read(sector, view[: min(_WINDOW, SECTOR - at)], at)
            length = buf[0]
            end = at + max(HEAD, _JOINT + length)
            if not 0 < length <= _MAX_JOINED or end > SECTOR:
                break
            id += 1
            if self._sum(base, at, length) == struct.unpack_from("<I", buf)[0]:
                self._met(sector, at + _JOINT, end, rec, id, length, buf[4])
                return at
            at = end  # a rotten one has its length yet, or else nothing after it is believed
        pos = (pos + HEAD - 1) & -HEAD
        while pos < SECTOR:
            room = min(_WINDOW, SECTOR - pos)
            self.read(sector, view[:room], pos)
            skip = 0
            while skip < room and buf[skip] != _RECORD_MAGIC:
                skip += HEAD
            if skip:
                pos += skip
                continue
            _, kind, length, id, crc = struct.unpack_from(LAYOUT, buf, 0)
            end = pos + HEAD + length
            if end <= SECTOR and length <= MAX_PAYLOAD:
                shared, marker = 255 - buf[_SHARED_AT], buf[MARKER_AT]
                got = crc32(view[HEAD : min(HEAD + length, room)], crc32(view[:8], base ^ shared))
                if length > room - HEAD:
                    for _, part in self.parts(sector, pos + room, end):
                        got = crc32(part, got)
                if got == crc:
                    if not shared:
                        end = (end + HEAD - 1) & -HEAD
                    rec = pos << 16 | shared << 8 | kind
                    self._met(sector, pos + HEAD, end, rec, id, length, marker)
                    return pos
            pos += HEAD
        return 0

    def _met(self, sector, data, end, rec, id, length, marker):
        self.at_sector, self.at_data, self.at_end, self.at_rec = sector, data, end, rec
        self.at_id, self.at_length, self.at_marker = id, length, marker

    def count(self, sector, by):
        counts = self.loose if self.at_rec & 255 in self._droppable else self.live
        counts[sector] += by

    # Flash

    def frame(self, buf, magic, kind, length, id, seed, shared=0):
        """Put a head before the payload. The seed ties a record to the present life of its sector."""
        struct.pack_into(LAYOUT, buf, 0, magic, kind, length, id, 0)
        view = memoryview(buf)
        crc = crc32(view[HEAD : HEAD + length], crc32(view[:8], seed))
        struct.pack_into("<II", buf, 8, crc, 0xFFFFFFFF ^ shared)

    def mark(self, sector, pos, state):
        """Clear the bits of a marker, unless they are; return what it was."""
        self.read(sector, self.view[:1], pos)
        marker = self.buf[0]
        if marker & ~_MARKS[state]:
            self.program(sector, pos, _MARKS[state : state + 1])
        return marker

    def read(self, sector, buf, pos):
        self.device.readblocks(self.first + sector, buf, pos)

    def program(self, sector, pos, data):
        self.programs += 1
        self.device.writeblocks(self.first + sector, data, pos)

    def parts(self, sector, pos, end):
        """Read a stretch through the buffer; yield each position and what is there."""
        for at in range(pos, end, _WINDOW):
            part = self.view[: min(_WINDOW, end - at)]
            self.read(sector, part, at)
            yield at, part
