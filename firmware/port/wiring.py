"""Cold: puts the drivers of a board together from board.json, once at the start.

Nothing of this module itself may stay in what it makes: it would stay in memory as a whole.
"""

import machine
from machine import ADC, PWM, Pin, Signal
from micropython import const
from port.parts import Temperature, absent

_S0_FILTER_NS = const(12000)
# Parts of a connector that change what the electrical side does.
_PARTS = ("rcd_test", "contactor2", "pilot_switch")


def _uv(number):
    return ADC(Pin(number), atten=ADC.ATTN_11DB).read_uv


def output(number, low):
    """A digital output, off until told: to be called with True or False."""
    pin = Pin(number, Pin.OUT, value=1 if low else 0)
    return Signal(pin, invert=True) if low else pin


class _Wiring:
    def __init__(self, config):
        self._config = config
        self._low = config.get("active_low", ("button",))
        # Inputs from here on have no pull resistors; on the other chips all have them.
        self._no_pull = 34 if config.get("chip", "esp32") == "esp32" else 99

    def _input(self, part, name, broken):
        """To be called for what an input reads, 1 when active; `broken` is what an open wire shall read."""
        if name not in part:
            return absent
        low = name in self._low
        pull = None
        if part[name] < self._no_pull:
            pull = Pin.PULL_UP if broken != low else Pin.PULL_DOWN
        pin = Pin(part[name], Pin.IN, pull)
        return Signal(pin, invert=True) if low else pin

    def _output(self, part, name):
        """To be called with True or False; off until then."""
        return output(part[name], name in self._low) if name in part else absent

    def _temperature(self):
        config = self._config
        if "temperature_adc" not in config:
            return absent
        return Temperature(
            _uv(config["temperature_adc"]), config["temperature_mv_per_c"], config["temperature_offset_mv"]
        ).c10

    def _pulses(self, unit, number):
        pin = Pin(number, Pin.IN, Pin.PULL_UP if number < self._no_pull else None)
        if hasattr(machine, "Counter"):  # the C3 has none
            return machine.Counter(unit, pin, edge=machine.Counter.FALLING, filter_ns=_S0_FILTER_NS).value
        from port.drivers import Pulses

        return Pulses(pin).value

    def _feedback(self, part):
        """Mirror contact: a level. Optocouplers behind the contacts: a level that comes and goes with the mains."""
        if part.get("feedback") == "optocoupler":
            from port.drivers import Mains

            number = part["contactor_feedback"]
            return Mains(Pin(number, Pin.IN, Pin.PULL_UP if number < self._no_pull else None)).present
        return self._input(part, "contactor_feedback", True)

    def _connector(self, c, index, part):
        c.max_ma = part["max_ma"]
        c.phases = part["phases"]
        c.socket = part["socket"]
        c.pulses_per_kwh = part.get("pulses_per_kwh", 1000)
        c.ventilation = part.get("ventilation", False)
        c.parts = " ".join([name for name in _PARTS if name in part])
        if "temperature_adc" in self._config:
            c.parts += " temperature"
        # 1 kHz is set once and never again, as that would disturb the signal; X1 is 100 %.
        c.pilot_pwm = PWM(Pin(part["pilot_pwm"]), freq=1000, duty_u16=65535)
        c.pilot_uv = _uv(part["pilot_adc"])
        c.pilot_calibration = part["pilot_calibration"]
        c.pulses = self._pulses(index, part["s0"]) if "s0" in part else absent
        c.relay_feedback = self._feedback(part)
        c.rcd_tripped = self._input(part, "rcd", True)
        c.rcd_test = self._output(part, "rcd_test")
        c.open_pe = self._input(part, "earth", True)
        c.cut_pilot = self._output(part, "pilot_switch")
        c.locked = self._input(part, "lock_feedback", False)
        if "unlock" in part:
            from port.drivers import Motor

            motor = Motor(self._output(part, "lock"), self._output(part, "unlock"), c.locked)
            c.lock, c.locked = motor.drive, motor.locked
        else:
            c.lock = self._output(part, "lock")
        c.proximity_uv = None
        if "proximity_adc" in part:
            c.proximity_uv = _uv(part["proximity_adc"])
            c.proximity_pullup_ohm = part["proximity_pullup_ohm"]
            c.proximity_supply_mv = part["proximity_supply_mv"]
        c.meter = None
        if "meter" in part:
            c.meter = _driver(part["meter"])

    def _rfid(self):
        return _driver(self._config["rfid"]) if "rfid" in self._config else None

    def _lamp(self):
        config = self._config
        if "led" in config:
            from port.led import Lamp

            return Lamp(self._output(config, "led"), None)
        if "rgb" in config:
            from port.led import Lamp

            low = "rgb" in self._low
            return Lamp([output(number, low) for number in config["rgb"]], None)
        if "ring" in config:
            from neopixel import NeoPixel
            from port.led import Lamp

            return Lamp(None, NeoPixel(Pin(config["ring"]), config["ring_pixels"]))
        return None


def _driver(config):
    """The driver of a reader or a meter: `Driver` in port/<driver>.py."""
    return __import__("port." + config["driver"], None, None, ("*",)).Driver(config)  # by name: line, pn532, sdm630


def wire(board, config, connector):
    """Give a Board its parts."""
    # Before anything else that could fail: every contactor open.
    for part in config["connectors"]:
        c = connector()
        c.relay = output(part["contactor"], False)
        c.relay2 = output(part["contactor2"], False) if "contactor2" in part else absent
        board.connectors.append(c)
    board.id = config["id"]
    board.lan = config.get("lan")  # for port/link.py
    wiring = _Wiring(config)
    temperature = wiring._temperature()
    for k, part in enumerate(config["connectors"]):
        board.connectors[k].temperature_c10 = temperature
        wiring._connector(board.connectors[k], k, part)
    board.button = wiring._input(config, "button", False)
    board.emergency = wiring._input(config, "emergency", True)
    board.tamper = wiring._input(config, "tamper", True)
    board.lamp = wiring._lamp()
    board.reader = wiring._rfid()
