"""Orders over the serial line: one line "@{...}" of JSON each, as the reports that the app prints.

Everything else on the line is for the REPL and is ignored; a line that is too long is dropped.
"""

import json
import select
import sys

from micropython import const

_MAX_LINE = const(256)


class Console:
    """The serial line that sys.stdin reads."""

    def __init__(self):
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)
        self._line = bytearray()
        self.dropped = 0  # lines that were too long or no JSON

    def order(self):
        """The next order as a dict, or None; never blocks."""
        while True:
            for _, events in self._poll.ipoll(0):
                if events & select.POLLIN:
                    break
            else:
                return None
            c = sys.stdin.buffer.read(1)
            if not c:  # nobody is at the other end, nor will be
                self._poll.unregister(sys.stdin)
                return None
            if c != b"\n":
                if len(self._line) <= _MAX_LINE:
                    self._line += c
                continue
            line, self._line = self._line, bytearray()
            if line[:1] == b"@":
                try:
                    if len(line) > _MAX_LINE:
                        raise ValueError
                    order = json.loads(bytes(line[1:]))
                    if isinstance(order, dict):
                        return order
                except ValueError:
                    pass
                self.dropped += 1
