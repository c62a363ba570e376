"""GET with Range: the file into a sink, from where an earlier try ended."""

import asyncio

from micropython import const
from transfer import TransferError
from transferwire import restart, store

_REDIRECTS = const(5)


async def get(text, wire, sink, place):
    """See transfer.get."""
    if place.offset and place.offset == place.size:
        return
    hops = 0
    while True:
        stream = head = None
        try:
            url = wire.url(text)
            port, tls, request = wire.part("httprequest").get(url, place)
            url = None
            stream = await wire.open(port, tls)
            wire.step("the request")
            await wire.write(stream, request)
            request = None
            wire.step("the answer")
            head, at, end = await wire.part("httphead").read(wire, stream)
            status = head.status
            if status in (301, 302, 303, 307, 308):
                if head.location is None:
                    raise TransferError("server", "redirected to nowhere")
                hops += 1
                if hops > _REDIRECTS:
                    raise TransferError("server", "over %d redirects" % _REDIRECTS)
                text = wire.part("httprefusal").redirect(text, head.location)
                continue
            if not (status == 200 or place.offset and status in (206, 416)):
                raise await wire.part("httprefusal").refused(wire, stream, head, at, end)
            skip, changed = head.resume(place)
            if changed:
                restart(sink, place)
                if status != 200:
                    continue  # all of it now, so that this can not happen again
                skip = 0
            elif status == 416:
                place.size = place.offset  # all of it was there already
                return
            head.note(place)
            length = head.length
            chunked = head.chunked
            head = None
            await asyncio.sleep_ms(0)  # the collector looks through the stack, too: this ends what stands there of the head
            body = wire.part("httpbody").Body(chunked, length)
            await _receive(stream, sink, wire, place, body, at, end, skip)
            return
        finally:
            await wire.close(stream)


async def _receive(stream, sink, wire, place, body, at, end, skip):
    view = wire.view
    while True:
        while at < end and not body.done:
            framing, n = body.piece(view[at:end])
            at += framing
            passed = min(skip, n)
            skip -= passed
            if n > passed:
                store(sink, view[at + passed : at + n], place)
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
