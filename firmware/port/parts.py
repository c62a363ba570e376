"""What every board needs besides the chip's own drivers."""


def absent(on=None):
    """In place of a part that the board does not have."""


class Temperature:
    """An analogue sensor of a straight line."""

    def __init__(self, uv, mv_per_c, offset_mv):
        self._uv = uv
        self._mv_per_c = mv_per_c
        self._offset_mv = offset_mv

    def c10(self):
        return (self._uv() // 1000 - self._offset_mv) * 10 // self._mv_per_c
