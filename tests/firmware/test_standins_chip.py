# stand-ins: machine esp32 network socket
# The stand-ins of the chip: they refuse what the chip refuses, and do what its drivers do.
import io
import time

import chip_time
import esp32
import machine
import network
import nor
import wire
from machine import ADC, PWM, RTC, UART, WDT, Counter, Pin, Timer

BOARD = {
    "connectors": [
        {
            "pilot_pwm": 25, "pilot_adc": 36, "pilot_calibration": [[300, -12000], [2700, 12000]],
            "contactor": 26, "contactor_feedback": 27, "proximity_adc": 39, "proximity_pullup_ohm": 1000,
            "proximity_supply_mv": 3300, "s0": 34, "lock": 14, "lock_feedback": 13, "rcd": 35, "rcd_test": 12,
        }
    ],
    "temperature_adc": 33, "temperature_mv_per_c": 10, "temperature_offset_mv": 500,
    "button": 0, "emergency": 4, "active_low": ["button"],
    "rfid": {"uart": 1, "rx": 16, "tx": 17, "baud": 9600},
}  # fmt: skip
wire.load(BOARD)
OUT, IN = wire.OUT_CONNECTOR, wire.IN_CONNECTOR


def wlan():
    w = network.WLAN(network.WLAN.IF_STA)
    w.active(False)
    return w


CASES_REFUSED = [
    ("no pin 24", lambda: Pin(24), ValueError, "invalid pin"),
    ("no pin 40", lambda: Pin(40, Pin.OUT), ValueError, "invalid pin"),
    ("pin of the flash", lambda: Pin(6, Pin.IN), ValueError, "invalid pin"),
    ("34 as output", lambda: Pin(34, Pin.OUT), ValueError, "pin can only be input"),
    ("39 open drain", lambda: Pin(39, Pin.OPEN_DRAIN), ValueError, "pin can only be input"),
    ("pin mode float", lambda: Pin(4, 1.0), TypeError, None),
    ("irq hard", lambda: Pin(4, Pin.IN).irq(print, hard=True), TypeError, None),
    ("pin alt", lambda: Pin(4, Pin.IN, alt=1), TypeError, None),
    ("duty too high", lambda: PWM(25, freq=1000).duty_u16(65536), ValueError, "duty_u16 must be from 0 to 65535"),
    ("duty negative", lambda: PWM(25).duty_u16(-1), ValueError, None),
    ("duty float", lambda: PWM(25, freq=1000, duty_u16=0.5), TypeError, None),
    ("pwm freq 0", lambda: PWM(25, freq=0), ValueError, None),
    ("pwm on 36", lambda: PWM(36, freq=1000), OSError, None),
    ("pwm positional duty", lambda: PWM(25, 1000, 32768), TypeError, None),
    ("adc on 21", lambda: ADC(21), ValueError, "invalid pin"),
    ("adc atten", lambda: ADC(36, atten=4), ValueError, "invalid attenuation"),
    ("adc bits", lambda: ADC(36, bits=12), TypeError, None),
    ("hard timer", lambda: Timer(0).init(period=20, callback=print, hard=True), ValueError, "hard Timers are not implemented"),
    ("timer 4", lambda: Timer(4), ValueError, "Timer(4) doesn't exist, there are only 4 hardware timers"),
    ("timer -1", lambda: Timer(-1), ValueError, None),
    ("timer period float", lambda: Timer(0).init(period=20.0, callback=print), TypeError, None),
    ("timer period 0", lambda: Timer(0).init(period=0, callback=print), ValueError, None),
    ("timer positional", lambda: Timer(0).init(1, 20), TypeError, None),
    ("wdt 0", lambda: WDT(timeout=0), ValueError, None),
    ("wdt float", lambda: WDT(timeout=1.5), TypeError, None),
    ("rtc memory", lambda: RTC().memory(bytes(2049)), ValueError, "buffer too long"),
    ("uart 3", lambda: UART(3, 9600), ValueError, "UART(3) does not exist"),
    ("uart bits", lambda: UART(1, 9600, bits=9), ValueError, "invalid data bits"),
    ("uart keyword", lambda: UART(1, 9600, speed=1), TypeError, None),
    ("counter filter", lambda: Counter(0, Pin(34), filter_ns=1.5), TypeError, None),
    ("counter keyword", lambda: Counter(0, Pin(34), filter=5), TypeError, None),
    ("timer 3.0", lambda: Timer(3.0), TypeError, None),
    ("timer keyword", lambda: Timer(0).init(period=20, callback=print, name="x"), TypeError, None),
    ("irq float", lambda: Pin(4, Pin.IN).irq(print, 1.0), TypeError, None),
    ("adc positional atten", lambda: ADC(36, 3), TypeError, None),
    ("adc float atten", lambda: ADC(36, atten=3.0), TypeError, None),
    ("lan without pins", lambda: network.LAN(mdc=23, mdio=18, phy_addr=0, phy_type=0), ValueError, "expecting a pin"),
    ("lan phy", lambda: network.LAN(mdc=Pin(23), mdio=Pin(18), phy_addr=0, phy_type=99), ValueError, "invalid phy type"),
    ("lan address", lambda: network.LAN(mdc=Pin(23), mdio=Pin(18), phy_addr=32, phy_type=0), ValueError, "invalid phy address"),
    ("lan keyword", lambda: network.LAN(mdc=Pin(23), mdio=Pin(18), phy=1), TypeError, None),
    ("cpu freq", lambda: machine.freq(123), ValueError, None),
    ("wlan 2", lambda: network.WLAN(2), ValueError, None),
    ("wlan not active", lambda: wlan().connect("a", "b"), OSError, None),
    ("wlan config", lambda: wlan().config(colour=1), ValueError, "unknown config param"),
    ("nvs key", lambda: esp32.NVS("a" * 16), OSError, None),
]  # fmt: skip


