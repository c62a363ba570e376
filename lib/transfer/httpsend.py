"""The body of a PUT or POST. A part, loaded for that."""

import select

from transfer import TransferError


async def send(stream, source, wire, place, before, after):
    """(is all of it on its way, what has failed or None): a server may answer before the end, or close."""
    whole = False
    lost = None
    try:
        whole = await _body(stream, source, wire, place, before, after)
        wire.step("the answer", 2)  # a server may first pass the file on
    except TransferError as e:
        if e.kind != "short":
            raise
        lost = e
        wire.step("the answer")  # who refuses may close after it, and it says more than that
    return whole, lost


async def _body(stream, source, wire, place, before, after):
    # False: the server has answered before the end
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
            await wire.write(stream, view[: wire.fill(source, view, place)])
            continue
        n = wire.fill(source, view[6:-2], place)
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
