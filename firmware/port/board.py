"""The Board contract (docs/board.md) on ESP32 drivers; pins come from board.json.

Whatever the safety step calls (all of a connector, and emergency()) allocates nothing: drivers and
bound methods are made here once, pilot_mv() always returns the same list.
"""

import time

import machine
from machine import ADC, PWM, Pin, Timer
from micropython import const
from port import storage
from port.reader import LineReader

_SAMPLES = const(64)  # 3 to 6 ms; at 10 % duty some of them fall on the high level
_PROXIMITY_SAMPLES = const(8)
_OPEN_OHM = const(999999)
_FULL_MV = const(3050)  # from here on the ADC of the ESP32 saturates
_S0_FILTER_NS = const(12000)
_WATCHDOG_MS = const(8000)
_NO_PULL = const(34)  # from this GPIO on there are no pull resistors

# OCPP status: ms on, of ms. What is not listed is a fault.
_LED = {
    "Available": (50, 2000),
    "Preparing": (500, 1000),
    "Charging": (1000, 1000),
    "SuspendedEV": (1900, 2000),
    "SuspendedEVSE": (1500, 2000),
    "Finishing": (500, 1000),
    "Reserved": (1000, 2000),
    "Unavailable": (0, 1000),
}
_LED_FAULT = (100, 200)


class _Input:
    """A digital input; `broken` is what an open wire reads, where the chip has a pull resistor."""

    def __init__(self, number, low, broken):
        pull = None
        if number < _NO_PULL:
            pull = Pin.PULL_UP if broken != low else Pin.PULL_DOWN
        self._pin = Pin(number, Pin.IN, pull)
        self._low = 1 if low else 0

    def active(self):
        return self._pin() != self._low


class _Output:
    """A digital output, off until told."""

    def __init__(self, number, low):
        self._low = low
        self._pin = Pin(number, Pin.OUT, value=1 if low else 0)

    def set(self, on):
        self._pin(1 if on != self._low else 0)


class _Pulses:
    """Pulse counter in software, for chips without one in hardware: no debounce, drops at a stall."""

    def __init__(self, pin):
        self._n = 0
        pin.irq(self._count, Pin.IRQ_FALLING)

    def _count(self, pin):
        self._n = (self._n + 1) & 0x3FFFFFFF

    def value(self):
        return self._n


def _counter(unit, number):
    pin = Pin(number, Pin.IN, Pin.PULL_UP if number < _NO_PULL else None)
    if hasattr(machine, "Counter"):  # the C3 has none
        return machine.Counter(unit, pin, edge=machine.Counter.FALLING, filter_ns=_S0_FILTER_NS)
    return _Pulses(pin)


class Connector:
    """One connector of the board."""

    def __init__(self, index, config, relay, part, temperature):
        self.max_ma = config["max_ma"]
        self.pulses_per_kwh = config["pulses_per_kwh"]
        self.phases = config["phases"]
        self.socket = config["socket"]
        self.ventilation = config.get("ventilation", False)
        self._relay = relay
        # 1 kHz is set once and never again, as that would disturb the signal; X1 is 100 %.
        self._pwm = PWM(Pin(config["pilot_pwm"]), freq=1000, duty_u16=65535)
        self._pilot_uv = ADC(Pin(config["pilot_adc"]), atten=ADC.ATTN_11DB).read_uv
        self._pairs = config["pilot_calibration"]
        self._levels = [0, 0]
        self._pulses = _counter(index, config["s0"]).value
        self._feedback = part(config, "contactor_feedback", _Input, True)
        self._locked = part(config, "lock_feedback", _Input, False)
        self._rcd = part(config, "rcd", _Input, True)
        self._lock = part(config, "lock", _Output)
        self._rcd_test = part(config, "rcd_test", _Output)
        self._temperature = temperature
        self._proximity_uv = None
        if "proximity_adc" in config:
            self._proximity_uv = ADC(Pin(config["proximity_adc"]), atten=ADC.ATTN_11DB).read_uv
            self._pullup_ohm = config["proximity_pullup_ohm"]
            self._supply_mv = config["proximity_supply_mv"]

    def pwm(self, permille):
        """Duty of the pilot: 1000 is steady +12 V, 0 steady -12 V."""
        duty = (permille * 65536 + 500) // 1000
        self._pwm.duty_u16(duty if duty < 65535 else 65535)

    def pilot_mv(self):
        """[high, low] of a burst in mV at the pilot: the same list each time."""
        read = self._pilot_uv
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
        pairs = self._pairs
        i = 1
        while i < len(pairs) - 1 and mv > pairs[i][0]:
            i += 1
        a, b = pairs[i - 1], pairs[i]
        return a[1] + (mv - a[0]) * (b[1] - a[1]) // (b[0] - a[0])

    def relay(self, on):
        self._relay.set(on)

    def relay_feedback(self):
        """Are the contacts closed; None where the board can not see them."""
        return self._feedback.active() if self._feedback else None

    def proximity_ohm(self):
        """Resistor of the cable, 999999 for none, 0 where there is no proximity contact."""
        if not self._proximity_uv:
            return 0
        mv = 0
        for _ in range(_PROXIMITY_SAMPLES):
            mv += self._proximity_uv() // 1000
        mv //= _PROXIMITY_SAMPLES
        if mv >= self._supply_mv or mv >= _FULL_MV:
            return _OPEN_OHM
        ohm = self._pullup_ohm * mv // (self._supply_mv - mv)
        return ohm if ohm > 0 else 1

    def pulses(self):
        """Pulses of the meter since boot."""
        return self._pulses()

    def lock(self, on):
        if self._lock:
            self._lock.set(on)

    def locked(self):
        """Is the lock engaged; None where nothing says so."""
        return self._locked.active() if self._locked else None

    def rcd_tripped(self):
        return self._rcd.active() if self._rcd else False

    def rcd_test(self, on):
        if self._rcd_test:
            self._rcd_test.set(on)

    def temperature_c10(self):
        """Tenths of a degree, None without a sensor."""
        return self._temperature() if self._temperature else None


