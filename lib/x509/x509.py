"""An X.509 certificate (RFC 5280), as far as a TLS client and OCPP 1.6 need it.

    certificate = x509.parse(data)             a Certificate (certificate.py) of DER: bytes, or a binary file; der.DerError

Parsing checks no signature: x509chain.py does, and needs nothing of this module any more. A file is read piece by piece.
"""

from binascii import hexlify
from hashlib import sha256

import iso8601
from certificate import Certificate
from der import NULL, OCTET_STRING, OID, SEQUENCE, SET, DerError, File, Reader

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_PIECE = const(256)
_UTC_TIME = const(0x17)
_GENERALIZED_TIME = const(0x18)
_MAX_SERIAL = const(40)  # digits: 20 octets in RFC 5280, CiString[40] in OCPP
_MAX_EXTENSIONS = const(40)
_KEY_USAGE = const(15)
_ALT_NAME = const(17)
_BASIC_CONSTRAINTS = const(19)
_EXTENDED_USAGE = const(37)

_CN = b"\x55\x04\x03"
_O = b"\x55\x04\x0a"
_RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
_EC = b"\x2a\x86\x48\xce\x3d\x02\x01"
_P256 = b"\x2a\x86\x48\xce\x3d\x03\x01\x07"
_SHA256_RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"
_PSS = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"
_ECDSA_SHA256 = b"\x2a\x86\x48\xce\x3d\x04\x03\x02"
# hash and mask generation function of RSASSA-PSS with SHA-256 for both; the salt's length follows
_PSS_SHA256 = (
    b"\xa0\x0f\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00"
    b"\xa1\x1c\x30\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"
    b"\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00"
)


def parse(data):
    """The Certificate in bytes, or in a binary file; DerError, which is a ValueError."""
    if hasattr(data, "seek"):
        data = File(data)
    made = Certificate()
    outer = Reader(data)
    whole = outer.enter(SEQUENCE)
    outer.end()
    start = whole.at
    body = whole.enter(SEQUENCE)
    digest = sha256()
    for at in range(start, whole.at, _PIECE):
        digest.update(data[at : min(at + _PIECE, whole.at)])
    made.digest = digest.digest()
    at = whole.at
    made.algorithm, made.salt = _algorithm(whole)
    algorithm = data[at : whole.at]
    at, stop, unused = whole.bits()
    made.signature = data[at:stop]
    whole.end()

    version = 0
    if body.tag() == 0xA0:
        inner = body.enter(0xA0)
        version = inner.integer()
        inner.end()
        if version not in (1, 2):  # 0 is the default, and that is never written out
            raise DerError("version")
    made.serial = hexlify(body.number()).decode().lstrip("0") or "0"
    at = body.at
    _algorithm(body)
    if unused or len(made.serial) > _MAX_SERIAL or data[at : body.at] != algorithm:
        raise DerError("signature, serial number or algorithm")
    made.issuer = _name(body)
    _attribute(made.issuer, _CN)
    dates = body.enter(SEQUENCE)
    made.not_before = _time(dates)
    made.not_after = _time(dates)
    dates.end()
    made.subject = _name(body)
    made.cn = _attribute(made.subject, _CN)
    made.o = _attribute(made.subject, _O)
    _key(made, body)
    for tag in (0x81, 0x82):  # unique identifiers
        if body.tag() == tag and version:
            body.span(tag)
    made.ca = made.critical = False
    made.path_len = made.usage = None
    made.names = []
    if body.tag() == 0xA3 and version == 2:
        inner = body.enter(0xA3)
        extensions = inner.enter(SEQUENCE)
        inner.end()
        seen = []
        while extensions.tag() or not seen:  # one at least
            extension = extensions.enter(SEQUENCE)
            oid = extension.oid()
            if oid in seen or len(seen) > _MAX_EXTENSIONS:
                raise DerError("extension twice")
            seen.append(oid)
            critical = extension.boolean()
            _extension(made, oid, critical, extension.enter(OCTET_STRING))
            extension.end()
    body.end()
    return made


def _name(reader):
    at = reader.at
    reader.span(SEQUENCE)
    return reader.data[at : reader.at]