def test_refused(name, call, error, text):
    try:
        call()
    except error as e:
        assert text is None or str(e) == text, str(e)
        return
    raise AssertionError("not refused")


def chip():
    """A flash of 20 KB with an nvs and a data partition."""
    rows = bytearray(b"\xff" * 0x5000)
    at = 0
    for kind, sub, offset, size, name in (
        (1, 2, 0x9000, 0x2000, b"nvs"),
        (1, 0x40, 0xB000, 0x2000, b"ledger"),
    ):
        row = (
            b"\xaa\x50"
            + bytes((kind, sub))
            + offset.to_bytes(4, "little")
            + size.to_bytes(4, "little")
        )
        rows[at : at + 32] = row + name + bytes(20 - len(name))
        at += 32
    esp32.use(nor.Nor(rows))
    esp32.NVS._values = None
    return rows


def test_output_pins_reach_the_world():
    relay = Pin(26, Pin.OUT, value=0)
    relay(1)
    assert wire.outputs[OUT + wire.RELAY] == 1
    relay.off()
    assert wire.outputs[OUT + wire.RELAY] == 0
    Pin(14, Pin.OUT).on()
    assert wire.outputs[OUT + wire.LOCK] == 1


def test_input_pins_and_their_polarity():
    wire.inputs[IN + wire.FEEDBACK] = 1
    assert Pin(27, Pin.IN)() == 1
    wire.inputs[wire.BUTTON] = 0
    assert Pin(0, Pin.IN, Pin.PULL_UP).value() == 1
    wire.inputs[wire.BUTTON] = 1
    assert Pin(0, Pin.IN, Pin.PULL_UP).value() == 0
    assert Pin(5, Pin.IN, Pin.PULL_UP).value() == 1  # not connected
    assert Pin(5, Pin.IN, Pin.PULL_DOWN).value() == 0


