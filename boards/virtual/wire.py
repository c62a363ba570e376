"""The wires between the stand-ins and the world: one exchange of two fixed records with the supervisor.

`refresh()` asks for the inputs once per virtual millisecond, `changed()` sends an output at once. Words are
32 bits wide, host/pilotwire/sim/records.py has the same layout. Without a supervisor (device tests) nothing is
sent, and a test sets the inputs itself: `wire.inputs[wire.HIGH_MV] = 9000`.
"""

import array
import sys
import time
from micropython import const

_STEP = const(0)
_LOOKUP = const(1)
_HALT = const(2)
_HEARTBEAT_MS = const(100)

# Words of the record that goes out.
KIND = const(0)
NOW_MS = const(1)  # its lower 30 bits
ARGUMENT = const(2)
PORT = const(3)
LED = const(4)
WDT_MS = const(5)
READS = const(6)
PROGRAMS = const(7)
ERASES = const(8)
NOW_HIGH = const(9)
OUT_CONNECTOR = const(10)  # then for each connector: PWM and so on
PWM = const(0)  # duty_u16 | frequency << 16, -1 = not driven
RELAY = const(1)
LOCK = const(2)
RCD_TEST = const(3)
RELAY2 = const(4)
CUT = const(5)
OUT_STRIDE = const(6)
OUT_WORDS = const(22)

# Words of the record that comes in.
SPEED_MILLI = const(0)
NETWORK = const(1)
BUTTON = const(2)
EMERGENCY = const(3)
TAMPER = const(4)
TAG = const(5)  # length, -1 = the reader is dead, then 24 bytes
LOOKUP_PORT = const(12)  # port of the supervisor's proxy, negative = an errno
IN_CONNECTOR = const(13)
HIGH_MV = const(0)
LOW_MV = const(1)
PROXIMITY_OHM = const(2)  # -1 = open
PULSES = const(3)
FEEDBACK = const(4)
LOCKED = const(5)
RCD = const(6)
TEMPERATURE_C10 = const(7)
OPEN_PE = const(8)
METER_WH = const(9)  # -1: the meter does not answer
METER_MA = const(10)  # three of them
IN_STRIDE = const(13)
IN_WORDS = const(39)

# Causes that _HALT carries: those of machine.reset_cause(), and what is no reset.
UNCAUGHT = const(100)

# "i", not "q": each read of a "q" would make an integer on the heap.
outputs = array.array("i", [0] * OUT_WORDS)
inputs = array.array("i", [0] * IN_WORDS)
for _k in range(2):
    outputs[OUT_CONNECTOR + _k * OUT_STRIDE + PWM] = -1
    inputs[IN_CONNECTOR + _k * IN_STRIDE + HIGH_MV] = 12000
    inputs[IN_CONNECTOR + _k * IN_STRIDE + LOW_MV] = -12000
    inputs[IN_CONNECTOR + _k * IN_STRIDE + PROXIMITY_OHM] = -1
    inputs[IN_CONNECTOR + _k * IN_STRIDE + TEMPERATURE_C10] = 300
inputs[NETWORK] = 1

link = None  # the socket pair, a file
nor = None  # the flash, for its counters
pins = {}  # GPIO -> (what is connected to it, connector)
station = {}  # board.json without its connectors
connectors = []  # those of board.json
on_tag = None  # called with the bytes of a tag
_asked = -1
_speed = -1


def load(board):
    """Take the wiring of a parsed board.json."""
    global connectors
    connectors = board["connectors"]
    for k, connector in enumerate(connectors):
        for name in connector:
            if name in _CONNECTOR_PINS:
                pins[connector[name]] = (name, k)
    if "pn532" in str(board.get("rfid")) or "meter" in str(connectors):
        import chip_peers  # now: the firmware's path has no stand-ins
    for name in board:
        if name in _STATION_PINS:
            pins[board[name]] = (name, 0)
        if name != "connectors":
            station[name] = board[name]


_CONNECTOR_PINS = (
    "pilot_pwm",
    "pilot_adc",
    "contactor",
    "contactor_feedback",
    "proximity_adc",
    "s0",
    "lock",
    "lock_feedback",
    "rcd",
    "rcd_test",
    "contactor2",
    "pilot_switch",
    "earth",
    "unlock",
)
_STATION_PINS = ("temperature_adc", "led", "ring", "button", "emergency", "tamper")


def connect(file, flash):
    """Use the socket pair; the world follows at least each _HEARTBEAT_MS."""
    global link, nor
    link = file
    nor = flash
    _exchange()
    time.every(_HEARTBEAT_MS, refresh)


def output(connector, what, value):
    """Set an output word of a connector and tell the world at once if it changed."""
    i = OUT_CONNECTOR + connector * OUT_STRIDE + what
    if outputs[i] != value:
        outputs[i] = value
        changed()


def read(connector, what):
    """An input word of a connector as it is at this virtual millisecond."""
    refresh()
    return inputs[IN_CONNECTOR + connector * IN_STRIDE + what]


def refresh(_=None):
    if link and time.virtual_ms() != _asked:
        _exchange()


def changed():
    if link:
        _exchange()


def _exchange():
    global _asked, _speed
    _asked = time.virtual_ms()
    outputs[KIND] = _STEP
    _send()
    _receive()
    if inputs[SPEED_MILLI] != _speed:
        _speed = inputs[SPEED_MILLI]
        time.speed_milli(_speed)
    if inputs[TAG] > 0 and on_tag:
        on_tag(_tag())


def _send():
    now = time.virtual_ms()
    outputs[NOW_MS] = now & 0x3FFFFFFF
    outputs[NOW_HIGH] = now >> 30
    if nor:
        outputs[READS] = nor.reads
        outputs[PROGRAMS] = nor.programs
        outputs[ERASES] = nor.erases
    try:
        link.write(outputs)
    except OSError:
        _gone()


def _receive():
    try:
        if link.readinto(inputs) == IN_WORDS * 4:
            return
    except OSError:
        pass
    _gone()


def _gone():
    # The supervisor died: nothing of the box may stay behind.
    sys.exit(1)


def _tag():
    at = (TAG + 1) * 4
    return bytes(inputs)[at : at + inputs[TAG]]


def lookup(host, port):
    """Port on the loopback where the supervisor's proxy for host:port listens; OSError if there is none."""
    if not link:
        return None
    name = host.encode()[:253]
    outputs[KIND] = _LOOKUP
    outputs[ARGUMENT] = len(name)
    outputs[PORT] = port
    _send()
    link.write(name)
    _receive()
    if inputs[LOOKUP_PORT] <= 0:
        raise OSError(inputs[LOOKUP_PORT])
    return inputs[LOOKUP_PORT]


def halt(cause):
    """Stop here as a chip that resets: the supervisor kills the process. Does not return."""
    if not link:
        raise SystemExit(cause)
    outputs[KIND] = _HALT
    outputs[ARGUMENT] = cause
    _send()
    while True:
        _receive()
