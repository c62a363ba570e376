"""What comes after the body of a PUT or POST. A part, loaded for that."""

from transfer import TransferError


async def answer(stream, source, wire, place, post, text, whole, lost):
    """The URL to go on with, None if the file is there."""
    try:
        n = await wire.read(stream, wire.view[:256])  # the wait for it may be long
        head, at, end = await wire.part("httphead").read(wire, stream, n)
    except TransferError as e:
        raise lost or e
    status = head.status
    if 200 <= status < 300 or status == 303 and post:
        if whole:
            return None
        raise lost or TransferError("short", "the server took %d bytes only" % place.offset)
    if status not in (307, 308) or head.location is None:
        raise await wire.part("httprefusal").refused(wire, stream, head, at, end)
    text = wire.part("httprefusal").redirect(text, head.location)
    if place.offset:
        if not hasattr(source, "seek"):
            raise TransferError("server", "redirected when the file was on its way")
        from transferagain import seek

        seek(source, 0, place)
    return text
