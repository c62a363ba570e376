"""Puts a Connector together; cold on the device. What few boards have is loaded only where they have it."""

from evse.connector import Connector
from evse.limits import SLOTS


def connector(
    max_ma,
    pulses_per_kwh=1000,
    socket=False,
    now_ms=0,
    start_wh=0,
    ventilation=False,
    phases=3,
    latched=0,
    meter=None,
    parts="",
):
    """meter: in place of one for pulses. parts: names, of "temperature rcd_test contactor2 pilot_switch", and "wake"."""
    if meter is None:
        from evse.meter import Meter

        meter = Meter(pulses_per_kwh, start_wh)
    c = Connector(meter, now_ms, latched)
    c.limits.set(SLOTS[0], max_ma)
    c.ventilation = ventilation
    c.phases = phases
    c.can_cut = "pilot_switch" in parts
    if socket:
        from evse.cable import Cable
        from evse.lock import Lock

        c.socket = True
        c.cable = Cable()
        c.locker = Lock()
        c.limits.set("cable", 0, "not read")
    if "temperature" in parts:
        from evse.heat import Heat

        c.heat = Heat(max_ma)
    if "rcd_test" in parts:
        from evse.residual import SelfTest

        c.selftest = SelfTest()
    if "contactor2" in parts:
        from evse.phases import PhaseSwitch

        c.phase_switch = PhaseSwitch()
    if "wake" in parts:
        from evse.wake import WakeUp

        c.wake = WakeUp(c.can_cut)
    return c
