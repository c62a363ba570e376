"""`make lint`: what the repository promises about its own code.

    python -m pilotwire.lint             all of it; exit 1 if something was found

arrows.py   who imports whom: app -> {evse, ocpp16, port, setup} -> lib
device.py   rules for code that runs on the chip: integers only, no bare except, ...
types.py    pyright over the host's code, and over the device's against the stubs of the ESP32
findings.py what all of them return
"""
