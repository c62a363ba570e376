# Checks one chargingProfile of the central system, and makes the record of it that is kept (profile_file). Cold.
from struct import pack

from ocpp16.profile_file import HEAD, NEVER, NEVER_BEFORE, PERIOD, PURPOSES
import cold

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


cold.drop("ocpp16.profile_file")  # it goes with this module

# As numbered in profile_file.
_MAX = const(0)
_ABSOLUTE = const(0)
_RELATIVE = const(3)
_WATTS = const(8)

_KINDS = ("Absolute", "Daily", "Weekly", "Relative")
_CYCLES_S = (0, 86400, 604800, 0)
_MOST = const(1 << 26)  # A or W; more is no limit to any charger


class _Refused(Exception):
    pass


def record(cp, number, profile, tx, remote):
    """The record of a chargingProfile that has passed its schema, or None when it must be refused.

    tx: what runs on the connector, or None. remote: it is for the transaction that a remote start is to begin.
    """
    try:
        _purpose(number, profile, tx, remote)
        return _record(number, profile, cp.settings, cp.clock.utc())
    except _Refused as e:
        cp.log.info("ocpp", "charging profile refused: %s" % e)
    return None


def _check(holds, what):
    if not holds:
        raise _Refused(what)


def _purpose(number, profile, tx, remote):
    """Which purpose may stand on which connector, and when (SC-SET-01, REM-START-06)."""
    purpose = profile["chargingProfilePurpose"]
    if purpose == "TxProfile":
        unique = profile.get("transactionId")
        _check(number > 0 and (tx or remote), "no transaction")
        _check(remote or unique is None or unique == tx.id, "transactionId")
    else:
        _check(not remote, "chargingProfilePurpose")
        _check(number == 0 or purpose == "TxDefaultProfile", "connectorId")


def _record(number, profile, settings, utc):
    """The record of a chargingProfile that has passed its schema; _Refused says which field is wrong."""
    schedule = profile["chargingSchedule"]
    level = profile["stackLevel"]
    purpose = PURPOSES.index(profile["chargingProfilePurpose"])
    _check(0 <= level <= settings.get("ChargeProfileMaxStackLevel"), "stackLevel")

    kind, start = _start(profile, purpose, utc)
    begin = _time(profile.get("validFrom"), NEVER_BEFORE)
    end = _time(profile.get("validTo"), NEVER)
    _check(begin < end, "validTo")
    duration = schedule.get("duration")
    # One that is never in force is refused rather than stored: whoever sends 0 may mean "for ever".
    _check(duration is None or 0 < duration <= NEVER, "duration")

    unit = schedule["chargingRateUnit"]
    units = settings.get("ChargingScheduleAllowedChargingRateUnit").split(",")
    _check(("Power" if unit == "W" else "Current") in units, "chargingRateUnit")
    periods = schedule["chargingSchedulePeriod"]
    _check(0 < len(periods) <= settings.get("ChargingScheduleMaxPeriods"), "chargingSchedulePeriod")
    unique = profile["chargingProfileId"]
    _check(-NEVER <= unique <= NEVER, "chargingProfileId")
    kind |= _WATTS if unit == "W" else 0
    data = bytearray(
        pack(HEAD, number, purpose, level, kind, unique, begin, end, start, duration or 0, len(periods))
    )
    before = -1
    for period in periods:
        at = period["startPeriod"]
        _check(before < at <= NEVER and (at == 0 or before >= 0), "startPeriod")
        before = at
        phases = period.get("numberPhases")
        _check(phases is None or 0 < phases <= 3, "numberPhases")
        _check(period["limit"] >= 0, "limit")  # not a number is not, either
        # The nearest tenth: 16.1 comes as a little less, from the chip's floats of 24 bits a little more so.
        data += pack(PERIOD, at, round(min(period["limit"], _MOST) * 10), phases or 0)
    return data


def _start(profile, purpose, utc):
    """(kind, start of the schedule) as stored: one without a start of its own is Relative, or begins now (SC-SET-04)."""
    kind = profile["chargingProfileKind"]
    text = profile["chargingSchedule"].get("startSchedule")
    if kind == "Recurring":
        _check(text is not None and profile.get("recurrencyKind") is not None, "recurrencyKind")
        kind = _KINDS.index(profile["recurrencyKind"])
        start = cold.call("iso8601", "parse", text)
        if start < 0:  # some send the year 1: what counts is the time of day, or of week
            start %= _CYCLES_S[kind]
        return kind, _clip(start)
    if kind == "Absolute" and text is not None:
        return _ABSOLUTE, _time(text, 0)
    if purpose != _MAX:
        return _RELATIVE, 0
    _check(kind == "Absolute" and utc is not None, "chargingProfileKind")
    return _ABSOLUTE, utc


def _time(text, absent):
    return absent if text is None else _clip(cold.call("iso8601", "parse", text))


def _clip(seconds):
    return min(max(seconds, NEVER_BEFORE), NEVER)
