"""URLs of files, without I/O: parse("ftp://user:pass%21@host/dir/file") -> Url; TransferError of kind "url"."""

from transfer import TransferError

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_LONGEST = const(2048)  # OCPP's are at most 512; what signed downloads redirect to goes on to 1,500
_SHORT = const(6)  # a value in the query that is longer may be a signature
# scheme: (port, TLS); TLS from the first byte ("i"), by AUTH TLS ("e"), or none
_SCHEMES = {
    "http": (80, ""),
    "https": (443, "i"),
    "ftp": (21, ""),
    "ftps": (21, "e"),
    "ftpes": (21, "e"),
    "ftpis": (990, "i"),
}


class Url:
    """scheme, tls ("", "i", "e"), host, port, user and password (bytes or None), path with query."""

    def __init__(self, scheme, login, host, port, path):
        self.scheme = scheme
        self._port, self.tls = _SCHEMES[scheme]
        if port == 990 and scheme == "ftps":
            self.tls = "i"
        self.host = host
        self.port = port or self._port
        self.path = path
        self.login = login  # as it stands in the URL, with its @
        self.user = self.password = None
        if login:
            user, colon, password = login[:-1].partition(":")
            self.user = decode(user)
            self.password = decode(password) if colon else None

    @property
    def authority(self):
        """Value of the Host header."""
        host = "[" + self.host + "]" if ":" in self.host else self.host
        return host if self.port == self._port else "%s:%d" % (host, self.port)

    def file(self):
        """Bytes of the path for FTP: relative to the directory after the login, two slashes make it absolute."""
        head, found, _ = self.path.rpartition(";type=")
        return decode(head if found else self.path)[1:]

    def secrets(self):
        """Texts that may stand in no error."""
        found = [part.partition("=")[2] for part in self.path.partition("?")[2].split("&")]
        found = [value for value in found if len(value) > _SHORT]
        if self.password:
            found.append("".join([chr(c) if 31 < c < 127 else "?" for c in self.password]))
            found.append(self.login[:-1].partition(":")[2])
        return found


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


def _plain(c):
    return c in "-._~" or "0" <= c <= "9" or "a" <= c <= "z" or "A" <= c <= "Z"


def decode(text):
    """Bytes of a percent-encoded text; a % that begins no escape stands for itself."""
    parts = text.encode().split(b"%")
    out = parts[0]
    digits = b"0123456789abcdefABCDEF"
    for part in parts[1:]:
        # int() by itself would take "+1", " 1" and "1_1" as well
        if len(part) > 1 and part[:1] in digits and part[1:2] in digits:
            out += bytes((int(part[:2], 16),)) + part[2:]
        else:
            out += b"%" + part
    return out


def encode(path):
    """The path with what may not stand in a request line percent-encoded."""
    for c in path:
        if not "!" <= c <= "~":
            return "".join([chr(b) if 32 < b < 127 else "%%%02X" % b for b in path.encode()])
    return path
