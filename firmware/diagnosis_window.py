# Cold: stamps in a diagnostics file, UTC or seconds since a start.
import isoformat
from flashlog import UPTIME


def within(stamp, start, stop):
    if stamp & UPTIME:  # who knows when
        return start is None
    return (start is None or start <= stamp) and (stop is None or stamp < stop)


def when(stamp):
    if stamp & UPTIME:
        return '"uptime_s": %d' % (stamp ^ UPTIME)
    return '"time": "' + isoformat.format(stamp) + '"'