def test_pwm_of_the_pilot():
    pwm = PWM(Pin(25), freq=1000, duty_u16=65535)
    assert wire.outputs[OUT + wire.PWM] == 1000 << 16 | 65535
    pwm.duty_u16(17476)
    assert wire.outputs[OUT + wire.PWM] & 0xFFFF == 17476
    assert pwm.duty_u16() == 17476
    pwm.deinit()
    assert wire.outputs[OUT + wire.PWM] & 0xFFFF == 0
    try:
        pwm.duty_u16(1)
        raise AssertionError("inactive")
    except RuntimeError:
        pass


# A burst sees the high level in as many of its samples as the duty says, and is the same each time.
def test_adc_sees_the_pwm():
    wire.inputs[IN + wire.HIGH_MV] = 6000
    wire.inputs[IN + wire.LOW_MV] = -12000
    PWM(Pin(25), freq=1000, duty_u16=16384)
    bursts = []
    for _ in range(2):
        read = ADC(Pin(36), atten=ADC.ATTN_11DB).read_uv
        bursts.append([read() for _ in range(400)])
    assert bursts[0] == bursts[1]
    high = [uv for uv in bursts[0] if uv > 1000000]
    assert 70 < len(high) < 130
    assert 2090000 < min(high) and max(high) < 2110000
    assert max(uv for uv in bursts[0] if uv < 1000000) < 310000


