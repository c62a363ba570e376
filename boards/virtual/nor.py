"""NOR flash of the virtual board: a program only clears bits, an erase sets a whole sector.

    nor = Nor(blank(16))                                or Nor(open(path, "r+b", 0), size)
    part = Region(nor, 0, 16)                           looks like esp32.Partition to its user
    nor.cut(7, ("bytes", 3))                            operation 7 writes 3 bytes, then PowerCut

Runs in the Unix port and in CPython; its functions are small, since MicroPython makes room on the heap for what a large one
works with, and a chip needs none of that. Operations are programs and erases; reads are only counted.
How one can be torn: see `tear()`. Files must be unbuffered, so that a killed process loses nothing.
"""

import sys

SECTOR = 4096
# Bytes that are ANDed at a time: bounds what the stand-in takes from the heap, of which the chip takes nothing.
_STEP = 64 if sys.implementation.name == "micropython" else SECTOR
_BLANK = b"\xff" * _STEP


def blank(sectors):
    """Erased flash in RAM, made without a second piece of its size."""
    flash = bytearray(sectors * SECTOR)
    for at in range(0, len(flash), _STEP):
        flash[at : at + _STEP] = _BLANK
    return flash


class PowerCut(BaseException):
    """The supply failed; a BaseException, so that no `except Exception` of a firmware survives it."""


class WeakSector(Exception):
    """A sector whose erase was torn is programmed without being erased again."""


