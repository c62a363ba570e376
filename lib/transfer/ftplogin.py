"""The second thing over FTP: user and password. A part, loaded for that."""


async def login(session, user, password):
    """user None: anonymous."""
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