class Board:
    """A charger as board.json describes it."""

    def __init__(self, config):
        # Before anything else that could fail: every contactor open.
        relays = [_Output(c["contactor"], False) for c in config["connectors"]]
        self.id = config["id"]
        self.reset_cause = storage.take_reset_cause()
        self._active_low = config.get("active_low", ("button",))
        temperature = None
        if "temperature_adc" in config:
            self._temperature_uv = ADC(Pin(config["temperature_adc"]), atten=ADC.ATTN_11DB).read_uv
            self._mv_per_c = config["temperature_mv_per_c"]
            self._offset_mv = config["temperature_offset_mv"]
            temperature = self._temperature_c10
        self.connectors = []
        for k, c in enumerate(config["connectors"]):
            self.connectors.append(Connector(k, c, relays[k], self._part, temperature))
        self._led = self._part(config, "led", _Output)
        self._button = self._part(config, "button", _Input, False)
        self._emergency = self._part(config, "emergency", _Input, True)
        self._tamper = self._part(config, "tamper", _Input, True)
        self._reader = LineReader(config["rfid"]) if "rfid" in config else None
        self._timers = []
        self._watchdog = None

    def _part(self, config, name, kind, *more):
        if name not in config:
            return None
        return kind(config[name], name in self._active_low, *more)

    def _temperature_c10(self):
        return (self._temperature_uv() // 1000 - self._offset_mv) * 10 // self._mv_per_c

    def tag(self):
        """The next tag that was read, or None."""
        return self._reader.tag() if self._reader else None

    def tags_dropped(self):
        """Lines of the reader that were no tags: too long, or not printable."""
        return self._reader.dropped if self._reader else 0

    def led(self, state):
        """Show an OCPP status; to be called every 100 ms or so, since it blinks."""
        if self._led:
            on_ms, of_ms = _LED.get(state, _LED_FAULT)
            self._led.set(time.ticks_ms() % of_ms < on_ms)  # type: ignore

    def button(self):
        return self._button.active() if self._button else False

    def emergency(self):
        return self._emergency.active() if self._emergency else False

    def tamper(self):
        return self._tamper.active() if self._tamper else False

    def every(self, ms, callback):
        """Call callback(timer) every so many ms; the chip has four such timers."""
        timer = Timer(len(self._timers))
        timer.init(period=ms, mode=Timer.PERIODIC, callback=callback)
        self._timers.append(timer)
        return timer

    def feed(self):
        """Feed the watchdog, which runs from the first call on and can not be stopped."""
        if self._watchdog is None:
            self._watchdog = machine.WDT(timeout=_WATCHDOG_MS)
        self._watchdog.feed()

    def restart(self, cause):
        """Open everything and reset the chip; the next start finds `cause` in reset_cause."""
        for connector in self.connectors:
            connector.relay(False)
            connector.pwm(1000)
        storage.save_reset_cause(cause)
        machine.reset()
