"""Seconds since 2000-01-01T00:00:00Z as an ISO 8601 date-time; see iso8601, which reads them."""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_DAY_S = const(86400)
_EPOCH = const(730425)  # days from 0000-03-01 to 2000-01-01


def format(seconds):
    """ "YYYY-MM-DDTHH:MM:SSZ" of seconds since 2000-01-01T00:00:00Z."""
    days = seconds // _DAY_S
    seconds -= days * _DAY_S
    days += _EPOCH
    era = days // 146097
    days -= era * 146097
    year = (days - days // 1460 + days // 36524 - days // 146096) // 365
    days -= 365 * year + year // 4 - year // 100
    month = (5 * days + 2) // 153
    day = days - (153 * month + 2) // 5 + 1
    year += era * 400 + (month > 9)
    month += -9 if month > 9 else 3
    return "%04d-%02d-%02dT%02d:%02d:%02dZ" % (
        year,
        month,
        day,
        seconds // 3600,
        seconds // 60 % 60,
        seconds % 60,
    )