class Nor:
    """Flash chip over a bytearray or an unbuffered file; addresses and sizes in bytes."""

    def __init__(self, storage, size=0):
        self._file = None if isinstance(storage, bytearray) else storage
        self._bytes = storage if self._file is None else bytearray()
        self.size = size or len(storage)
        if self.size % SECTOR:
            raise ValueError("size is not a multiple of 4096")
        if self._file is None and self.size > len(storage):
            raise ValueError("size is more than there is")
        self.reads = self.programs = self.erases = 0
        self.record = None  # a list, or what has its append(), collects ("program", address, bytes) and ("erase", address)
        self.weak = set()  # numbers of sectors that a torn erase left behind, however they read
        self._left = -1  # operations until the cut; -1 is never
        self._tear = None

    def cut(self, after, tear=None):
        """Let `after` more operations pass (-1: all); `tear` says what the next one still does."""
        self._left = after
        self._tear = tear

    def read(self, address, buf):
        self.reads += 1
        self._get(address, buf)

    def program(self, address, data):
        """Clear the bits that are 0 in data; all of the other bits stay."""
        self._check(address, len(data))
        if self.weak:
            self._find_weak(address // SECTOR, (address + len(data) - 1) // SECTOR)
        self._do(("program", address, bytes(data)) if self._traced() else None, address, data)

    def erase(self, address):
        """Set the sector at address (a multiple of 4096) to 0xFF."""
        self._check(address, SECTOR)
        if address % SECTOR:
            raise ValueError("not the start of a sector")
        self._do(("erase", address) if self._traced() else None, address, None)

    def apply(self, op, tear=None):
        """Replay a recorded operation, whole or torn, without counting or cutting."""
        if tear is not None:
            self.tear(op, tear)
        elif op[0] == "erase":
            self._erase(op[1])
        else:
            self._and(op[1], op[2])

    def tear(self, op, how):
        """Do a part of a recorded operation, as a failing supply does.

        ("bytes", n): the first n bytes; ("tail", n): all but the first n; ("comb", n): each 16th byte
        from n on; ("bits", seed): some bits of every byte; ("weak",): an erase after which all reads
        0xFF, nothing of a program. A torn erase always leaves the sector weak: it must be erased
        again before it is programmed.
        """
        address = op[1]
        erase = op[0] == "erase"
        size = SECTOR if erase else len(op[2])
        if erase:
            self.weak.add(address // SECTOR)
        if how[0] == "weak":
            if erase:
                self._fill(address, SECTOR)
        elif how[0] == "bits":
            noise, seed = bytearray(size), how[1] * 2 + 1
            for i in range(size):
                seed = (seed * 75 + 74) % 65537
                noise[i] = seed & 0xFF if erase else (seed & 0xFF) | op[2][i]
            self._or(address, noise) if erase else self._and(address, noise)
        elif how[0] == "comb":
            for at in range(how[1], size, 16):
                if erase:
                    self._put(address + at, b"\xff")
                else:
                    self._and(address + at, op[2][at : at + 1])
        else:
            first, last = (0, how[1]) if how[0] == "bytes" else (how[1], size)
            if erase:
                self._fill(address + first, last - first)
            else:
                self._and(address + first, op[2][first:last])

    def _find_weak(self, first, last):
        for sector in range(first, last + 1):
            if sector in self.weak:
                raise WeakSector(sector)

    def _traced(self):
        return self.record is not None or self._left == 0

    def _do(self, op, address, data):
        if self._left == 0:
            if self._tear is not None:
                self.tear(op, self._tear)
            raise PowerCut()
        self._left -= self._left > 0
        if self.record is not None:
            self.record.append(op)
        if data is None:
            self.erases += 1
            self._erase(address)
        else:
            self.programs += 1
            self._and(address, data)

    def _erase(self, address):
        self._fill(address, SECTOR)
        self.weak.discard(address // SECTOR)

    def _fill(self, address, size):
        for at in range(0, size, _STEP):
            self._put(address + at, _BLANK[: min(_STEP, size - at)])

    def _and(self, address, data):
        for at in range(0, len(data), _STEP):
            self._and_piece(address + at, data[at : at + _STEP])

    def _and_piece(self, address, new):
        size = len(new)
        old = bytearray(size)
        self._get(address, old)
        both = int.from_bytes(old, "little")
        both &= int.from_bytes(new, "little")
        old = None
        self._put(address, both.to_bytes(size, "little"))

    def _or(self, address, data):
        old = bytearray(len(data))
        self._get(address, old)
        for i in range(len(old)):
            old[i] |= data[i]
        self._put(address, old)

    def _get(self, address, buf):
        size = len(buf)
        self._check(address, size)
        if self._file is None:
            buf[:] = memoryview(self._bytes)[address : address + size]
            return
        self._file.seek(address)
        if self._file.readinto(buf) != size:
            raise OSError(5)

    def _put(self, address, data):
        if self._file is None:
            self._bytes[address : address + len(data)] = data
        else:
            self._file.seek(address)
            self._file.write(data)

    def _check(self, address, size):
        if address < 0 or address + size > self.size:
            raise OSError(-260, "ESP_ERR_INVALID_SIZE")


class Region:
    """`blocks` sectors of a Nor from byte `offset` on, with the block protocol of esp32.Partition."""

    def __init__(self, nor, offset, blocks):
        self.nor = nor
        self.offset = offset
        self.blocks = blocks
        nor._check(offset, blocks * SECTOR)

    def readblocks(self, block, buf, offset=0):
        address = self._address(block, offset, len(buf))
        self.nor.read(address, buf)

    def writeblocks(self, block, buf, offset=None):
        """With an offset: program only. Without: erase every block that buf reaches into first."""
        start = self._address(block, offset or 0, len(buf))
        if offset is None:
            self._erase(start, len(buf))
        self.nor.program(start, buf)

    def _erase(self, start, size):
        for address in range(start, start + size, SECTOR):
            self.nor.erase(address)

    def ioctl(self, op, arg):
        if op == 4:
            return self.blocks
        if op == 5:
            return SECTOR
        if op == 6:
            self.nor.erase(self._address(arg, 0, SECTOR))
        return 0

    def _address(self, block, offset, size):
        at = block * SECTOR + offset
        if at < 0 or at + size > self.blocks * SECTOR:
            raise OSError(-260, "ESP_ERR_INVALID_SIZE")
        return self.offset + at
