"""Stand-in for the frozen neopixel module: what the ring shows is the word LED, as 24 bits of the first pixel."""

import wire


class NeoPixel:
    def __init__(self, pin, n, bpp=3, timing=1):
        self.n = n
        self._pixels = [(0, 0, 0)] * n

    def __setitem__(self, i, colour):
        self._pixels[i] = colour

    def __getitem__(self, i):
        return self._pixels[i]

    def fill(self, colour):
        for i in range(self.n):
            self._pixels[i] = colour

    def write(self):
        r, g, b = self._pixels[0]
        wire.outputs[wire.LED] = r << 16 | g << 8 | b
