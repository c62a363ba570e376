"""The converter of the chip; a part of the stand-in `machine`."""

import time

import wire
from chip_pins import pin_id, whole
from micropython import const

_ADC1_FIRST = const(32)
_ADC2_PINS = (0, 2, 4, 12, 13, 14, 15, 25, 26, 27)

radio_on = False  # set by network
burst_us = 0  # what reading the pilot takes, set by costs


class ADC:
    ATTN_0DB = const(0)
    ATTN_2_5DB = const(1)
    ATTN_6DB = const(2)
    ATTN_11DB = const(3)
    WIDTH_9BIT = const(9)
    WIDTH_10BIT = const(10)
    WIDTH_11BIT = const(11)
    WIDTH_12BIT = const(12)

    def __init__(self, pin, *, atten=3):
        self._id = pin_id(pin)
        if self._id < _ADC1_FIRST and self._id not in _ADC2_PINS:
            raise ValueError("invalid pin")
        self.init(atten=atten)
        self._name, self._k = wire.pins.get(self._id, ("", 0))
        self._seed = self._id
        self._seen = -1  # virtual ms of the levels below
        self._out = 0
        self._high = self._low = self._duty = 0
        if self._name == "pilot_adc":
            self._pairs = wire.connectors[self._k]["pilot_calibration"]
        elif self._name == "proximity_adc":
            self._up = wire.connectors[self._k]["proximity_pullup_ohm"]
            self._supply = wire.connectors[self._k]["proximity_supply_mv"]

    def init(self, *, atten=3):
        if not 0 <= whole(atten) <= 3:
            raise ValueError("invalid attenuation")
        # Full scale of the four ranges; above it the converter saturates.
        self._full = (1100, 1500, 2200, 3300)[atten]

    atten = lambda self, atten: self.init(atten=atten)

    def width(self, bits):
        if not 9 <= whole(bits) <= 12:
            raise ValueError("invalid bit-width")

    def _look(self):
        """Fetch the levels (mV at the pin) that hold for this virtual millisecond and these outputs."""
        self._duty = 65536
        if self._name == "pilot_adc":
            high, low = wire.read(self._k, wire.HIGH_MV), wire.read(self._k, wire.LOW_MV)
            out = wire.outputs[wire.OUT_CONNECTOR + self._k * wire.OUT_STRIDE + wire.PWM]
            self._out = out
            self._duty = 0 if out < 0 else 65536 if out & 0xFFFF == 65535 else out & 0xFFFF
            self._high, self._low = self._divided(high), self._divided(low)
        elif self._name == "proximity_adc":
            ohm = wire.read(self._k, wire.PROXIMITY_OHM)
            self._high = self._supply if ohm < 0 else self._supply * ohm // (ohm + self._up)
        elif self._name == "temperature_adc":
            c10 = wire.read(0, wire.TEMPERATURE_C10)
            self._high = (
                wire.station["temperature_offset_mv"]
                + c10 * wire.station["temperature_mv_per_c"] // 10
            )
        elif self._id < _ADC1_FIRST and radio_on:
            raise OSError(-263, "ESP_ERR_TIMEOUT")  # ADC2 belongs to the radio
        if burst_us and self._name == "pilot_adc":  # in one piece: the levels are those of its beginning
            time.charge(burst_us)
        self._seen = time.virtual_ms() if wire.link else -1

    def _divided(self, mv):
        pairs = self._pairs
        i = 1
        while i < len(pairs) - 1 and mv > pairs[i][1]:
            i += 1
        a, b = pairs[i - 1], pairs[i]
        return a[0] + (mv - a[1]) * (b[0] - a[0]) // (b[1] - a[1])

    def _mv(self):
        if self._seen != time._now:
            self._look()
        elif self._name == "pilot_adc":
            # The box may have changed the duty within this millisecond.
            if wire.outputs[wire.OUT_CONNECTOR + self._k * wire.OUT_STRIDE + wire.PWM] != self._out:
                self._look()
        self._seed = seed = (self._seed * 75 + 74) % 65537  # stays a small integer of 32 bits
        # A burst is not in step with the PWM: a sample falls anywhere in its period.
        mv = self._high if seed < self._duty else self._low
        mv += (seed >> 4) % 7 - 3
        return 0 if mv < 0 else self._full if mv > self._full else mv

    def read(self):
        return self._mv() * 4095 // self._full

    def read_u16(self):
        raw = self.read()
        return (raw << 4) | (raw >> 8)

    def read_uv(self):
        return self._mv() * 1000