def _key(made, body):
    info = body.enter(SEQUENCE)
    algorithm = info.enter(SEQUENCE)
    oid = algorithm.oid()
    at, stop, unused = info.bits()
    info.end()
    if unused:
        raise DerError("key")
    bits = body.data[at:stop]
    made.key_hash = sha256(bits).digest()
    made.kind = "other"
    made.key = None
    made.bits = 0
    if oid == _RSA:
        _null(algorithm)
        key = Reader(bits)
        pair = key.enter(SEQUENCE)
        key.end()
        n = pair.integer()
        made.key = (n, pair.integer())
        pair.end()
        made.kind = "rsa"
        while n >> made.bits:
            made.bits += 256
        while made.bits and not n >> (made.bits - 1):
            made.bits -= 1
    elif oid == _EC and algorithm.tag() == OID:
        curve = algorithm.oid()
        algorithm.end()
        made.kind = "ec"
        compressed = bits[:1] in (b"\x02", b"\x03")
        # of other curves the length of the field, in whole bytes
        made.bits = 8 * (len(bits) - 1) if compressed else 4 * (len(bits) - 1) & -8
        if curve == _P256 and bits[:1] == b"\x04":
            if len(bits) != 65:
                raise DerError("key")
            made.kind = "p256"
            made.key = bits


def _extension(made, oid, critical, value):
    # those of id-ce, 2.5.29
    kind = oid[2] if len(oid) == 3 and oid[:2] == b"\x55\x1d" else 0
    if kind == _BASIC_CONSTRAINTS:
        body = value.enter(SEQUENCE)
        made.ca = body.boolean()
        if made.ca and body.tag():
            made.path_len = min(body.integer(), 1000)
        body.end()
    elif kind == _KEY_USAGE:
        at, stop, _ = value.bits()
        made.usage = value.data[at] if at < stop else 0
    elif kind == _ALT_NAME:
        body = value.enter(SEQUENCE)
        while body.tag() or not made.names:  # one at least
            tag = body.tag()
            if tag & 0xC0 != 0x80:
                raise DerError("subjectAltName")
            made.names.append((tag & 31, body.content(tag)))
    else:
        # Not looked into, nor is extendedKeyUsage, which may be critical all the same.
        if kind != _EXTENDED_USAGE:
            made.critical = made.critical or critical
        return
    value.end()


def _null(reader):
    if reader.tag():
        if reader.content(NULL):
            raise DerError("null")
    reader.end()


def _algorithm(reader):
    # (name, salt) of a signature's AlgorithmIdentifier
    body = reader.enter(SEQUENCE)
    oid = body.oid()
    if oid == _SHA256_RSA:
        _null(body)
        return "rsa", None
    if oid == _ECDSA_SHA256:
        body.end()
        return "ecdsa", None
    if oid == _PSS and body.tag():
        parameters = body.enter(SEQUENCE)
        body.end()
        at = parameters.at
        parameters.at += len(_PSS_SHA256)
        if parameters.at <= parameters.stop and reader.data[at : parameters.at] == _PSS_SHA256:
            salt = 20
            if parameters.tag():
                inner = parameters.enter(0xA2)
                parameters.end()
                salt = inner.integer()
                inner.end()
            return "pss", salt
    return "", None


def _time(reader):
    tag = reader.tag()
    text = reader.content(tag)
    if tag == _UTC_TIME and len(text) == 13:
        text = (b"19" if text >= b"5" else b"20") + text
    elif tag != _GENERALIZED_TIME:
        text = b""
    if len(text) != 15 or text[14] != 0x5A:  # RFC 5280 section 4.1.2.5: with seconds, in Z
        raise DerError("time")
    try:
        text = text.decode()
        parts = text[:4], text[4:6], text[6:8], text[8:10], text[10:12], text[12:14]
        return iso8601.parse("%s-%s-%sT%s:%s:%s" % parts)
    except ValueError:
        raise DerError("time")


def _attribute(name, oid):
    # text of the first attribute of this kind; reads the whole Name in any case
    outer = Reader(name)
    names = outer.enter(SEQUENCE)
    outer.end()
    found = None
    while names.tag():
        relative = names.enter(SET)
        while True:  # one at least
            pair = relative.enter(SEQUENCE)
            kind = pair.oid()
            tag = pair.tag()
            text = pair.content(tag)
            pair.end()
            if kind == oid and found is None:
                found = _text(tag, text)
            if not relative.tag():
                break
    return found


def _text(tag, data):
    if tag not in (0x0C, 0x12, 0x13, 0x16):  # UTF8String, and three kinds of ASCII; others are of the last century
        return None
    size = 0
    try:
        text = data.decode()
        for char in text:
            code = ord(char)
            size += 1 + (code > 0x7F) + (code > 0x7FF) + (code > 0xFFFF)
            if 0xD800 <= code < 0xE000 or code > 0x10FFFF or (code > 0x7F and tag != 0x0C):
                size = -1000000
    except ValueError:
        size = -1
    # MicroPython decodes surrogates, and characters written longer than they need be: two forms of one name
    if size != len(data):
        raise DerError("text")
    return text
