"""TLS client that verifies the server, for asyncio, over a connected non-blocking socket.

stream = await connect(sock, "example.org", roots=[der])      a Stream for wsclient and others; TlsError
stream.write(data); await stream.drain(); n = await stream.readinto(buf)

Dates are checked against the clock of the machine, so set that first. drain() before the next write().
Once it is open only tlsstream is needed: a program that is short of memory may forget this module then.
"""

import gc
import sys

from tlsstream import TlsStream


class TlsError(OSError):
    """No connection: `kind` is chain, host, date, version, suite, client, closed, memory or other."""

    def __init__(self, kind, text):
        super().__init__(kind, text)
        self.kind = kind
        self.text = text


async def connect(sock, host, roots=(), cert=None, key=None, verify=True, suites=None, hook=None, context=None):
    """A TlsStream; TlsError closes `sock`. What the arguments may be: README.md beside this file."""
    stream = TlsStream(sock)
    done = False
    handshake = None
    try:
        gc.collect()  # an old connection may still hold 25 KB outside of this heap
        if context is None:
            context = _cold("tlssetup").context(stream.wire, TlsError, roots, cert, key, verify, suites)
        roots = cert = key = None
        stream.context = context  # others may connect with it, too
        gc.collect()
        stream.tls = context.wrap_socket(stream.wire, server_hostname=host, do_handshake_on_connect=False)
        handshake = _cold("tlshandshake").Handshake(stream.wire, sock, hook)
        await handshake.run(stream.tls)
        stream.asked = handshake.asked
        stream.wire.readinto = sock.readinto  # from now on no bytecode between the two
        stream.wire.write = sock.write
        done = True
    except TlsError:
        raise
    except (OSError, ValueError, MemoryError) as e:
        raise _cold("tlserror").explain(TlsError, e, handshake)
    finally:
        if not done:
            sock.close()  # mbedTLS forgets it when a handshake fails
    return stream


def _cold(name):
    """A module that is forgotten at once: it lives as long as what is called of it runs."""
    module = __import__(name)  # by name: tlserror, tlshandshake, tlssetup
    sys.modules.pop(name)
    return module
