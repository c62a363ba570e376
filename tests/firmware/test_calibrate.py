"""Calibration of the pilot's converter on the stand-ins."""
# stand-ins: machine, esp32, network, socket

import json
import os

import wire
from port import calibrate

_FILE = "calibrate-board.json"
_IN = wire.IN_CONNECTOR


def write(pairs):
    config = {"id": "t", "connectors": [{"pilot_pwm": 25, "pilot_adc": 36, "contactor": 26, "pilot_calibration": pairs}]}
    wire.pins.clear()
    wire.station.clear()
    wire.load({"id": "t", "connectors": [dict(config["connectors"][0], pilot_calibration=[[340, -12000], [2650, 12000]])]})
    with open(_FILE, "w") as f:
        json.dump(config, f)


def read():
    with open(_FILE) as f:
        return json.load(f)["connectors"][0]["pilot_calibration"]


def world(high, low):
    wire.inputs[_IN + wire.HIGH_MV] = high
    wire.inputs[_IN + wire.LOW_MV] = low


def test_measures_and_writes():
    write([[300, -12000], [2700, 12000]])
    world(12000, -12000)
    try:
        pairs = calibrate.run(1, 12040, -11950, _FILE)
        assert read() == pairs
        assert abs(pairs[0][0] - 340) <= 2 and pairs[0][1] == -11950
        assert abs(pairs[1][0] - 2650) <= 2 and pairs[1][1] == 12040
        assert wire.outputs[wire.OUT_CONNECTOR + wire.RELAY] == 0
    finally:
        os.remove(_FILE)


class Evse:
    plugged = energised = False
    enabled = True
    duty = 1000


class Part:
    def pilot_uv(self):
        return 2650000 if Outlet.evse.enabled else 340000


class Outlet:
    board = Part()
    evse = Evse()


# The same while the app runs: the pilot is at +12 V by X1 and at -12 V by F, and the new pairs hold at once.
def test_order():
    write([[300, -12000], [2700, 12000]])
    try:
        pairs = calibrate.order(1, Outlet, 12040, -11950, _FILE)
        assert pairs == read() == Outlet.board.pilot_calibration == [[340, -11950], [2650, 12040]]
        assert Outlet.evse.enabled
        Outlet.evse.plugged = True
        try:
            calibrate.order(1, Outlet, 12000, -12000, _FILE)
        except ValueError:
            return
        raise AssertionError("with a car there")
    finally:
        Outlet.evse.plugged = False
        os.remove(_FILE)


# Nothing is written when a reading can not be: levels that do not move, figures that no voltmeter shows.
def test_refuses():
    write([[300, -12000], [2700, 12000]])
    try:
        good = (12000, -12000)
        for high, low, levels in ((12000, -12000, (9000, 8000)), (9000, -12000, good), (12000, 12000, good)):
            world(*levels)
            try:
                calibrate.run(1, high, low, _FILE)
            except ValueError:
                assert read() == [[300, -12000], [2700, 12000]]
                continue
            raise AssertionError((high, low))
    finally:
        os.remove(_FILE)
        world(12000, -12000)
