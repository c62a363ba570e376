"""What comes after a file over FTP. A part, loaded for that."""

from ftpreply import reply
from transfer import TransferError


async def finish(session, lost):
    """See Session.finish."""
    # the reply after the data says better than their connection why they ended
    await session.wire.close(session.data)
    session.data = None
    try:
        code = await reply(session, 2)
    except TransferError as e:
        raise lost or e
    if code not in (226, 250):
        raise session.refused(code)
    if lost:
        raise lost
