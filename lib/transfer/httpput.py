"""PUT and POST: a source to an HTTP server, raw or as the one file of a form."""

import select

from micropython import const
from transfer import TransferError

_REDIRECTS = const(5)


async def put(text, wire, source, place, method, form, headers):
    """See transfer.put."""
    place.offset = 0
    for _ in range(_REDIRECTS + 1):
        stream = head = None
        try:
            url = wire.url(text)
            port, tls, request, before, after = wire.part("httprequest").put(url, place, method, form, headers)
            url = None
            stream = await wire.open(port, tls)
            wire.step("the request")
            await wire.write(stream, request)
            request = None
            wire.part()
            lost = None
            whole = False
            try:
                whole = await _body(stream, source, wire, place, before, after)
                wire.step("the answer", 2)  # a server may first pass the file on
            except TransferError as e:
                if e.kind != "short":
                    raise
                lost = e
                wire.step("the answer")  # who refuses may close after it, and it says more than that
            try:
                n = await wire.read(stream, wire.view[:256])  # the wait for it may be long
                head, at, end = await wire.part("httphead").read(wire, stream, n)
            except TransferError as e:
                raise lost or e
            status = head.status
            if 200 <= status < 300 or status == 303 and method == "POST":
                if whole:
                    return
                raise lost or TransferError("short", "the server took %d bytes only" % place.offset)
            if status not in (307, 308) or head.location is None:
                raise await wire.part("httprefusal").refused(wire, stream, head, at, end)
            text = wire.part("httprefusal").redirect(text, head.location)
        finally:
            await wire.close(stream)
        if place.offset:
            if not hasattr(source, "seek"):
                raise TransferError("server", "redirected when the file was on its way")
            from transferout import seek

            seek(source, 0)
            place.offset = 0
    raise TransferError("server", "over %d redirects" % _REDIRECTS)


async def _body(stream, source, wire, place, before, after):
    # False: the server has answered before the end
    from transferout import fill  # only now: a handshake needs the room

    chunked = place.size is None
    poll = select.poll()
    if hasattr(stream, "s"):  # a TLS stream may not show its socket
        poll.register(stream.s, select.POLLIN)
    view = wire.view
    if before:
        await wire.write(stream, _chunk(before) if chunked else before)
    while place.offset != place.size:
        for _ in poll.ipoll(0):
            return False
        wire.step("sending the file")
        if not chunked:
            await wire.write(stream, view[: fill(source, view, place)])
            continue
        n = fill(source, view[6:-2], place)
        if not n:
            break
        view[:6] = b"%04x\r\n" % n  # header, data and end in one write
        view[6 + n : 8 + n] = b"\r\n"
        await wire.write(stream, view[: 8 + n])
    if after:
        await wire.write(stream, _chunk(after) if chunked else after)
    if chunked:
        await wire.write(stream, b"0\r\n\r\n")
    return True


def _chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)
