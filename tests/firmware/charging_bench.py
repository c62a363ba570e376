"""A charge point reduced to what charging profiles need: clock, connectors, settings, and a store of real files.

    box = Box(connectors=2)
    box.set(1, profile("TxDefaultProfile", [(0, 16)])) -> "Accepted"
    box.begin(1); box.run(60); box.ma[1]        transaction, time in steps of a second, limit of the slot "ocpp" in mA
    box.composite(1, 400) -> [(startPeriod, limit), ...]
"""

import json
import os

from ocpp16 import composite_schedule, schema, smart_charging
from ocpp16.charging_profiles import ChargingProfiles
from ocpp16.errors import OcppError
from store import Store
import iso8601
import isoformat

T0 = iso8601.parse("2026-11-22T10:00:00Z")
KEYS = {
    "ChargeProfileMaxStackLevel": 8,
    "ChargingScheduleAllowedChargingRateUnit": "Current,Power",
    "ChargingScheduleMaxPeriods": 24,
    "MaxChargingProfilesInstalled": 20,
    "NominalVoltage": 230,
}
_ids = [100]


class Clock:
    def __init__(self, utc):
        self.up = 5
        self.base = None if utc is None else utc - self.up

    def uptime_s(self):
        return self.up

    def utc(self):
        return None if self.base is None else self.base + self.up


class Log:
    def __init__(self):
        self.lines = []

    def info(self, area, text):
        self.lines.append(text)

    def exception(self, area, error):
        self.lines.append(repr(error))


class Transaction:
    def __init__(self, id):
        self.id = id


class Connector:
    def __init__(self, number):
        self.number = number
        self.transaction = None
        self.tag = None
        self.status = "Available"


class Box:
    def __init__(self, connectors=1, utc=T0, keep=False):
        self.store = Store("data")
        if not keep:
            for name in os.listdir("data"):
                os.remove("data/" + name)
        self.settings = dict(KEYS)
        self.clock = Clock(utc)
        self.log = Log()
        self.connectors = [Connector(k + 1) for k in range(connectors)]
        self.most = [(32000, 3)] * connectors
        self.auth = None  # (tag, connector) while a tag is being authorised
        self.start()

    def start(self):
        self.profiles = ChargingProfiles(self)
        self.profiles.hardware = lambda k: self.most[k]
        self.tick()

    def reboot(self):
        self.clock.base = None if self.clock.base is None else self.clock.base + self.clock.up
        self.clock.up = 0
        for c in self.connectors:
            c.transaction = c.tag = None
        self.start()

    def tick(self):
        self.profiles.update()

    def run(self, seconds):
        for _ in range(seconds):
            self.clock.up += 1
            self.tick()

    def begin(self, number, id=1):
        self.connectors[number - 1].transaction = Transaction(id)
        self.tick()

    def end(self, number):
        self.connectors[number - 1].transaction = None
        self.tick()

    def hardware(self, number, ma, phases=3):
        self.most[number - 1] = (ma, phases)
        self.profiles.due = 0
        self.tick()

    def ma(self, number=1):
        return self.profiles.limits[number - 1][0]

    def reason(self, number=1):
        return self.profiles.limits[number - 1][1]

    # -- what the central system asks

    def call(self, action, method, payload):
        """The payload of the answer, or the error code; both through the schema, as ocpp16.rpc does it."""
        payload = json.loads(json.dumps(payload))
        try:
            schema.check(action, payload)
            module = composite_schedule if action == "GetCompositeSchedule" else smart_charging
            answer = getattr(module.Profile(self), method)(payload)
        except OcppError as e:
            return e.code
        if not isinstance(answer, dict):
            answer = json.loads("".join(list(answer)))
        schema.check(action + ".conf", answer)
        self.tick()
        return answer

    def set(self, number, what):
        payload = {"connectorId": number, "csChargingProfiles": what}
        answer = self.call("SetChargingProfile", "set_charging_profile", payload)
        return answer if isinstance(answer, str) else answer["status"]

    def remote(self, number, what):
        """The profile of a remote start."""
        return smart_charging.install(self, number, what, None, True)

    def clear(self, **wanted):
        return self.call("ClearChargingProfile", "clear_charging_profile", wanted)["status"]

    def schedule(self, number, duration, unit=None):
        payload = {"connectorId": number, "duration": duration}
        if unit:
            payload["chargingRateUnit"] = unit
        return self.call("GetCompositeSchedule", "get_composite_schedule", payload)

    def composite(self, number, duration, unit=None):
        """[(startPeriod, limit)], with numberPhases where it was given."""
        rows = []
        for p in self.schedule(number, duration, unit)["chargingSchedule"]["chargingSchedulePeriod"]:
            row = (p["startPeriod"], p["limit"])
            rows.append(row + (p["numberPhases"],) if "numberPhases" in p else row)
        return rows


def profile(purpose, periods, kind="Absolute", level=0, unit="A", start=0, id=None, schedule=None, **fields):
    """A chargingProfile. periods: [(startPeriod, limit[, numberPhases])]; start: of the schedule in s from T0, or None."""
    _ids[0] += 1
    made = {
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [
            {"startPeriod": p[0], "limit": p[1], "numberPhases": p[2]}
            if len(p) > 2
            else {"startPeriod": p[0], "limit": p[1]}
            for p in periods
        ],
    }
    if start is not None and kind != "Relative":
        made["startSchedule"] = isoformat.format(T0 + start)
    made.update(schedule or {})
    what = {
        "chargingProfileId": _ids[0] if id is None else id,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": made,
    }
    for name in fields:
        value = fields[name]
        what[name] = isoformat.format(T0 + value) if name.startswith("valid") else value
    return what


MAX = "ChargePointMaxProfile"
DEFAULT = "TxDefaultProfile"
TX = "TxProfile"
