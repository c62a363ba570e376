"""The beginning of an FTP session: connection, TLS, user and password, binary."""

from transfer import TransferError


async def login(session, port, user, password):
    """Opens session.control; user None: anonymous."""
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
    if user is None:
        user = b"anonymous"
        password = b"anonymous@"
    code = await session.command(b"USER " + user)
    if code == 331:
        code = await session.command(b"PASS " + (password or b""))
    if code not in (230, 202):
        raise session.refused(code)
    if session.tls:
        await session.must(b"PBSZ 0", 200)
        await session.must(b"PROT P", 200)
    await session.must(b"TYPE I", 200)
