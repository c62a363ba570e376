"""An X.509 certificate (RFC 5280), as far as a TLS client and OCPP 1.6 need it.

    certificate = x509.Certificate(der)        der.DerError, which is a ValueError
    certificate.cn, .not_after, .kind, .bits, ...
    x509.hash_ids(certificate)                 what OCPP calls CertificateHashData

Parsing checks no signature: x509chain.py does.
"""

from binascii import hexlify
from hashlib import sha256

import iso8601
from der import NULL, OCTET_STRING, OID, SEQUENCE, SET, DerError, Reader

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_UTC_TIME = const(0x17)
_GENERALIZED_TIME = const(0x18)
_MAX_SERIAL = const(40)  # digits: 20 octets in RFC 5280, CiString[40] in OCPP
_MAX_EXTENSIONS = const(40)

CN = b"\x55\x04\x03"
O = b"\x55\x04\x0a"  # noqa: E741
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


class Certificate:
    """What a certificate says.

    der, tbs (start, stop); serial (hex digits); issuer, subject (DER); cn, o (subject's, text or None)
    not_before, not_after (seconds since 2000); kind "rsa", "p256", "ec", "other"; bits
    key: rsa (n, e), p256 the 65 bytes of the point, others None; key_span: (start, stop) of the key's bit string
    ca, path_len (or None), usage (first byte of keyUsage, or None), names [(kind of SAN, bytes)]
    algorithm "rsa", "pss", "ecdsa" or "" for others, salt (of pss), signature; critical: has a critical
    extension that is not known here
    """

    def __init__(self, der):
        self.der = der
        outer = Reader(der)
        whole = outer.enter(SEQUENCE)
        outer.end()
        start = whole.at
        tbs = whole.enter(SEQUENCE)
        self.tbs = (start, whole.at)
        at = whole.at
        self.algorithm, self.salt = _algorithm(whole)
        outside = der[at : whole.at]
        at, stop, unused = whole.bits()
        self.signature = bytes(der[at:stop])
        whole.end()

        version = 0
        if tbs.tag() == 0xA0:
            inner = tbs.enter(0xA0)
            version = inner.integer()
            inner.end()
            if version not in (1, 2):  # 0 is the default, and that is never written out
                raise DerError("version")
        serial = hexlify(tbs.number()).decode()
        self.serial = serial.lstrip("0") or "0"
        at = tbs.at
        _algorithm(tbs)
        inside = der[at : tbs.at]
        at = tbs.at
        tbs.span(SEQUENCE)
        self.issuer = bytes(der[at : tbs.at])
        dates = tbs.enter(SEQUENCE)
        self.not_before = _time(dates)
        self.not_after = _time(dates)
        dates.end()
        at = tbs.at
        tbs.span(SEQUENCE)
        self.subject = bytes(der[at : tbs.at])
        self._key(der, tbs)
        if unused or len(self.serial) > _MAX_SERIAL or inside != outside:
            raise DerError("signature, serial number or algorithm")
        attribute(self.issuer, CN)
        self.cn = attribute(self.subject, CN)
        self.o = attribute(self.subject, O)

        for tag in (0x81, 0x82):
            if tbs.tag() == tag and version:
                tbs.span(tag)
        self.ca = self.critical = False
        self.path_len = self.usage = None
        self.names = []
        if tbs.tag() == 0xA3 and version == 2:
            inner = tbs.enter(0xA3)
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
                self._extension(oid, critical, extension.enter(OCTET_STRING))
                extension.end()
        tbs.end()

    def _key(self, der, tbs):
        info = tbs.enter(SEQUENCE)
        algorithm = info.enter(SEQUENCE)
        oid = algorithm.oid()
        at, stop, unused = info.bits()
        info.end()
        if unused:
            raise DerError("key")
        self.key_span = (at, stop)
        self.kind = "other"
        self.key = None
        self.bits = 0
        if oid == _RSA:
            _null(algorithm)
            key = Reader(der, at, stop)
            pair = key.enter(SEQUENCE)
            key.end()
            self.key = (pair.integer(), pair.integer())
            pair.end()
            self.kind = "rsa"
            size = self.key[0]
            while size >> self.bits:
                self.bits += 256
            while self.bits and not size >> (self.bits - 1):
                self.bits -= 1
        elif oid == _EC and algorithm.tag() == OID:
            curve = algorithm.oid()
            algorithm.end()
            self.kind = "ec"
            point = bytes(der[at:stop])
            # of other curves the length of the field, in whole bytes
            self.bits = 8 * (len(point) - 1) if point[:1] in (b"\x02", b"\x03") else 4 * (len(point) - 1) & -8
            if curve == _P256 and point[:1] == b"\x04":
                if len(point) != 65:
                    raise DerError("key")
                self.kind = "p256"
                self.key = point

    def _extension(self, oid, critical, value):
        if oid == b"\x55\x1d\x13":  # basicConstraints
            body = value.enter(SEQUENCE)
            self.ca = body.boolean()
            if self.ca and body.tag():
                self.path_len = min(body.integer(), 1000)
            body.end()
        elif oid == b"\x55\x1d\x0f":  # keyUsage
            at, stop, _ = value.bits()
            self.usage = self.der[at] if at < stop else 0
        elif oid == b"\x55\x1d\x11":  # subjectAltName
            body = value.enter(SEQUENCE)
            while body.tag() or not self.names:  # one at least
                tag = body.tag()
                if tag & 0xC0 != 0x80:
                    raise DerError("subjectAltName")
                self.names.append((tag & 31, body.content(tag)))
        elif oid == b"\x55\x1d\x25":  # extendedKeyUsage
            body = value.enter(SEQUENCE)
            body.oid()
            while body.tag():
                body.oid()
        else:
            # not looked into
            self.critical = self.critical or critical
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


def attribute(name, oid):
    """Text of the first attribute of this kind of a Name in DER; None without one, DerError."""
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
    text = None
    try:
        if tag in (0x0C, 0x12, 0x13, 0x16):  # UTF8String, and three kinds of ASCII
            text = data.decode()
        elif tag == 0x14:  # TeletexString, taken for Latin-1 by everyone
            return "".join(chr(b) for b in data)
        elif tag == 0x1E and len(data) % 2 == 0:  # BMPString
            text = "".join(chr(data[i] << 8 | data[i + 1]) for i in range(0, len(data), 2))
    except ValueError:
        pass
    if text is None:
        raise DerError("text")
    # MicroPython decodes surrogates, and characters written longer than they need be: two names for one
    size = 0
    for char in text:
        code = ord(char)
        size += 1 + (code > 0x7F) + (code > 0x7FF) + (code > 0xFFFF)
        if 0xD800 <= code < 0xE000 or code > 0x10FFFF or (code > 0x7F and 0x0C < tag < 0x1E):
            raise DerError("text")
    if tag == 0x0C and size != len(data):
        raise DerError("text")
    return text


def hash_ids(certificate, issuer=None):
    """(issuerNameHash, issuerKeyHash, serialNumber) with SHA-256, lower-case hex; without an issuer it is its own."""
    issuer = issuer or certificate
    at, stop = issuer.key_span
    name = sha256(certificate.issuer).digest()
    key = sha256(issuer.der[at:stop]).digest()
    return hexlify(name).decode(), hexlify(key).decode(), certificate.serial
