"""Drivers on a UART against stand-ins that speak as the real ones: SDM630 meter, PN532 reader."""
# stand-ins: machine, esp32, network, socket

import time

import wire
from evse.readings import Readings
from port import pn532, sdm630

METER = {"driver": "sdm630", "uart": 2, "rx": 16, "tx": 17, "baud": 9600}
READER = {"driver": "pn532", "uart": 1, "rx": 18, "tx": 19, "baud": 115200}


def meter(**changes):
    wire.pins.clear()
    wire.station.clear()
    wire.load({"id": "test", "connectors": [{"meter": METER}]})
    config = dict(METER)
    config.update(changes)
    return sdm630.Driver(config), Readings(1000)


def poll(driver, readings, ms):
    for _ in range(ms // 100):
        driver.poll(time.ticks_ms() & 0x3FFFFFFF, readings)
        readings.step(100, None)
        time.sleep_ms(100)


def flows(wh, *amps):
    wire.inputs[wire.IN_CONNECTOR + wire.METER_WH] = wh
    for k, a in enumerate(amps):
        wire.inputs[wire.IN_CONNECTOR + wire.METER_MA + k] = a


def test_meter():
    driver, readings = meter()
    flows(5000, 16000, 15900, 0)
    poll(driver, readings, 1500)
    assert readings.energy_wh == 5000 and readings.power_w == 7337
    assert readings.currents_ma == [16000, 15900, 0] and readings.voltages_mv == [230000] * 3
    flows(12345, 0, 0, 0)
    poll(driver, readings, 1500)
    assert readings.energy_wh == 12345 and readings.power_w == 0 and driver.errors == 0
    assert not readings.silent


def test_meter_that_says_nothing_and_comes_back():
    driver, readings = meter()
    flows(5000, 0, 0, 0)
    poll(driver, readings, 2000)
    wire.inputs[wire.IN_CONNECTOR + wire.METER_WH] = -1
    poll(driver, readings, 9000)
    assert not readings.silent and driver.errors
    poll(driver, readings, 3000)
    assert readings.silent
    flows(5100, 0, 0, 0)
    poll(driver, readings, 2500)
    assert not readings.silent and readings.energy_wh == 5100


def test_meter_with_another_address_or_noise():
    driver, readings = meter(address=7)
    poll(driver, readings, 5000)
    assert readings.energy_wh == 1000 and driver.errors >= 4
    driver, readings = meter()
    driver._uart._rx = bytearray(b"\xff\x00noise")
    flows(2000, 0, 0, 0)
    poll(driver, readings, 3000)
    assert readings.energy_wh == 2000


def reader():
    wire.pins.clear()
    wire.station.clear()
    wire.load({"id": "test", "connectors": [], "rfid": READER})
    return pn532.Driver(READER)


def tags(driver, ms):
    found = []
    for _ in range(ms // 100):
        tag = driver.tag()
        if tag:
            found.append(tag)
        time.sleep_ms(100)
    return found


def test_reader():
    driver = reader()
    assert tags(driver, 1000) == [] and not driver.silent
    wire.on_tag(b"04A1B2C3")
    assert tags(driver, 1000) == ["04A1B2C3"]
    assert tags(driver, 5000) == []
    wire.on_tag(b"04A1B2C3")
    wire_uid = tags(driver, 1000)
    assert wire_uid == ["04A1B2C3"]
    wire.on_tag(b"04112233445566")
    assert tags(driver, 1000) == ["04112233445566"]


# A card that flickers at the edge of the field is one card.
def test_card_counts_once():
    driver = reader()
    tags(driver, 1000)
    found = []
    for _ in range(3):
        wire.on_tag(b"04A1B2C3")
        found += tags(driver, 1000)
    assert found == ["04A1B2C3"]


def test_dead_reader():
    driver = reader()
    tags(driver, 1000)
    peer, driver._uart._peer = driver._uart._peer, None
    tags(driver, 4000)
    assert driver.silent
    peer._awake = False
    driver._uart._peer = peer
    tags(driver, 4000)
    assert not driver.silent
    wire.on_tag(b"AA")
    assert tags(driver, 1000) == ["AA"]


def test_frames():
    assert pn532.frame(b"\x02") == b"\x00\x00\xff\x02\xfe\xd4\x02\x2a\x00"  # GetFirmwareVersion, UM0701-02
    version = b"\x00\x00\xff\x06\xfa\xd5\x03\x32\x01\x06\x07\xe8\x00"
    assert pn532.take(bytearray(b"\x00\x00\xff\x00\xff\x00" + version))[1] == 6
    assert pn532.take(bytearray(b"\x11" + version)) == (b"\x03\x32\x01\x06\x07", 13)
    for i in range(len(version) - 1):
        assert pn532.take(bytearray(version[:i]))[0] is None
        if i >= 3:
            bad = bytearray(version)
            bad[i] ^= 0x10
            assert pn532.take(bad)[0] is None, i
