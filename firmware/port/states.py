"""Cold: what the light shows for each state; docs/board.md says the same to people."""

# OCPP status, colour as red green blue (of 255), ms on, of ms. What is not listed is a fault.
_STATES = (
    ("Available", (0, 24, 0), 50, 2000),
    ("Preparing", (0, 0, 64), 500, 1000),
    ("Charging", (0, 0, 64), 1000, 1000),
    ("SuspendedEV", (0, 0, 64), 1900, 2000),
    ("SuspendedEVSE", (48, 24, 0), 1500, 2000),
    ("Finishing", (0, 48, 0), 500, 1000),
    ("Reserved", (32, 0, 32), 1000, 2000),
    ("Setup", (32, 32, 32), 500, 1000),
    ("Unavailable", (48, 24, 0), 0, 1000),
)


def look(state):
    """(colour, ms on, of ms)."""
    for row in _STATES:
        if row[0] == state:
            return row[1:]
    return (96, 0, 0), 100, 200
