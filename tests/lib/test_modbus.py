"""Modbus RTU: frames against published examples, damage, numbers."""

import modbus

# The frame that the SDM630's manual gives as an example (30001 on, two registers), and one of the Modbus guide.
FRAMES = [
    ((1, 4, 0, 2), b"\x01\x04\x00\x00\x00\x02\x71\xcb"),
    ((17, 3, 107, 3), b"\x11\x03\x00\x6b\x00\x03\x76\x87"),
]

# number, scale, int
CASES = [
    (b"\x43\x66\x33\x34", 1000, 230200),
    (b"\x00\x00\x00\x00", 1000, 0),
    (b"\x3f\x80\x00\x00", 1, 1),
    (b"\xbf\x80\x00\x00", 1000, -1000),
    (b"\x41\x80\x00\x00", 1000, 16000),
    (b"\x46\x40\xe6\xb7", 1000, 12345679),
    (b"\x4b\x80\x00\x00", 1000, 16777216000),
    (b"\x00\x00\x00\x01", 1000, 0),
]


def test_numbers(case):
    data, scale, value = case
    assert modbus.scaled(b"xx" + data, 2, scale) == value


def test_no_numbers():
    for data in (b"\x7f\xc0\x00\x00", b"\x7f\x80\x00\x00", b"\x7f\x7f\xff\xff"):
        try:
            modbus.scaled(data, 0, 1)
        except ValueError:
            continue
        raise AssertionError(data)


def test_frames():
    for arguments, frame in FRAMES:
        assert modbus.request(*arguments) == frame
        assert modbus.crc16(frame, len(frame)) == 0


def answer_of(*body):
    data = bytes(body)
    return data + modbus.crc16(data, len(data)).to_bytes(2, "little")


def test_answer_in_pieces():
    whole = answer_of(1, 4, 4, 0x43, 0x66, 0x33, 0x34)
    for n in range(len(whole)):
        assert modbus.answer(whole, n, 1, 4, 2) is None
    assert modbus.answer(whole, len(whole), 1, 4, 2) == b"\x43\x66\x33\x34"


def test_what_is_no_answer():
    whole = answer_of(1, 4, 4, 0x43, 0x66, 0x33, 0x34)
    bad = [whole[:i] + bytes((whole[i] ^ 1,)) + whole[i + 1 :] for i in range(len(whole))]
    bad += [answer_of(1, 0x84, 2), answer_of(2, 4, 4, 0, 0, 0, 0)]
    for frame in bad:
        try:
            assert modbus.answer(frame, len(frame), 1, 4, 2) is None
        except modbus.ModbusError:
            continue
        raise AssertionError(frame)
