"""URLs of files, without I/O: parse("ftp://user:pass%21@host/dir/file") -> Url; TransferError of kind "url"."""

from transfer import TransferError
from transferurl import SCHEMES, Url, decode

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_LONGEST = const(2048)  # OCPP's are at most 512; what signed downloads redirect to goes on to 1,500


def parse(text):
    """The Url of a text; TransferError."""
    if len(text) > _LONGEST:
        raise TransferError("url", "URL over %d characters" % _LONGEST)
    for c in text:
        if c < " " or c == "\x7f":
            raise TransferError("url", "URL with a control character")
    scheme, found, rest = text.partition("://")
    scheme = scheme.lower()
    if not found or scheme not in SCHEMES:
        raise TransferError("url", "URL is none of http, https, ftp, ftps")
    end = 0
    while end < len(rest) and rest[end] not in "/?#":
        end += 1
    login, at, host = rest[:end].rpartition("@")
    path = rest[end:]
    bracket = host[:1] == "["
    if bracket:
        host, found, port = host[1:].partition("]")
        if not found or port[:1] not in ("", ":") or ":" not in host:
            host = ""
        port = port[1:]
    else:
        host, _, port = host.partition(":")
    for c in host:
        if not (_plain(c) or bracket and c in ":%"):
            host = ""
    for c in port:
        if not "0" <= c <= "9":
            host = ""
    if not host or len(port) > 5 or port and not 0 < int(port) < 65536:
        raise TransferError("url", "URL with a bad host or port")
    if scheme[0] == "f":
        lines = decode(path + login)
        if b"\r" in lines or b"\n" in lines or b"\0" in lines:
            raise TransferError("url", "URL with a line break in it")
    else:
        path = encode(path.partition("#")[0])
        if path[:1] != "/":
            path = "/" + path
    return Url(scheme, login + at, host, int(port or "0"), path)


def url(wire, text):
    """The Url of a text, of which errors may show the host only from now on."""
    found = parse(text)
    wire.host = found.host
    wire.where = "%s:%d" % (found.host, found.port)
    wire.secrets += found.secrets()
    return found


def _plain(c):
    return c in "-._~" or "0" <= c <= "9" or "a" <= c <= "z" or "A" <= c <= "Z"


def encode(path):
    """The path with what may not stand in a request line percent-encoded."""
    for c in path:
        if not "!" <= c <= "~":
            return "".join([chr(b) if 32 < b < 127 else "%%%02X" % b for b in path.encode()])
    return path
