"""Log lines "E area: text" of bounded length for any sink that takes one line, and for a FlashLog that keeps them."""

import sys

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


ERROR = const(0)  # public
WARNING = const(1)  # public
INFO = const(2)  # public
DEBUG = const(3)  # public
_LENGTH = const(160)


class Log:
    """Lines up to `level` go to `print`; errors are counted in `errors` whatever the level."""

    def __init__(self, print=print, level=INFO, kept=None):
        self._print = print
        self.kept = kept
        self.level = level
        self.errors = 0

    def error(self, area, text):
        self.errors += 1
        self._line(ERROR, area, text)

    def exception(self, area, error):
        """An error that nobody expected, with where it was raised, innermost first, if the interpreter can say so."""
        try:
            import logplaces  # cold: hopefully never needed

            sys.modules.pop("logplaces", None)
            text = repr(error) + logplaces.where(error)
        except MemoryError:
            text = "MemoryError"
        self.error(area, text)

    def warning(self, area, text):
        self._line(WARNING, area, text)

    def info(self, area, text):
        self._line(INFO, area, text)

    def debug(self, area, text):
        self._line(DEBUG, area, text)

    def _line(self, level, area, text):
        if level <= self.level:
            text = str(text)[:_LENGTH]  # cut before it is copied: a text may be a whole message
            line = "EWID"[level] + " " + area + ": " + text
            # one call, one line: what a peer sent must not pass for a line of ours
            line = line.replace("\r", " ").replace("\n", " ")[:_LENGTH]
            self._print(line)
            if self.kept:
                self.kept.keep(line)
