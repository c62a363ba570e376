# Smart Charging profile. Cold: loaded for one message (see rpc), so it keeps nothing. See charging_profiles for what lasts.
from array import array

from ocpp16.errors import OcppError
import cold
import iso8601

# Of an answer: a day of quarters of an hour, and of the work: a day of 20 profiles of 24 periods. What is beyond is not told, and
# the duration in the answer says so.
_MAX_PERIODS = 100
_MAX_STEPS = 600
_PER_PIECE = 8


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    def set_charging_profile(self, payload):
        number = payload["connectorId"]
        if not 0 <= number <= len(self._cp.connectors):
            raise OcppError("PropertyConstraintViolation", "connectorId")
        tx = self._cp.connectors[number - 1].transaction if number else None
        done = self._cp.profiles.install(number, payload["csChargingProfiles"], tx)
        return {"status": "Accepted" if done else "Rejected"}

    def clear_charging_profile(self, payload):
        return {"status": "Accepted" if self._cp.profiles.clear(payload) else "Unknown"}

    def get_composite_schedule(self, payload):
        cp, number, duration = self._cp, payload["connectorId"], payload["duration"]
        utc = cp.clock.utc()
        if not 0 <= number <= len(cp.connectors) or duration <= 0 or utc is None:
            return {"status": "Rejected"}
        watts = payload.get("chargingRateUnit") == "W"
        try:
            module = cold.load("ocpp16.composer")
            table, count, end = _compose(module, cp, number, duration, utc, watts)
        finally:
            module = None
            cold.drop("ocpp16.composer")
            cold.drop("ocpp16.profile_file")
        return _answer(number, utc, watts, table, count, end)


def _compose(module, cp, number, duration, utc, watts):
    """(array of startPeriod, tenths, numberPhases or 0; count of periods; end of the last one)."""
    profiles = cp.profiles
    voltage = cp.settings.get("NominalVoltage")
    have = profiles.phases[number - 1] if number else max(profiles.phases)
    table = array("i", bytes(12 * _MAX_PERIODS))
    count = at = 0
    with _open(profiles.path) as f:
        composer = module.Composer(f, module.loads(profiles, cp.connectors), utc, voltage)
        steps = _MAX_STEPS
        for start, limit, phases, why in composer.periods(number, duration):
            if watts:
                phases = phases or (3 if why and why.watts else have)
                tenths = limit * phases // 6
            else:
                tenths = limit // (6 * voltage)
            if not count or table[at - 2] != tenths or table[at - 1] != phases:
                if count == _MAX_PERIODS or not steps:
                    return table, count, start
                table[at] = start
                table[at + 1] = tenths
                table[at + 2] = phases
                count += 1
                at += 3
            elif not steps:
                return table, count, start
            steps -= 1
    return table, count, duration


def _open(path):
    try:
        return open(path, "rb")
    except OSError:  # no profiles
        import io

        return io.BytesIO()


def _answer(number, utc, watts, table, count, end):
    """The text in pieces: a hundred periods as one dict would take 10 KB."""
    yield '{"status":"Accepted","connectorId":%d,"scheduleStart":"%s","chargingSchedule":{"duration":%d,' % (
        number,
        iso8601.format(utc),
        end,
    )
    text = '"chargingRateUnit":"%s","chargingSchedulePeriod":[' % ("W" if watts else "A")
    for at in range(0, 3 * count, 3):
        text += '{"startPeriod":%d,"limit":%d.%d' % (table[at], table[at + 1] // 10, table[at + 1] % 10)
        if table[at + 2]:
            text += ',"numberPhases":%d' % table[at + 2]
        text += "}," if at < 3 * count - 3 else "}"
        if at % (3 * _PER_PIECE) == 0:
            yield text
            text = ""
    yield text + "]}}"
