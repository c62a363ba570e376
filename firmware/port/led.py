"""What the light says: one lamp, three colours, or a ring. The table of states is port/states.py."""

import cold


class Lamp:
    """`outputs`: the function of one lamp, a list of three, or None with `ring`, a NeoPixel."""

    def __init__(self, outputs, ring):
        self._outputs = outputs
        self._ring = ring
        self._state = None
        self._lit = None
        self._colour = (0, 0, 0)
        self._on_ms = 0
        self._of_ms = 1

    def show(self, state, now_ms):
        if state != self._state:
            self._state = state
            self._lit = None
            self._colour, self._on_ms, self._of_ms = cold.call("port.states", "look", state)
        lit = now_ms % self._of_ms < self._on_ms
        if lit != self._lit:
            self._lit = lit
            self._light(self._colour if lit else (0, 0, 0))

    def _light(self, colour):
        if self._ring:
            self._ring.fill(colour)
            self._ring.write()
        elif isinstance(self._outputs, list):
            for output, part in zip(self._outputs, colour):
                output(part > 0)
        else:
            self._outputs(max(colour) > 0)
