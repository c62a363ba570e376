"""The host side of pilotwire: build, simulate, test and serve an OCPP 1.6 wallbox in MicroPython."""

__version__ = "0.1.0"
