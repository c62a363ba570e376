"""The Board contract (docs/board.md) on ESP32 drivers; pins come from board.json by way of port/wiring.py.

Whatever the safety step calls (all of a connector, and emergency()) allocates nothing: drivers and
bound methods are made once, pilot_mv() always returns the same list.
"""
# pyright: reportAttributeAccessIssue=false
# (wiring.py sets most of what a connector has)

import time
from binascii import crc32
from struct import pack

import cold
import machine
from micropython import const

_SAMPLES = const(64)  # 3 to 6 ms; at 10 % duty some of them fall on the high level
_PROXIMITY_SAMPLES = const(8)
_OPEN_OHM = const(999999)
_FULL_MV = const(3050)  # from here on the ADC of the ESP32 saturates
_WATCHDOG_MS = const(8000)


class Connector:
    """One connector of the board; what is no method here is set by wiring.py: a pin, a driver's method, or nothing at all."""

    def __init__(self):
        self._levels = [0, 0]

    def pwm(self, permille):
        """Duty of the pilot: 1000 is steady +12 V, 0 steady -12 V."""
        duty = (permille * 65536 + 500) // 1000
        self.pilot_pwm.duty_u16(duty if duty < 65535 else 65535)

    def pilot_mv(self):
        """[high, low] of a burst in mV at the pilot: the same list each time."""
        read = self.pilot_uv
        high = low = read()
        for _ in range(_SAMPLES - 1):
            uv = read()
            if uv > high:
                high = uv
            elif uv < low:
                low = uv
        self._levels[0] = self._pilot(high // 1000)
        self._levels[1] = self._pilot(low // 1000)
        return self._levels

    def _pilot(self, mv):
        pairs = self.pilot_calibration
        i = 1
        while i < len(pairs) - 1 and mv > pairs[i][0]:
            i += 1
        a, b = pairs[i - 1], pairs[i]
        return a[1] + (mv - a[0]) * (b[1] - a[1]) // (b[0] - a[0])

    def proximity_ohm(self):
        """Resistor of the cable, 999999 for none, 0 where there is no proximity contact."""
        if not self.proximity_uv:
            return 0
        mv = 0
        for _ in range(_PROXIMITY_SAMPLES):
            mv += self.proximity_uv() // 1000
        mv //= _PROXIMITY_SAMPLES
        if mv >= self.proximity_supply_mv or mv >= _FULL_MV:
            return _OPEN_OHM
        ohm = self.proximity_pullup_ohm * mv // (self.proximity_supply_mv - mv)
        return ohm if ohm > 0 else 1


class Board:
    """A charger as board.json describes it."""

    def __init__(self, config):
        self.connectors = []
        self.lan = None
        self.reader = self.lamp = self._watchdog = None
        self._timers = []
        cold.call("port.wiring", "wire", self, config, Connector)
        self.reset_cause, self.kept = cold.call("port.storage", "wake")

    def tag(self):
        """The next tag that was read, or None."""
        return self.reader.tag() if self.reader else None

    def led(self, state):
        """Show an OCPP status; to be called every 100 ms or so, since it blinks."""
        if self.lamp:
            self.lamp.show(state, time.ticks_ms())  # type: ignore

    def every(self, ms, callback):
        """Call callback(timer) every so many ms; the chip has four such timers, a C3 two."""
        timer = machine.Timer(len(self._timers))
        timer.init(period=ms, mode=machine.Timer.PERIODIC, callback=callback)
        self._timers.append(timer)
        return timer

    def feed(self):
        """Feed the watchdog, which runs from the first call on and can not be stopped."""
        if self._watchdog is None:
            self._watchdog = machine.WDT(timeout=_WATCHDOG_MS)
        self._watchdog.feed()

    def keep(self, values):
        """Keep a list of integers over a reset: the next start finds it in `kept`, empty after a power cut."""
        body = b"\1\0" + pack("<%dI" % len(values), *values)  # read back by port/storage.py
        machine.RTC().memory(crc32(body).to_bytes(4, "little") + body)

    def note_wear(self, k, worn):
        """Write down what wear() of an Outlet returned."""
        cold.call("port.wear", "add", k, worn[0], worn[1])

    def wear(self, k):
        """(how often, how many hours) the contactor of a connector was closed, ever."""
        return cold.call("port.wear", "total", k)

    def restart(self, cause):
        """Open everything and reset the chip; the next start finds `cause` in reset_cause."""
        for connector in self.connectors:
            connector.relay(False)
            connector.relay2(False)
            connector.pwm(1000)
        cold.call("port.storage", "save_reset_cause", cause)
        machine.reset()
