"""Modbus RTU framing for a master that reads registers; sans-I/O, for any UART.

    frame = modbus.request(1, 4, 0, 74)         device 1, input registers 0 to 73
    data = modbus.answer(buffer, n, 1, 4, 74)   the registers as bytes; None while bytes are missing; ModbusError
"""


class ModbusError(Exception):
    """An answer that is damaged, of another device, or a refusal; args[0] is the exception code of a refusal, else text."""


def crc16(data, n):
    """The CRC of n bytes."""
    crc = 0xFFFF
    for i in range(n):
        crc ^= data[i]
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def request(device, function, register, count):
    """Frame that reads `count` registers from `register` on; function 3 holding, 4 input registers."""
    frame = bytes((device, function)) + register.to_bytes(2, "big") + count.to_bytes(2, "big")
    return frame + crc16(frame, 6).to_bytes(2, "little")


def answer(buf, n, device, function, count):
    """The 2 * count bytes of the registers in the first n bytes of buf; None while there are too few."""
    if n < 5:
        return None
    refused = buf[0] == device and buf[1] == function | 0x80
    size = 5 if refused else 5 + 2 * count
    if not refused and (buf[0] != device or buf[1] != function or buf[2] != 2 * count):
        raise ModbusError("not an answer to what was asked")
    if n < size:
        return None
    if crc16(buf, size - 2) != buf[size - 2] | buf[size - 1] << 8:
        raise ModbusError("CRC")
    if refused:
        raise ModbusError(buf[2])
    return bytes(memoryview(buf)[3 : size - 2])


def scaled(data, at, scale):
    """The single-precision number in the registers at byte `at`, times `scale`, as an int; ValueError for none, inf and nan."""
    bits = int.from_bytes(data[at : at + 4], "big")
    exponent = bits >> 23 & 0xFF
    if exponent > 190:
        raise ValueError("no number, or a huge one")
    value = (bits & 0x7FFFFF | 0x800000) * scale if exponent else 0
    shift = 150 - exponent
    value = value << -shift if shift <= 0 else value + (1 << shift - 1) >> shift
    return -value if bits >> 31 else value
