# Cold: interns the long strings of the modules that stay loaded, which takes half of the RAM that each of them would on its own.
# Empty here; the build writes it (pilotwire/interning.py).
