"""URLs of files, without I/O: parse("ftp://user:pass%21@host/dir/file") -> Url; TransferError of kind "url"."""

from transfer import TransferError

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_LONGEST = const(2048)  # OCPP's are at most 512; what signed downloads redirect to goes on to 1,500
_SHORT = const(6)  # a part of the query that long may be a signature
# scheme: (port, TLS); ftp has TLS from the first byte ("i"), by AUTH TLS ("e"), or none
_SCHEMES = {
    "http": (80, ""),
    "https": (443, "i"),
    "ftp": (21, ""),
    "ftps": (21, "e"),
    "ftpes": (21, "e"),
    "ftpis": (990, "i"),
}
_HOST = "-._~:%"  # besides letters and digits; a colon only inside brackets


class Url:
    """scheme, ftp, tls ("", "i", "e"), host, port, user and password (bytes or None), path with query."""

    def __init__(self, scheme, host, port, user, password, path):
        self.scheme = scheme
        self.ftp = scheme[0] == "f"
        default, tls = _SCHEMES[scheme]
        if port == 990 and scheme == "ftps":
            tls = "i"
        self.tls = tls
        self.host = host
        self.port = port or default
        self.user = user
        self.password = password
        self.path = path

    @property
    def where(self):
        """All of it that an error text may show."""
        return "%s:%d" % (self.host, self.port)

    @property
    def authority(self):
        """Value of the Host header."""
        host = "[" + self.host + "]" if ":" in self.host else self.host
        return host if self.port == _SCHEMES[self.scheme][0] else "%s:%d" % (host, self.port)

    def clean(self, words):
        """A server's words for an error text: printable, short, empty if they hold a secret of ours."""
        text = "".join([chr(c) if 31 < c < 127 else "?" for c in words[:512]])
        query = self.path.partition("?")[2]
        secrets = [part.partition("=")[2] for part in query.split("&")]
        secrets = [s for s in secrets if len(s) >= _SHORT]
        if self.password:
            secrets.append("".join([chr(c) if 31 < c < 127 else "?" for c in self.password]))
            secrets.append(encode(self.password))
        for secret in secrets:
            if secret in text:
                return ""
        return text[:80].strip()


def parse(text):
    """The Url of a text; TransferError."""
    if len(text) > _LONGEST:
        raise TransferError("url", "URL over %d characters" % _LONGEST)
    for c in text:
        if c < " " or c == "\x7f":
            raise TransferError("url", "URL with a control character")
    scheme, found, rest = text.partition("://")
    scheme = scheme.lower()
    if not found or scheme not in _SCHEMES:
        raise TransferError("url", "URL is none of http, https, ftp, ftps")
    end = 0
    while end < len(rest) and rest[end] not in "/?#":
        end += 1
    user, at, host = rest[:end].rpartition("@")
    path = rest[end:]
    password = None
    if at:
        user, colon, password = user.partition(":")
        user = decode(user)
        password = decode(password) if colon else None
    if host[:1] == "[":
        host, found, port = host[1:].partition("]")
        if not found or port[:1] not in ("", ":") or ":" not in host:
            host = ""
        port = port[1:]
    else:
        host, _, port = host.partition(":")
    good = bool(host)
    for c in host:
        if not (c in _HOST or "0" <= c <= "9" or "a" <= c <= "z" or "A" <= c <= "Z"):
            good = False
    for c in port:
        if not "0" <= c <= "9":
            good = False
    if not good or len(port) > 5 or port and not 0 < int(port) < 65536:
        raise TransferError("url", "URL with a bad host or port")
    if scheme[0] == "f":
        lines = decode(path) + (user or b"") + (password or b"")
        if b"\r" in lines or b"\n" in lines or b"\0" in lines:
            raise TransferError("url", "URL with a line break in it")
    else:
        path = encode(path.partition("#")[0].encode(), True)
        if path[:1] != "/":
            path = "/" + path
    return Url(scheme, host, int(port or 0), user if at else None, password, path)


def decode(text):
    """Bytes of a percent-encoded text; a % that begins no escape stands for itself."""
    parts = text.encode().split(b"%")
    out = parts[0]
    for part in parts[1:]:
        try:
            # int() alone would take "+1", " 1" and "1_1"
            code = int(part[:2], 16) if part[:1].isalpha() or part[:1].isdigit() else -1
            if len(part) < 2 or not (part[1:2].isalpha() or part[1:2].isdigit()):
                code = -1
        except ValueError:
            code = -1
        out += b"%" + part if code < 0 else bytes((code,)) + part[2:]
    return out


def encode(data, kept=False):
    """Percent-encoded bytes; kept: only what may not stand in a request line is."""
    out = ""
    for c in data:
        c = chr(c)
        if kept and "!" <= c <= "~" or c in "-._~" or "0" <= c <= "9" or "a" <= c <= "z" or "A" <= c <= "Z":
            out += c
        else:
            out += "%%%02X" % ord(c)
    return out


def redirect(url, location):
    """The Url that a Location header means; credentials stay on their own host; TransferError."""
    head, found, _ = location.partition("://")
    if not found or "/" in head or "?" in head:
        base = url.scheme + "://"
        if location[:2] != "//":
            path = url.path.partition("?")[0]
            if location[:1] == "?":
                location = path + location
            elif location[:1] != "/":
                location = path.rpartition("/")[0] + "/" + location
            location = url.authority + _resolve(location)
        else:
            location = location[2:]
        location = base + location
    try:
        new = parse(location)
    except TransferError as e:
        raise TransferError("server", "redirected to a bad URL: " + e.text)
    if new.ftp or url.tls and not new.tls:
        raise TransferError("refused", "redirected from %s to %s" % (url.scheme, new.scheme))
    if new.user is None and (new.scheme, new.host, new.port) == (url.scheme, url.host, url.port):
        new.user = url.user
        new.password = url.password
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
