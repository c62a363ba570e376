"""What it means when a connection or a local file fails. A part of transferwire, loaded for that moment."""

from errno import ECONNREFUSED

from micropython import const
from transfer import TransferError

_ENOSPC = const(28)
_TLS_ERRORS = const(-4096)  # mbedTLS counts down from here; a failed name lookup is negative as well


def failed(wire, e, kind):
    """See Wire.failed."""
    code = e.args[0] if e.args else 0
    if isinstance(e, ValueError) or isinstance(code, str) or code < _TLS_ERRORS:
        kind = "tls"  # the strings are from tlsclient
    elif code == ECONNREFUSED:
        kind = "connect"  # asyncio.open_connection leaves that to the first write
    if len(e.args) > 1:
        e = e.args[1]
    return TransferError(kind, "%s: %s" % (wire.doing, e))


def local(e):
    """The TransferError that an OSError of a sink or source means."""
    return TransferError("full" if e.args and e.args[0] == _ENOSPC else "store", "local file: %s" % e)
