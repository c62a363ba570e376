"""The host side of pilotwire: build, simulate, test and serve an OCPP 1.6 wallbox in MicroPython."""

import datetime

__version__ = "0.1.0"
# A charger that has run this version takes no older one than that.
__minimum__ = "0.1.0"
# Of this version, and so of every build of its sources: the same sources give the same bytes.
__date__ = datetime.date(2026, 11, 22)
