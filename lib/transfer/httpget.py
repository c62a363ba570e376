"""GET with Range: the file into a sink, from where an earlier try ended."""

from httpparts import Body, Head, refusal, request, resume
from transfer import TransferError
from transferurl import redirect
from transferwire import restart, store

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_REDIRECTS = const(5)


async def get(url, sink, wire, place):
    """See transfer.get."""
    if place.offset and place.offset == place.size:
        return
    for _ in range(_REDIRECTS + 2):  # one more for a file that has changed meanwhile
        stream = await wire.open(url.host, url.port, url.tls)
        try:
            head = Head()
            wire.step("the request")
            await wire.write(stream, request("GET", url, _range(place)))
            wire.step("the answer")
            at, end = await wire.feed(stream, head)
            status = head.status
            if status in (301, 302, 303, 307, 308):
                if head.location is None:
                    raise TransferError("server", "redirected to nowhere")
                url = redirect(url, _text(head.location))
                continue
            if not (status == 200 or place.offset and status in (206, 416)):
                raise refusal(url, head, bytes(wire.view[at:end]))
            if head.coded:
                raise TransferError("server", "the file comes compressed")
            skip, changed = resume(head, place)
            if changed:
                restart(sink, place)
                if status != 200:
                    continue
                skip = 0
            elif status == 416:
                place.size = place.offset
                return  # all of it was there already
            place.mark = head.mark_like("") if not place.offset else place.mark
            if status == 206:
                place.size = head.size if head.size is not None else place.size
            elif not head.chunked and head.length is not None:
                place.size = head.length
            await _body(stream, sink, wire, place, Body(head), at, end, skip)
            return
        finally:
            await wire.close(stream)
    raise TransferError("server", "over %d redirects" % _REDIRECTS)


def _range(place):
    if not place.offset:
        return ()
    line = "Range: bytes=%d-" % place.offset
    return (line, "If-Range: " + place.mark) if place.mark else (line,)


def _text(location):
    try:
        return str(location, "utf-8")
    except UnicodeError:
        raise TransferError("server", "redirected to a bad URL")


async def _body(stream, sink, wire, place, body, at, end, skip):
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
