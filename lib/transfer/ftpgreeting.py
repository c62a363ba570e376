"""What comes first over FTP: connection and TLS. A part, loaded for that."""

from transfer import TransferError


async def greet(session, port):
    """Opens session.control."""
    session.control = await session.wire.open(port, session.tls == "i")
    session.doing = "the connection"
    code = await session.reply()
    while code == 120:  # ready in n minutes
        code = await session.reply()
    if code != 220:
        raise session.refused(code)
    if session.tls == "e":
        await session.must(b"AUTH TLS", 234)
        if session.replies.pending:
            raise TransferError("tls", "data before TLS began")  # slipped in by a third party
        securing = session.wire.secure(session.control)
        session.control = None  # that closes it when it fails
        session.control = await securing
