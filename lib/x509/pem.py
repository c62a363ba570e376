"""PEM (RFC 7468) in and out of DER.

    for der in pem.decode(text):           each certificate of a chain, one at a time
    text = pem.encode(der, "CERTIFICATE REQUEST")

Lines may be of any length and ends in, and are of 64 columns out. Text around the blocks is passed over, as are
blocks of another label.
"""

from binascii import a2b_base64, b2a_base64

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_MAX_BLOCK = const(8000)  # characters; OCPP's limits are 5,500 a certificate and 10,000 a chain
_MAX_BLOCKS = const(10)
_LINE = const(48)  # bytes in 64 columns


class PemError(ValueError):
    """Not the PEM that was to be read."""


def decode(text, label="CERTIFICATE"):
    """DER of each block with this label; PemError, also when there is none. str or bytes."""
    if not isinstance(text, str):
        try:
            text = text.decode()
        except ValueError:
            raise PemError("not text")
    begin = "-----BEGIN " + label + "-----"
    end = "-----END " + label + "-----"
    at = text.find(begin)
    count = 0
    while at >= 0:
        at += len(begin)
        stop = text.find(end, at)
        count += 1
        if stop < 0 or stop - at > _MAX_BLOCK or count > _MAX_BLOCKS:
            raise PemError("a block without an end, or too long, or too many")
        yield _body(text[at:stop])
        at = text.find(begin, stop + len(end))
    if not count:
        raise PemError("no " + label)


def _body(text):
    for blank in "\r\n \t":
        text = text.replace(blank, "")
    # a2b_base64 passes over what it does not know: only what comes back the same was base64
    try:
        der = a2b_base64(text)
    except ValueError:
        der = b""
    if not der or b2a_base64(der).decode()[:-1] != text:
        raise PemError("not base64")
    return der


def encode(der, label="CERTIFICATE"):
    """A block of PEM with a line end behind it."""
    lines = ["-----BEGIN " + label + "-----\n"]
    for at in range(0, len(der), _LINE):
        lines.append(b2a_base64(der[at : at + _LINE]).decode())
    lines.append("-----END " + label + "-----\n")
    return "".join(lines)
