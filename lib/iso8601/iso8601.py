"""ISO 8601 date-times as integer seconds since 2000-01-01T00:00:00Z.

parse("2026-11-22T10:14:00Z") -> 848657640, and back by format() of isoformat.
Own calendar arithmetic: the epoch of the time module differs between ports, and a 32-bit float
cannot hold a date. Years run from March, so that the leap day is the last of its year.
"""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_DAY_S = const(86400)
_EPOCH = const(730425)  # days from 0000-03-01 to 2000-01-01
_LENGTHS = b"\x1f\x1c\x1f\x1e\x1f\x1e\x1f\x1f\x1e\x1f\x1e\x1f"


def _number(text, low, high):
    _digits(text)
    number = int(text)
    if not low <= number <= high:
        raise ValueError("out of range: " + text)
    return number


def _digits(text):
    # int() alone would take signs, blanks, underscores and other scripts
    for c in text:
        if not "0" <= c <= "9":
            text = ""
    if not text:
        raise ValueError("not a date and time")


def parse(text):
    """Seconds of "YYYY-MM-DDTHH:MM:SS[.f...][Z|+hh:mm|+hhmm]" (no zone: UTC); ValueError."""
    if text[4:5] + text[7:8] + text[10:11].upper() + text[13:14] + text[16:17] != "--T::":
        raise ValueError("not a date and time")
    year = _number(text[:4], 1, 9999)
    month = _number(text[5:7], 1, 12)
    leap = month == 2 and not year % 4 and (year % 100 != 0 or not year % 400)
    day = _number(text[8:10], 1, _LENGTHS[month - 1] + leap)
    seconds = _number(text[11:13], 0, 23) * 3600
    seconds += _number(text[14:16], 0, 59) * 60
    seconds += _number(text[17:19], 0, 59)

    zone = text[19:]
    if zone[:1] == ".":
        end = 1
        while "0" <= zone[end : end + 1] <= "9":
            end += 1
        _digits(zone[1:end])
        zone = zone[end:]
    if zone not in ("", "Z", "z"):
        if len(zone) == 6 and zone[3] == ":":
            zone = zone[:3] + zone[4:]
        if len(zone) != 5 or zone[0] not in "+-":
            raise ValueError("unknown zone")
        offset = _number(zone[1:3], 0, 23) * 3600 + _number(zone[3:], 0, 59) * 60
        seconds -= -offset if zone[0] == "-" else offset

    if month < 3:
        year -= 1
    days = 365 * year + year // 4 - year // 100 + year // 400
    days += (153 * ((month + 9) % 12) + 2) // 5 + day - 1 - _EPOCH
    return days * _DAY_S + seconds
