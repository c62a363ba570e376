"""What an HTTP status means that is no success: the error in words, or where a redirect leads. Loaded for one of them."""

from transfer import TransferError
from transferwords import clean

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


def redirect(text, location):
    """The URL that a Location (bytes) in the answer to `text` means; TransferError.

    Credentials stay on their own scheme, host and port.
    """
    from transferparse import parse  # an error does not need it

    url = parse(text)
    try:
        new = str(location, "utf-8")
    except UnicodeError:
        raise TransferError("server", "redirected to a bad URL")
    head, found, _ = new.partition("://")
    if not found or "/" in head or "?" in head:
        if new[:2] == "//":
            new = url.scheme + ":" + new
        else:
            path = url.path.partition("?")[0]
            if new[:1] in ("", "#"):
                new = url.path + new
            elif new[:1] == "?":
                new = path + new
            elif new[:1] != "/":
                new = path.rpartition("/")[0] + "/" + new
            new = url.scheme + "://" + url.authority + _resolve(new)
    try:
        goal = parse(new)
    except TransferError as e:
        raise TransferError("server", "redirected to a bad URL: " + e.text)
    if goal.scheme[0] == "f" or url.tls and not goal.tls:
        raise TransferError("refused", "redirected from %s to %s" % (url.scheme, goal.scheme))
    if (goal.scheme, goal.host, goal.port) == (url.scheme, url.host, url.port) and not goal.login:
        scheme, _, rest = new.partition("://")
        new = scheme + "://" + url.login + rest
    return new


def _resolve(path):
    # dot segments, RFC 3986, 5.2.4; a query may hold anything
    path, mark, query = path.partition("?")
    parts = path.split("/")
    out = []
    for i, part in enumerate(parts):
        if part == "..":
            if len(out) > 1:
                out.pop()
        elif part != ".":
            out.append(part)
            continue
        if i == len(parts) - 1:
            out.append("")
    return "/".join(out) + mark + query
