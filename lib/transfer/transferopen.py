"""How a transfer opens a connection. A part of transferwire, loaded for that moment."""

from transfer import TransferError


async def open(wire, port, tls=False):
    """A stream to the URL's host."""
    wire.step("connecting to %s:%d" % (wire.host, port))
    try:
        stream = await wire.connect(wire.host, port)
    except OSError as e:
        raise wire.failed(e, "connect")
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
        raise wire.failed(e, "tls")
    finally:
        if not done:
            await wire.close(stream)
