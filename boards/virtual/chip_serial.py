"""UART and pulse counter of the chip; a part of the stand-in `machine`."""

import io

import wire
from chip_pins import INPUT_ONLY, NOT_GIVEN, pin_id, whole
from micropython import const


class UART(io.IOBase):
    """A serial line to what board.json says is at its receiving pin: a reader of lines, or one of chip_peers."""

    def __init__(
        self, id, baudrate=115200, bits=8, parity=None, stop=1, *, tx=None, rx=None, **kwargs
    ):
        if not 0 <= whole(id) < 3:
            raise ValueError("UART(%d) does not exist" % id)
        self._rx = bytearray()
        self._peer = None
        self.init(baudrate, bits, parity, stop, tx=tx, rx=rx, **kwargs)

    def init(
        self,
        baudrate=115200,
        bits=8,
        parity=None,
        stop=1,
        *,
        tx=None,
        rx=None,
        txbuf=256,
        rxbuf=256,
        timeout=0,
        timeout_char=0,
        invert=0,
        flow=0,
    ):
        whole(baudrate)
        if bits not in (5, 6, 7, 8):
            raise ValueError("invalid data bits")
        if stop not in (1, 2):
            raise ValueError("invalid stop bits")
        if tx is not None and pin_id(tx) >= INPUT_ONLY:
            raise OSError(-258, "ESP_ERR_INVALID_ARG")
        self._size = whole(rxbuf)
        reader = wire.station.get("rfid")
        if rx is None:
            return
        if reader and pin_id(rx) == reader["rx"]:
            wire.on_tag = self._tag
            if reader.get("driver") == "pn532":
                from chip_peers import Reader

                self._peer = Reader()
                wire.on_tag = self._peer.lay
        for k, connector in enumerate(wire.connectors):
            if "meter" in connector and pin_id(rx) == connector["meter"]["rx"]:
                from chip_peers import Meter

                self._peer = Meter(k, connector["meter"])

    def _tag(self, tag):
        if len(self._rx) + len(tag) < self._size:
            self._rx.extend(tag + b"\n")

    def deinit(self):
        wire.on_tag = None

    def any(self):
        wire.refresh()
        if self._peer:
            self._rx.extend(self._peer.say())
        return len(self._rx)

    def read(self, n=-1):
        size = self.any()
        return self._take(size if n < 0 or n > size else n)

    def readline(self):
        self.any()
        return self._take(self._rx.find(b"\n") + 1 or len(self._rx))

    def readinto(self, buf, n=-1):
        size = min(self.any(), len(buf) if n < 0 else n)
        if not size:
            return None
        buf[:size] = self._take(size)
        return size

    def _take(self, n):
        if not n:
            return None
        data = bytes(self._rx[:n])
        self._rx = self._rx[n:]
        return data

    def write(self, buf):
        if self._peer:
            self._peer.hear(bytes(buf))
        return len(buf)

    def flush(self):
        pass

    def ioctl(self, request, argument):
        if request == 3:  # MP_STREAM_POLL
            return argument & (4 | (1 if self.any() else 0))
        return 0 if request == 4 else -22


class Counter:
    """Pulses since its start; only a pin with an S0 meter on it ever counts."""

    RISING = const(1)
    FALLING = const(2)
    UP = const(1)
    DOWN = const(2)

    def __init__(self, id, src=None, *, edge=1, direction=1, filter_ns=0):
        if not 0 <= whole(id) < 8:
            raise ValueError("id")
        whole(filter_ns)
        if src is None:
            raise TypeError("Counter needs a pin")
        self._wire = wire.pins.get(pin_id(src))
        self._base = 0
        self._base = self._count()

    def _count(self):
        if self._wire and self._wire[0] == "s0":
            return wire.read(self._wire[1], wire.PULSES) - self._base
        return 0

    def value(self, value=NOT_GIVEN):
        n = self._count()
        if value is not NOT_GIVEN:
            self._base += n - value
        return n

    def deinit(self):
        self._wire = None