def test_adc_of_proximity_and_temperature():
    wire.inputs[IN + wire.PROXIMITY_OHM] = 220
    assert abs(ADC(39).read_uv() // 1000 - 3300 * 220 // 1220) <= 4
    wire.inputs[IN + wire.PROXIMITY_OHM] = -1
    assert ADC(39).read_uv() > 3290000
    wire.inputs[IN + wire.TEMPERATURE_C10] = 250
    assert abs(ADC(33).read_uv() // 1000 - 750) <= 4


def test_adc2_belongs_to_the_radio():
    w = wlan()
    adc = ADC(4)
    adc.read_u16()
    w.active(True)
    try:
        adc.read_u16()
        raise AssertionError("ADC2 with Wi-Fi")
    except OSError:
        pass
    w.active(False)


# An exception in a callback is printed and the timer goes on.
def test_timer_survives_its_callback():
    seen = []

    def callback(t):
        seen.append(time.virtual_ms())
        raise ValueError("expected in this test")

    start = time.virtual_ms()
    timer = Timer(1)
    timer.init(mode=Timer.PERIODIC, period=20, callback=callback)
    time.sleep_ms(70)
    timer.deinit()
    time.sleep_ms(50)
    assert [ms - start for ms in seen] == [20, 40, 60]


def test_one_shot():
    seen = []
    Timer(2, mode=Timer.ONE_SHOT, period=30, callback=lambda t: seen.append(1))
    time.sleep_ms(200)
    assert seen == [1]


def test_counter_counts_from_its_start():
    wire.inputs[IN + wire.PULSES] = 5000
    counter = Counter(0, Pin(34, Pin.IN), edge=Counter.FALLING, filter_ns=12000)
    assert counter.value() == 0
    wire.inputs[IN + wire.PULSES] = 5007
    assert counter.value() == 7
    assert counter.value(0) == 7
    assert counter.value() == 0


def test_interrupts_of_pulses():
    seen = []
    wire.inputs[IN + wire.PULSES] = 10
    pin = Pin(34, Pin.IN)
    pin.irq(lambda p: seen.append(p), Pin.IRQ_FALLING)
    wire.inputs[IN + wire.PULSES] = 13
    time.sleep_ms(25)
    pin.irq(None)
    wire.inputs[IN + wire.PULSES] = 20
    time.sleep_ms(25)
    assert len(seen) == 3


def test_reader_sends_lines():
    uart = UART(1, 9600, rx=Pin(16), tx=Pin(17))
    assert uart.any() == 0
    assert uart.read() is None
    wire.on_tag(b"C0FFEE01")
    assert uart.any() == 9
    assert uart.readline() == b"C0FFEE01\n"


def test_rtc():
    RTC().datetime((2026, 11, 22, 0, 10, 0, 0, 0))
    assert time.gmtime()[:6] == (2026, 11, 22, 10, 0, 0)
    time.sleep(5)
    assert RTC().datetime()[:7] == (2026, 11, 22, 6, 10, 0, 5)


# What survives a reset is in a file; an empty one is what a power cut leaves.
def test_rtc_is_kept_over_a_reset():
    time.set_rtc(0)
    chip_time.rtc_file = io.BytesIO(bytearray(0))
    chip_time.restore_rtc()
    RTC().memory(b"snapshot")
    RTC().datetime((2026, 1, 1, 0, 0, 0, 0, 0))
    kept = chip_time.rtc_file.getvalue()
    RTC._memory = b""
    time.set_rtc(0)
    chip_time.rtc_file = io.BytesIO(kept)
    chip_time.restore_rtc()
    chip_time.rtc_file = None
    assert RTC().memory() == b"snapshot"
    assert time.gmtime()[0] == 2026


def test_a_fed_watchdog_is_quiet():
    wdt = WDT(timeout=1000)
    for _ in range(5):
        time.sleep_ms(900)
        wdt.feed()
    try:
        time.sleep_ms(1001)
        raise AssertionError("no bite")
    except SystemExit as e:
        assert e.args[0] == machine.WDT_RESET
    WDT._handle = None


def test_reset_does_not_return():
    try:
        machine.reset()
    except SystemExit as e:
        assert e.args[0] == machine.HARD_RESET
        return
    raise AssertionError("returned")


def test_partitions():
    chip()
    found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="ledger")
    assert len(found) == 1
    assert found[0].info() == (1, 0x40, 0xB000, 0x2000, "ledger", False)
    assert found[0].ioctl(4, 0) == 2 and found[0].ioctl(5, 0) == 4096
    found[0].writeblocks(1, b"\x0f", 7)
    buf = bytearray(1)
    found[0].readblocks(1, buf, 7)
    assert buf == b"\x0f"
    assert esp32.Partition.find(esp32.Partition.TYPE_DATA, label="none") == []


def test_nvs_is_on_the_flash():
    rows = chip()
    nvs = esp32.NVS("box")
    for n in range(400):  # more than the partition holds: written anew now and then
        nvs.set_i32("count", n)
    nvs.set_blob("key", b"12345678")
    nvs.erase_key("key")
    nvs.set_blob("name", b"abc")
    esp32.use(nor.Nor(rows))
    esp32.NVS._values = None
    nvs = esp32.NVS("box")
    assert nvs.get_i32("count") == 399
    buf = bytearray(8)
    assert nvs.get_blob("name", buf) == 3 and buf[:3] == b"abc"
    try:
        nvs.get_blob("key", buf)
        raise AssertionError("erased")
    except OSError as e:
        assert e.errno == -4354


def test_wlan_comes_and_goes():
    w = wlan()
    w.active(True)
    wire.inputs[wire.NETWORK] = 1
    w.connect("net", "password")
    assert not w.isconnected() and w.status() == network.STAT_CONNECTING
    time.sleep_ms(2000)
    assert w.isconnected() and w.status() == network.STAT_GOT_IP
    wire.inputs[wire.NETWORK] = 0
    assert not w.isconnected() and w.ifconfig()[0] == "0.0.0.0"
    wire.inputs[wire.NETWORK] = 1
    time.sleep_ms(2000)
    assert w.isconnected()
    w.disconnect()
    assert not w.isconnected()


def test_an_access_point_has_a_password_or_is_open_on_purpose():
    w = network.WLAN(network.WLAN.IF_AP)
    w.config(ssid="pilotwire-000001", key="seven77", security=network.WLAN.SEC_WPA2)
    try:
        w.active(True)
        raise AssertionError
    except OSError:
        assert not w.active()
    w.config(key="eight888")
    w.active(True)
    assert w.active() and w.ifconfig()[0] == "192.168.4.1"
    w.active(False)
