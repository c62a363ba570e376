"""What is at the other end of a UART, for boards that have it: a meter of the SDM630 kind, a PN532 reader."""

import struct
import time

import wire


def _crc(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


class Meter:
    """Answers questions for input registers with what flows in the simulated world, as fast as the line carries it."""

    def __init__(self, connector, config):
        self._k = connector
        self._device = config.get("address", 1)
        self._baud = config["baud"]
        self._due = 0
        self._answer = b""

    def hear(self, frame):
        """What the firmware sends."""
        if len(frame) != 8 or frame[0] != self._device or _crc(frame):
            return
        wh = wire.read(self._k, wire.METER_WH)
        if wh < 0:
            return
        register, count = struct.unpack(">HH", frame[2:6])
        if frame[1] != 4 or count > 80 or register + count > 344:
            body = bytes((self._device, frame[1] | 0x80, 2))
        else:
            numbers = self._numbers(wh)
            body = b"".join([struct.pack(">f", numbers.get(register + i, 0)) for i in range(0, count, 2)])
            body = bytes((self._device, 4, 2 * count)) + body
        self._answer = body + _crc(body).to_bytes(2, "little")
        self._due = time.virtual_ms() + 20 + (len(self._answer) + 8) * 11000 // self._baud

    def _numbers(self, wh):
        amps = [wire.read(self._k, wire.METER_MA + k) / 1000 for k in range(3)]
        numbers = {2 * k: 230.0 for k in range(3)}
        numbers.update({6 + 2 * k: amps[k] for k in range(3)})
        numbers.update({12 + 2 * k: amps[k] * 230 for k in range(3)})
        numbers[52] = sum(amps) * 230
        numbers[72] = wh / 1000
        return numbers

    def say(self):
        """What has arrived at the firmware."""
        if not self._answer or time.virtual_ms() < self._due:
            return b""
        answer, self._answer = self._answer, b""
        return answer


class Reader:
    """PN532: sleeps until it is woken, takes no card before SAMConfiguration. A tag of the world lies on it for 500 ms."""

    def __init__(self):
        self._awake = False
        self._ready = False
        self._out = b""
        self._uid = b""
        self._until = 0

    def lay(self, tag):
        """A tag of the world: its text in hexadecimal, or else its characters, is the UID."""
        try:
            self._uid = bytes(int(tag[i : i + 2], 16) for i in range(0, len(tag), 2)) if len(tag) % 2 == 0 else tag
        except ValueError:
            self._uid = tag
        self._uid = self._uid[:10]
        self._until = time.virtual_ms() + 500

    def hear(self, data):
        if data[:2] == b"\x55\x55":
            self._awake = True
        at = data.find(b"\x00\x00\xff")
        if not self._awake or at < 0:
            return
        size = data[at + 3]
        body = data[at + 5 : at + 5 + size]
        if (size + data[at + 4]) & 0xFF or sum(data[at + 5 : at + 6 + size]) & 0xFF or body[0] != 0xD4:
            return
        self._out = b"\x00\x00\xff\x00\xff\x00"
        if body[1] == 0x14:
            self._ready = True
            self._reply(b"\x15")
        elif body[1] == 0x32:
            self._reply(b"\x33")
        elif body[1] == 0x4A and self._ready:
            if self._uid and time.virtual_ms() < self._until:
                self._reply(b"\x4b\x01\x01\x00\x04\x08" + bytes((len(self._uid),)) + self._uid)
            else:
                self._reply(b"\x4b\x00")
        else:
            self._out += b"\x00\x00\xff\x01\xff\x7f\x81\x00"  # syntax error

    def _reply(self, body):
        body = b"\xd5" + body
        self._out += b"\x00\x00\xff" + bytes((len(body), -len(body) & 0xFF)) + body + bytes((-sum(body) & 0xFF, 0))

    def say(self):
        out, self._out = self._out, b""
        return out if wire.inputs[wire.TAG] >= 0 else b""
