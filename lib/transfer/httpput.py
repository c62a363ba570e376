"""PUT and POST: a source to an HTTP server, raw or as the one file of a form."""

import select
from binascii import hexlify
from os import urandom

from httpparts import Head, refusal, request
from transfer import TransferError
from transferurl import redirect
from transferwire import fill

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_REDIRECTS = const(5)


async def put(url, source, wire, place, method, form, headers):
    """See transfer.put."""
    for _ in range(_REDIRECTS + 1):
        place.offset = 0
        stream = await wire.open(url.host, url.port, url.tls)
        try:
            head, tail = await _attempt(url, stream, source, wire, place, method, form, headers)
        finally:
            await wire.close(stream)
        status = head.status
        if 200 <= status < 300 or status == 303 and method == "POST":
            return
        if status not in (307, 308) or head.location is None:
            raise refusal(url, head, tail)
        try:
            location = str(head.location, "utf-8")
        except UnicodeError:
            raise TransferError("server", "redirected to a bad URL")
        url = redirect(url, location)
        if place.offset:
            if not hasattr(source, "seek"):
                raise TransferError("server", "redirected when the file was on its way")
            source.seek(0)
    raise TransferError("server", "over %d redirects" % _REDIRECTS)


async def _attempt(url, stream, source, wire, place, method, form, headers):
    # (head of the answer, start of its body)
    before = after = b""
    lines = list(headers)
    if form:
        edge = "----" + hexlify(urandom(12)).decode()
        lines.append("Content-Type: multipart/form-data; boundary=" + edge)
        before, after = _form(edge, form)
    elif method == "POST":
        lines.append("Content-Type: application/octet-stream")
    # a PUT says no type: it would not fit what older signed URLs were signed for
    chunked = place.size is None
    if chunked:
        lines.append("Transfer-Encoding: chunked")
    else:
        lines.append("Content-Length: %d" % (len(before) + place.size + len(after)))
    head = Head()
    wire.step("the request")
    await wire.write(stream, request(method, url, lines))
    try:
        if await _body(stream, source, wire, place, before, after, chunked):
            wire.step("the answer", 2)  # a server may first pass the file on
    except TransferError as e:
        if e.kind != "short":
            raise
        # a server that refuses may have closed after its answer, which says more than that
        wire.step("the answer")
        try:
            at, end = await wire.feed(stream, head)
        except TransferError:
            raise e
        if head.status < 300:
            raise e
    else:
        at, end = await wire.feed(stream, head)
    return head, bytes(wire.view[at:end])


def _form(edge, form):
    field, name = form
    for c in field + name:
        if c in '"\\' or c < " ":
            raise TransferError("url", "bad file name for a form")
    before = '--%s\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n' % (edge, field, name)
    before += "Content-Type: application/octet-stream\r\n\r\n"
    return before.encode(), ("\r\n--%s--\r\n" % edge).encode()


async def _body(stream, source, wire, place, before, after, chunked):
    # False: the server has answered before the end
    poll = select.poll()
    poll.register(getattr(stream, "s", stream), select.POLLIN)
    view = wire.view
    if before:
        await wire.write(stream, _chunk(before) if chunked else before)
    while True:
        for _ in poll.ipoll(0):
            wire.step("the answer")
            return False
        wire.step("sending the file")
        if not chunked:
            n = fill(source, view, place)
            if not n:
                break
            await wire.write(stream, view[:n])
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
