"""RETR of one file, resumed with REST."""

from ftpsession import Session
from transfer import TransferError


async def get(text, wire, sink, place):
    """See transfer.get."""
    session = Session(wire)
    try:
        await session.begin(text)
        total, mark = await session.about()
        offset = place.offset
        if offset and (
            place.mark and mark and mark != place.mark
            or total is not None and (total < offset or place.size is not None and total != place.size)
        ):
            from transferagain import restart

            restart(sink, place)
            offset = 0
        place.size = total
        place.mark = mark or place.mark
        if offset and offset == total:
            return
        skip = await session.transfer(b"RETR ", offset)
        view = wire.view
        lost = None
        try:
            # The size is the end: what comes after it may fail where the file is whole. A control connection dies of
            # idleness in a long transfer, and the end of a TLS stream does not always come through.
            while place.offset != total:
                wire.step("the file")
                n = await wire.read(session.data, view)
                if not n:
                    break
                passed = min(skip, n)
                skip -= passed
                if n > passed:
                    n = n if total is None else min(n, passed + total - place.offset)
                    wire.store(sink, view[passed:n], place)
        except TransferError as e:
            if e.kind not in ("short", "tls"):
                raise
            lost = e
        if total is None or place.offset != total:
            await session.finish(lost)
        if skip or total is not None and place.offset != total:
            raise TransferError("short", "the file ends at %d bytes" % place.offset)
        place.size = place.offset
    finally:
        await session.close()
