"""The connection that carries the file of an FTP session. A part, loaded for that; what servers say is parsed without I/O."""

from ftpreply import command, must
from transfer import TransferError


async def begin(session, verb, offset):
    """Open session.data for a RETR or STOR; see Session.transfer."""
    wire = session.wire
    # to the host of the control connection: the address in the answer to PASV is often one behind a NAT
    if await command(session, b"EPSV") == 229:
        port = extended_port(session.text)
    else:
        await must(session, b"PASV", 227)
        port = passive_port(session.text)
    session.data = await wire.open(port)
    skip = 0
    if offset and await command(session, b"REST %d" % offset) != 350:
        skip = offset
    await must(session, verb + session.path, 150, 125)
    return skip


def extended_port(text):
    """Port in the reply to EPSV: (|||6446|); TransferError."""
    inside = text.partition(b"(")[2].partition(b")")[0]
    parts = inside.split(inside[:1]) if inside else ()
    return _port(parts[3] if len(parts) == 5 and not parts[1] + parts[2] + parts[4] else b"")


def passive_port(text):
    """Port in the reply to PASV: h1,h2,h3,h4,p1,p2. The address is not believed; TransferError."""
    numbers = bytes([c if 48 <= c < 58 or c == 44 else 32 for c in text])
    for word in numbers.split():
        parts = word.strip(b",").split(b",")
        if len(parts) == 6:
            values = [int(p) if p.isdigit() and len(p) < 4 else 256 for p in parts]
            if max(values) < 256:
                return _port(b"%d" % (values[4] * 256 + values[5]))
    return _port(b"")


def _port(text):
    port = int(text) if text.isdigit() and len(text) < 6 else 0
    if not 0 < port < 65536:
        raise TransferError("server", "no port in the reply to passive mode")
    return port
