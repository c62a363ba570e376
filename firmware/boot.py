# Runs first after every reset; never updated over the air. What must hold before anything else: the clock of the chip.
import machine

try:
    machine.freq(240_000_000)
except ValueError:  # a chip with a lower limit
    machine.freq(160_000_000)
