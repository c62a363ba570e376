"""What an HTTP status means, in words; loaded for a failure."""

from transfer import TransferError, clean

_WORDS = """400 bad request;401 wrong user or password;403 forbidden;404 not found;405 method not allowed;408 too slow;
409 conflict;410 gone;411 length required;413 too large;416 range not there;429 too many requests;500 server error;
501 not implemented;502 bad gateway;503 not available;504 gateway timed out;507 no space;"""


async def refused(wire, stream, head, at, end):
    """The error that the head of an HTTP answer means."""
    view = wire.view[:256]
    if at == end and head.length != 0:
        try:
            at = 0
            end = await wire.read(stream, view)
        except TransferError:
            end = 0
    body = bytes(view[at:end])
    return refusal(wire, head.status, head.reason, body)


def refusal(wire, status, reason, body=b""):
    """The error for a status and its reason; an object store says more in the body's start."""
    if status in (401, 403, 407):
        kind = "auth"
    elif status in (404, 410):
        kind = "missing"
    elif status in (413, 507):
        kind = "full"
    elif status >= 500 or status in (408, 425, 429):
        kind = "server"
    else:
        kind = "refused"
    words = clean(reason, wire.secrets)
    if not words:
        at = _WORDS.find("%d " % status) + 4
        words = _WORDS[at:].partition(";")[0] if at > 3 else "no reason given"
    text = "%s answers %d %s" % (wire.where, status, words)
    at = body.find(b"<Code>")
    if at >= 0:
        code = clean(body[at + 6 : at + 66].partition(b"<")[0], wire.secrets)
        if code:
            text += " (" + code + ")"
    return TransferError(kind, text)
