"""GET with Range: the file into a sink, from where an earlier try ended."""

from transfer import TransferError


async def get(text, wire, sink, place):
    """See transfer.get."""
    if place.offset and place.offset == place.size:
        return
    asked = await wire.part("httpask").ask(text, wire, sink, place)
    if asked is None:
        return
    stream, at, end, skip, length, chunked = asked
    try:
        body = wire.part("httpchunks" if chunked else "httpbody").Body(length)
        view = wire.view
        while True:
            while at < end and not body.done:
                framing, n = body.piece(view[at:end])
                at += framing
                passed = min(skip, n)
                skip -= passed
                if n > passed:
                    wire.store(sink, view[at + passed : at + n], place)
                at += n
            if body.done:
                break
            wire.step("the file")
            at = 0
            end = await wire.read(stream, view)
            if not end:
                body.ended()
        if skip or place.size is not None and place.offset != place.size:
            raise TransferError("short", "the file ends at %d bytes" % place.offset)
        place.size = place.offset
    finally:
        await wire.close(stream)
