"""What C code would take on the chip, charged to the virtual clock in one piece: nothing else runs meanwhile, as there.

    costs.install("esp32")      before the firmware is imported

Bytecode costs nothing here: the virtual clock stands still while a program computes. Automatic collections can not be seen
and are not charged. Sources: [I] public measurements and data sheets, [Q] stock images in an emulator at an assumed 125 MIPS,
[E] scaled from this desktop. All in microseconds.
"""

import builtins
import gc
import io
import sys
import time

import chip_adc
import nor
import tls

TABLE = {
    "esp32": {
        "erase": 45000,  # [I] typical of the NOR flash of modules, 4 KB; up to 400 ms in the worst case
        "burst": 4000,  # [I] 35 to 100 us a reading of the converter, 64 of them
        "program": 100,  # [Q] 0.06 to 0.12 ms a record of the ledger
        "gc": 7000,  # [E] 100 KB live, 60 to 80 times the desktop's 92 us; [I] agree
        "import": 8000,  # [E] a .mpy of 2 KB from LittleFS: 60 to 100 times the desktop's 0.1 ms
        "pow": 235000,  # [E] 3,072 bits, e = 65537; other lengths go with their square
        "record": 400,  # [E] AES-GCM in hardware and its bytecode, for each KB or part of it
        # [I] 0.93 to 1.3 s in all, ECDHE-ECDSA with a chain of two; [E] the largest slice with the shim 150 to 250 ms.
        # By turns: hello, hello, certificate, key exchange, done, our key, cipher and Finished, Finished.
        "handshake": (30000, 10000, 230000, 250000, 10000, 250000, 180000, 20000, 10000),
    },
    "esp32c3": {
        "erase": 45000,
        "burst": 4000,
        "program": 100,
        "gc": 8000,  # [Q] 0.3 ms for a small heap; [E] as for the ESP32, at 160 MHz
        "import": 9000,
        "pow": 51000,  # [Q]
        "record": 500,
        "handshake": (10000, 5000, 100000, 115000, 5000, 110000, 60000, 10000, 5000),  # [Q] largest slice 115 ms
    },
}
TABLE["esp32s3"] = TABLE["esp32s2"] = TABLE["esp32"]  # [I] the same order; nothing better is known
TABLE["esp32c6"] = TABLE["esp32c3"]

_cost = {}


def install(chip):
    """From now on the costs of this chip are charged; nothing for a chip that is not in the table."""
    global _cost
    _cost = TABLE.get(chip)
    TABLE.clear()
    if not _cost:
        return
    nor.Nor.erase = _erase
    nor.Nor.program = _program
    chip_adc.burst_us = _cost["burst"]
    sys.modules["gc"] = _Gc()
    sys.modules["tls"] = _Tls()
    builtins.pow = _pow
    builtins.__import__ = _import


_real_erase = nor.Nor.erase
_real_program = nor.Nor.program


def _erase(self, address):
    _real_erase(self, address)
    time.charge(_cost["erase"])


def _program(self, address, data):
    _real_program(self, address, data)
    time.charge(_cost["program"])


class _Gc:
    def __getattr__(self, name):
        return getattr(gc, name)

    def collect(self):
        gc.collect()
        time.charge(_cost["gc"])


_real_pow = pow
_real_import = __import__


def _pow(base, exponent, modulus=None):
    if modulus is None:
        return _real_pow(base, exponent)
    n = 0
    m = modulus >> 512
    while m:
        n += 1
        m >>= 512
    time.charge(_cost["pow"] * n * n // 36)
    return _real_pow(base, exponent, modulus)


def _import(name, *args):
    known = name in sys.modules
    module = _real_import(name, *args)
    if not known and getattr(module, "__file__", "")[:1] == "/":  # neither built in nor frozen
        time.charge(_cost["import"])
    return module


class _Tls:
    """The module, with contexts whose sockets cost time."""

    def __getattr__(self, name):
        return getattr(tls, name)

    def SSLContext(self, protocol):
        return _Context(tls.SSLContext(protocol))


class _Context:
    def __init__(self, real):
        super().__setattr__("_real", real)

    def __getattr__(self, name):
        return getattr(self._real, name)

    def __setattr__(self, name, value):
        setattr(self._real, name, value)

    def wrap_socket(self, sock, **how):
        wire = _Wire(sock)
        return _Socket(self._real.wrap_socket(wire, **how), wire)


class _Wire(io.IOBase):
    def __init__(self, sock):
        self._sock = sock
        self.moved = False

    def readinto(self, buf):
        return self._note(self._sock.readinto(buf))

    def write(self, buf):
        return self._note(self._sock.write(buf))

    def ioctl(self, request, argument):
        return self._sock.ioctl(request, argument) if hasattr(self._sock, "ioctl") else 0

    def _note(self, n):
        if n:
            self.moved = True
        return n


class _Socket:
    def __init__(self, real, wire):
        self._real = real
        self._wire = wire
        self._turn = 0

    def __getattr__(self, name):
        return getattr(self._real, name)

    def readinto(self, buf):
        return self._charged(self._real.readinto, buf)

    def read(self, n):
        return self._charged(self._real.read, n)

    def write(self, buf):
        return self._charged(self._real.write, buf)

    def _charged(self, function, argument):
        self._wire.moved = False
        try:
            n = function(argument)
        finally:
            turns = _cost["handshake"]
            if self._wire.moved and self._turn < len(turns):
                time.charge(turns[self._turn])
                self._turn += 1
        if n:
            self._turn = len(turns)
            size = n if isinstance(n, int) else len(n)
            time.charge(_cost["record"] * ((size + 1023) // 1024))
        return n
