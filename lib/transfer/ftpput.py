"""STOR of one file, resumed with REST."""

from ftpsession import Session
from transfer import TransferError


async def put(text, wire, source, place, method, form, headers):
    """See transfer.put; method, form and headers are for HTTP."""
    session = Session(wire)
    try:
        await session.begin(text)
        offset = 0
        if place.offset and hasattr(source, "seek"):
            from transferagain import seek

            # what has arrived of an earlier try may be less than what was sent
            there = (await session.about())[0] or 0
            offset = there if there <= place.offset else 0
            seek(source, offset, place)
        skip = await session.transfer(b"STOR ", offset)
        if skip:
            from transferagain import seek

            seek(source, 0, place)
        lost = None
        try:
            while True:
                wire.step("sending the file")
                n = wire.fill(source, wire.view, place)
                if not n:
                    break
                await wire.write(session.data, wire.view[:n])
        except TransferError as e:
            if e.kind not in ("short", "tls"):
                raise
            lost = e
        try:
            await session.finish(lost)
        except TransferError:
            # MicroPython ends TLS without a close_notify, which vsftpd takes for a cut. Has it all the same?
            if lost or not session.tls or session.code != 426 or (await session.about())[0] != place.offset:
                raise
    finally:
        await session.close()
