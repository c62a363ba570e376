"""What a URL says, see transferparse. Apart from it, since this lives on beside what makes a request of it."""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_SHORT = const(6)  # a value in the query that is longer may be a signature
# scheme: (port, TLS); TLS from the first byte ("i"), by AUTH TLS ("e"), or none
SCHEMES = {
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
        self._port, self.tls = SCHEMES[scheme]
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
