"""Where the MicroPython image of a bundle goes."""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_BLOCK = const(4096)


class Sectors:
    """Writes a partition from byte `at` on, each sector erased when its start is reached."""

    def __init__(self, part, at=0):
        self._part = part
        self._at = at

    def write(self, piece):
        done = 0
        while done < len(piece):
            sector, offset = self._at // _BLOCK, self._at % _BLOCK
            if not offset:
                self._part.ioctl(6, sector)
            n = min(_BLOCK - offset, len(piece) - done)
            self._part.writeblocks(sector, piece[done : done + n], offset)
            done += n
            self._at += n

    def close(self):
        pass
