"""PUT and POST: a source to an HTTP server, raw or as the one file of a form."""

from micropython import const
from transfer import TransferError

_REDIRECTS = const(5)


async def put(text, wire, source, place, method, form, headers):
    """See transfer.put."""
    place.offset = 0
    for _ in range(_REDIRECTS + 1):
        stream = None
        try:
            url = wire.part("transferparse").url(wire, text)
            port, tls, request, *frame = wire.part("httprequest").put(url, place, method, form, headers)
            url = None
            stream = await wire.open(port, tls)
            wire.step("the request")
            await wire.write(stream, request)
            request = None
            sent = await wire.part("httpsend").send(stream, source, wire, place, *frame)
            text = await wire.part("httpanswer").answer(stream, source, wire, place, method == "POST", text, *sent)
            if text is None:
                return
        finally:
            await wire.close(stream)
    raise TransferError("server", "over %d redirects" % _REDIRECTS)
