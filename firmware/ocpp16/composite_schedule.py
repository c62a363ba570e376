# GetCompositeSchedule of the Smart Charging profile. Cold: loaded for one message (see rpc), so it keeps nothing.
import io
from array import array

import cold
import isoformat

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


# Of an answer: a day of quarters of an hour, and of the work: a day of 20 profiles of 24 periods. What is beyond is not told, and
# the duration in the answer says so.
_MAX_PERIODS = const(100)
_MAX_STEPS = const(600)
_PER_PIECE = const(8)


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

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
        return _answer(number, utc, watts, table, count, end)


def _compose(module, cp, number, duration, utc, watts):
    """(array of startPeriod and tenths * 4 + numberPhases, count of periods, end of the last one)."""
    profiles = cp.profiles
    voltage = cp.settings.get("NominalVoltage")
    places = (number - 1,) if number else range(len(cp.connectors))
    have = max([profiles.hardware(k)[1] for k in places])
    table = array("i", bytes(8 * _MAX_PERIODS))
    count = steps = 0
    f = open(cp.store.path("profiles"), "rb") if profiles.installed else io.BytesIO()
    try:
        composer = module.Composer(f, module.loads(profiles), utc, voltage)
        for start, limit, phases, why in composer.periods(number, duration):
            if watts:
                phases = phases or (3 if module.watts(why) else have)
                limit = limit * phases // 6
            else:
                limit //= 6 * voltage
            limit = limit << 2 | phases
            new = not count or table[2 * count - 1] != limit
            if steps == _MAX_STEPS or (new and count == _MAX_PERIODS):
                return table, count, start
            steps += 1
            if new:
                table[2 * count] = start
                table[2 * count + 1] = limit
                count += 1
    finally:
        f.close()  # type: ignore
    return table, count, duration


def _answer(number, utc, watts, table, count, end):
    """The text in pieces: a hundred periods as one dict would take 10 KB."""
    text = '{"status":"Accepted","connectorId":%d,"scheduleStart":"%s","chargingSchedule":{"duration":%d,' % (
        number,
        isoformat.format(utc),
        end,
    )
    text += '"chargingRateUnit":"%s","chargingSchedulePeriod":[' % ("W" if watts else "A")
    for k in range(count):
        limit = table[2 * k + 1]
        text += '{"startPeriod":%d,"limit":%d.%d' % (table[2 * k], (limit >> 2) // 10, (limit >> 2) % 10)
        if limit & 3:
            text += ',"numberPhases":%d' % (limit & 3)
        text += "}," if k < count - 1 else "}"
        if k % _PER_PIECE == 0:
            yield text
            text = ""
    yield text + "]}}"
