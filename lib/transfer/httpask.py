"""What comes before the body of a GET: the request, redirects, and what the answer means for what an earlier try got."""

import asyncio

from micropython import const
from transfer import TransferError

_REDIRECTS = const(5)


async def ask(text, wire, sink, place):
    """(stream, bounds in `view` of what came after the head, bytes to pass over, length or None, is it in chunks).

    None if all of it was there already.
    """
    hops = 0
    while True:
        stream = head = None
        try:
            url = wire.part("transferparse").url(wire, text)
            port, tls, request = wire.part("httprequest").get(url, place)
            url = None
            stream = await wire.open(port, tls)
            wire.step("the request")
            await wire.write(stream, request)
            request = None
            wire.part()
            wire.step("the answer")
            n = await wire.read(stream, wire.view[:256])  # the wait for it may be long
            head, at, end = await wire.part("httphead").read(wire, stream, n)
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
                from transferagain import restart

                restart(sink, place)
                if status != 200:
                    continue  # all of it now, so that this can not happen again
                skip = 0
            elif status == 416:
                place.size = place.offset  # all of it was there already
                return None
            head.note(place)
            length = head.length
            chunked = head.chunked
            head = None
            await asyncio.sleep_ms(0)  # the collector looks through the stack, too: this ends what stands there of the head
            kept, stream = stream, None
            return kept, at, end, skip, length, chunked
        finally:
            await wire.close(stream)
