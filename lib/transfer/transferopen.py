"""How a transfer opens a connection, and what it means when one fails. A part of transferwire, loaded for that moment."""

from errno import ECONNREFUSED

from micropython import const
from transfer import TransferError

_TLS_ERRORS = const(-4096)  # mbedTLS counts down from here; a failed name lookup is negative as well


async def open(wire, port, tls=False):
    """A stream to the URL's host."""
    wire.step("connecting to %s:%d" % (wire.host, port))
    try:
        stream = await wire.connect(wire.host, port)
    except OSError as e:
        raise failed(wire, e, "connect")
    return await secure(wire, stream) if tls else stream


async def secure(wire, stream):
    """TLS over a stream to the URL's host; closes it if that fails."""
    wire.step("TLS with " + wire.host)
    done = False
    try:
        if not wire.shield:
            raise TransferError("tls", "there is no TLS here")
        secured = await wire.shield(stream, wire.host)
        done = True
        return secured
    except (OSError, ValueError) as e:
        raise failed(wire, e, "tls")
    finally:
        if not done:
            await wire.close(stream)


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
