"""Where the Location of an HTTP answer leads, without I/O; loaded for a redirect."""

from transfer import TransferError
from transferurl import parse


def redirect(text, location):
    """The URL that a Location (bytes) in the answer to `text` means; TransferError.

    Credentials stay on their own scheme, host and port.
    """
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
