"""Meter of the SDM630 kind (also SDM72D-M, SDM230) on a UART with an RS-485 transceiver: asked each second, never waited for."""

import modbus
import ticks
from machine import UART, Pin
from micropython import const

_FUNCTION = const(4)
_COUNT = const(74)  # from voltage L1 to the import register, one question
_SIZE = const(153)
_CURRENT = const(12)  # places of the numbers in the answer, in bytes
_POWER = const(104)
_IMPORT = const(144)
_ASK_MS = const(1000)
_ANSWER_MS = const(500)


class Driver:
    """`errors` counts answers that were damaged or did not come."""

    def __init__(self, config):
        self.errors = 0
        self._device = config.get("address", 1)
        self._uart = UART(config["uart"], config["baud"], tx=Pin(config["tx"]), rx=Pin(config["rx"]))
        # A transceiver that does not find its direction by itself.
        self._send = Pin(config["send"], Pin.OUT, value=0) if "send" in config else None
        self._buf = bytearray(_SIZE)
        self._n = 0
        self._asked = None  # now_ms of a question that is not answered
        self._due = None

    def poll(self, now, meter):
        """To be called each 100 ms or so; meter.take() gets what the meter says."""
        if self._asked is not None:
            self._listen(now, meter)
        elif self._due is None or ticks.diff(now, self._due) >= 0:
            self._ask(now)

    def _ask(self, now):
        while self._uart.any():  # what came late
            self._uart.readinto(self._buf)
        self._n = 0
        self._asked = now
        self._due = ticks.add(now, _ASK_MS)
        if self._send:
            self._send(1)
        self._uart.write(modbus.request(self._device, _FUNCTION, 0, _COUNT))
        if self._send:
            self._uart.flush()  # 8 bytes
            self._send(0)

    def _listen(self, now, meter):
        n = min(self._uart.any(), _SIZE - self._n)
        if n:
            self._n += self._uart.readinto(memoryview(self._buf)[self._n :], n) or 0
        try:
            data = modbus.answer(self._buf, self._n, self._device, _FUNCTION, _COUNT)
            if data:
                meter.take(
                    modbus.scaled(data, _IMPORT, 1000),
                    modbus.scaled(data, _POWER, 1),
                    [modbus.scaled(data, _CURRENT + 4 * k, 1000) for k in range(3)],
                    [modbus.scaled(data, 4 * k, 1000) for k in range(3)],
                )
                self._asked = None
        except (modbus.ModbusError, ValueError):
            self.errors += 1
            self._asked = None
        if self._asked is not None and ticks.diff(now, self._asked) >= _ANSWER_MS:
            self.errors += 1
            self._asked = None
