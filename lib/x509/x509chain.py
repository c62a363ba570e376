"""Signatures of certificates, and chains from a leaf to a root that is trusted.

    good = yield from x509chain.verify(certificate, issuer)
    root = yield from x509chain.check(chain, roots, now)
    good = yield from x509chain.signed(certificate, signature, digest)       of a file, by its owner

Generators (steps.py). A ChainError, which is a ValueError, has one of these words as its argument:
"unsupported" algorithm, key or curve; "signature"; "early", "expired"; "weak" key; a "key" that is none; "not ca";
"too long" for a pathLenConstraint; "critical" extension that is not known; "order" of the chain; "untrusted": no root
leads to it.
Names are compared byte by byte, and revocation is not looked into.
"""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_CERT_SIGN = const(0x04)  # in the first byte of keyUsage
_MIN_RSA = const(2048)
_MAX_RSA = const(4096)
_MIN_EC = const(224)
_MAX_CHAIN = const(6)


class ChainError(ValueError):
    """args[0] says in a word why a certificate is not to be trusted."""


def usable(certificate, now, below=None, early=False):
    """ChainError unless it is good for itself: dates, strength of its key, and, as a CA, the right to sign.

    now: seconds since 2000, None leaves the dates out; early=True takes one whose time is to come (SEC-CERT-02).
    below: None for a leaf, else the number of other CAs between this one and the leaf (0 for one to be installed).
    """
    if now is not None:
        if now > certificate.not_after:
            raise ChainError("expired")
        if now < certificate.not_before and not early:
            raise ChainError("early")
    if certificate.kind == "other":
        raise ChainError("unsupported")
    if certificate.bits < (_MIN_RSA if certificate.kind == "rsa" else _MIN_EC):
        raise ChainError("weak")
    if certificate.critical:
        raise ChainError("critical")
    if below is not None:
        if not certificate.ca or not (certificate.usage is None or certificate.usage & _CERT_SIGN):
            raise ChainError("not ca")
        if certificate.path_len is not None and certificate.path_len < below:
            raise ChainError("too long")


def verify(certificate, issuer):
    """Steps: did the issuer's key sign this certificate? ChainError("unsupported", "weak", "key")."""
    if not certificate.algorithm:
        raise ChainError("unsupported")
    good = yield from _verify(issuer, certificate.algorithm, certificate.salt, certificate.signature, certificate.digest)
    return good


def signed(certificate, signature, digest):
    """Steps: is this a signature of a SHA-256 digest by the certificate's owner? RSA in both encodings, or ECDSA."""
    good = yield from _verify(certificate, "", None, signature, digest)
    return good


def _verify(issuer, algorithm, salt, signature, digest):
    if issuer.kind == "rsa":
        if issuer.bits < _MIN_RSA:
            raise ChainError("weak")
        if issuer.bits > _MAX_RSA:
            raise ChainError("unsupported")
        if algorithm == "ecdsa":
            return False
        import rsa

        n, e = issuer.key
        try:
            encoded = yield from rsa.recover(n, e, signature)
        except ValueError:
            raise ChainError("key")
        if encoded is None:
            return False
        if algorithm != "pss" and rsa.is_pkcs1(encoded, digest):
            return True
        return algorithm != "rsa" and rsa.is_pss(encoded, n, digest, salt)
    if issuer.kind != "p256":
        raise ChainError("unsupported")
    if algorithm not in ("ecdsa", ""):
        return False
    import p256

    try:
        good = yield from p256.verify(issuer.key, digest, signature)
    except ValueError:
        raise ChainError("key")
    return good


def check(chain, roots, now, early=False):
    """Steps: the root (one of `roots`) that vouches for chain[0]; ChainError.

    chain: certificates, leaf first, each signed by the next; the root itself may close it, and what follows is not read.
    roots: certificates that are trusted; those that no `issuer` of the chain names need not be there.
    early: the leaf may be one whose time is to come.
    """
    if not 1 <= len(chain) <= _MAX_CHAIN:
        raise ChainError("order")
    usable(chain[0], now, None, early)
    below = 0
    for place, certificate in enumerate(chain):
        issuer = chain[place + 1] if place + 1 < len(chain) else None
        root = yield from link(certificate, issuer, roots, now, below, not place)
        if root:
            return root
        below += issuer.subject != issuer.issuer


def link(certificate, issuer, roots, now, below, leaf):
    """Steps: one certificate of a chain: the root that vouches for it, None when a root has to vouch for its issuer; ChainError.

    For who can not have all of a chain at once; the leaf's own `usable` is the caller's.
    issuer: the next of the chain, None if there is none; roots: those that `.issuer` names, at least.
    below: other CAs between the issuer and the leaf; those that only pass on their own name don't count.
    """
    untrusted = "untrusted"
    for root in roots:
        if not leaf and root.digest == certificate.digest:
            return root
        if root.subject == certificate.issuer:
            # One of several with this name may be the wrong one, so that what is wrong is only said in the end.
            try:
                usable(root, now, below)
                if (yield from verify(certificate, root)):
                    return root
                untrusted = "signature"
            except ChainError as error:
                untrusted = error.args[0]
    if not issuer:
        raise ChainError(untrusted)
    if issuer.subject != certificate.issuer:
        raise ChainError(untrusted if untrusted != "untrusted" else "order")
    # before its signature is looked at, which takes a second
    usable(issuer, now, below)
    if not (yield from verify(certificate, issuer)):
        raise ChainError("signature")
    return None
