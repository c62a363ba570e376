"""What comes first over FTP: a greeting, then user and password. A part, loaded for each of the two."""

from ftpreply import command, must, reply
from transfer import TransferError


async def greeted(session):
    """The server is ready, for TLS where it begins now."""
    code = await reply(session)
    while code == 120:  # ready in n minutes
        code = await reply(session)
    if code != 220:
        raise session.refused(code)
    if session.tls == "e":
        await must(session, b"AUTH TLS", 234)
        if session.rest:
            raise TransferError("tls", "data before TLS began")  # slipped in by a third party


async def login(session, user, password):
    """user None: anonymous."""
    if user is None:
        user = b"anonymous"
        password = b"anonymous@"
    code = await command(session, b"USER " + user)
    if code == 331:
        code = await command(session, b"PASS " + (password or b""))
    if code not in (230, 202):
        raise session.refused(code)
    if session.tls:
        await must(session, b"PBSZ 0", 200)
        await must(session, b"PROT P", 200)
    await must(session, b"TYPE I", 200)
