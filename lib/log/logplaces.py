"""Where an exception was raised. Cold: a log loads it for one that nobody expected."""

import io
import sys


def where(error):
    """" < file:line function" of each place, innermost first; "" where the interpreter can not say so."""
    show = getattr(sys, "print_exception", None)
    if not show:
        return ""
    text = io.StringIO()
    show(error, text)
    places = ""
    for line in text.getvalue().split("\n"):  # type: ignore
        if line[:8] == '  File "':  # File "ocpp16/rpc.py", line 5, in next
            name, _, rest = line[8:].partition('", line ')
            places = " < %s:%s" % (name.rpartition("/")[2], rest.replace(", in ", " ")) + places
    return places
