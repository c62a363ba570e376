"""Takes the strings of a compiled module out of the tuples that cold_strings has put them into.

Only the compiler would intern them: import makes an object of a string that stands among the constants, however short it is.
Without its tuple it takes 16 bytes of the heap less. What took it out of there is replaced by as many bytes that do nothing, so
that jumps stay as they are. The format is that of MicroPython's py/persistentcode.c, the opcodes are those of its py/bc0.h.
"""

from collections.abc import Iterator

from pilotwire.errors import PilotwireError

_STRING, _TUPLE = 5, 10  # kinds of constants; those below the first have no bytes
_LOAD_CONST_OBJ = 0x23
_FIRST = b"\x80\x55"  # [0]
_NOTHING = b"\x57\x59"  # DUP_TOP, POP_TOP
_FORMATS = 0x3A4  # of arguments, two bits for each sixteen opcodes: none, a name, a number, a jump
_EXTRA = 0x9E  # opcodes with none of these bits have one byte more


def unwrapped(mpy: bytes) -> bytes:
    """The module with bare strings; PilotwireError if it is none of bytecode."""
    code = _Module(mpy)
    uses: dict[int, list[int]] = {}
    bare: dict[int, list[int]] = {}
    for at, number in code.constants_used():
        uses.setdefault(number, []).append(at)
        end = code.number(at + 1)[1]
        if mpy[end : end + 2] == _FIRST:
            bare.setdefault(number, []).append(end)
    made = bytearray(mpy)
    pieces, done = [], 0
    for number, start in enumerate(code.objects):
        if mpy[start : start + 3] == bytes((_TUPLE, 1, _STRING)) and len(uses.get(number, ())) == len(bare.get(number, ())):
            for at in bare[number]:
                made[at : at + 2] = _NOTHING
            pieces.append((done, start))
            done = start + 2
    return b"".join([*(bytes(made[start:end]) for start, end in pieces), bytes(made[done:])])


class _Module:
    """Where things stand in the bytes of a .mpy."""

    def __init__(self, mpy: bytes):
        self._mpy = mpy
        if mpy[:2] != b"M\6" or mpy[2] >> 2:
            raise PilotwireError("cannot read a .mpy", f"it begins with {mpy[:3].hex()}, which is no bytecode of version 6")
        names, at = self.number(4)
        objects, at = self.number(at)
        for _ in range(names):
            size, at = self.number(at)
            at += 0 if size & 1 else (size >> 1) + 1
        self.objects: list[int] = []
        for _ in range(objects):
            self.objects.append(at)
            at = self._object(at)
        self._code = at

    def number(self, at: int) -> tuple[int, int]:
        """(unsigned number at a place, the place behind it)."""
        value = 0
        while True:
            byte = self._mpy[at]
            value = value << 7 | byte & 0x7F
            at += 1
            if byte < 0x80:
                return value, at

    def _object(self, at: int) -> int:
        kind = self._mpy[at]
        if kind < _STRING:
            return at + 1
        size, at = self.number(at + 1)
        if kind == _TUPLE:
            for _ in range(size):
                at = self._object(at)
            return at
        return at + size + (kind in (_STRING, _STRING + 1))  # str and bytes end with a zero

    def constants_used(self) -> Iterator[tuple[int, int]]:
        """(place, number of the constant) of each instruction that loads one."""
        waiting, at = 1, self._code
        while waiting:
            head, at = self.number(at)
            yield from self._instructions(at, at + (head >> 3))
            at += head >> 3
            waiting -= 1
            if head & 4:
                children, at = self.number(at)
                waiting += children

    def _instructions(self, at: int, end: int) -> Iterator[tuple[int, int]]:
        while self._mpy[at] & 0x80:  # the prelude: its sizes, its names and cells
            at += 1
        sizes, at = self._sizes(at + 1)
        at += sizes
        while at < end:
            code = self._mpy[at]
            form = _FORMATS >> 2 * (code >> 4) & 3
            place, at = at, at + 1
            if form == 3:
                at += 1 + (self._mpy[at] >> 7)
            elif form:
                argument, at = self.number(at)
                if code == _LOAD_CONST_OBJ:
                    yield place, argument
            at += not code & _EXTRA

    def _sizes(self, at: int) -> tuple[int, int]:
        # MP_BC_PRELUDE_SIZE: bits of two numbers take turns, six and one in each byte
        info = cells = shift = 0
        while True:
            byte = self._mpy[at]
            at += 1
            cells |= (byte & 1) << shift
            info |= (byte >> 1 & 0x3F) << 6 * shift
            shift += 1
            if byte < 0x80:
                return info + cells, at
