"""The context of a TLS connection: whom we trust, who we are, what we offer.

Cold: tlsclient imports it for one connection and lets go of it before the handshake.
"""

from binascii import a2b_base64

import tls

# SEC-TLS-01, with forward secrecy; the 128 bit ones first, since they are what a small chip does faster.
SUITES = (
    "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256",
    "TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256",
    "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384",
    "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384",
)
# The longest piece of work is a fifth of theirs, but who gets the server's key one day reads all of it.
RSA_SUITES = ("TLS-RSA-WITH-AES-128-GCM-SHA256", "TLS-RSA-WITH-AES-256-GCM-SHA384")

_BEGIN = b"-----BEGIN "
_ROOM = 4089  # for certificates in the 4,096 bytes that mbedTLS sends at once, on the chip and on a desktop


def context(wire, error, roots, cert, key, verify, suites):
    """A context, for `wire` or, with None, for any; `error` is the class of what is raised for what was given."""
    made = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    if verify:
        _trust(made, error, roots)
        if wire:
            made.verify_callback = wire.witness  # type: ignore
    else:
        made.verify_mode = tls.CERT_NONE  # type: ignore
    if cert:
        _identify(made, error, cert, key)
    suites = suites or SUITES
    try:
        made.set_ciphers(suites)
    except OSError:  # an image that lacks some of them
        known = made.get_ciphers()
        made.set_ciphers([name for name in suites if name in known])
    return made


def _trust(context, error, roots):
    n = 0
    for root in roots:
        for der in to_der(root):
            n += 1
            try:
                context.load_verify_locations(der)
            except ValueError:
                raise error("chain", "root certificate %d can not be read" % n)
    if not n:
        raise error("chain", "there is no root certificate to verify the server with")


def _identify(context, error, cert, key):
    try:
        key = next(to_der(key))
        room = _ROOM
        for der in to_der(cert) if isinstance(cert, (bytes, str)) else cert:
            room -= len(der) + 3
            if room < 0:
                break  # the server has to know what comes next, as with any chain that long
            context.load_cert_chain(der, key)  # appended to those before it
    except (ValueError, StopIteration, TypeError):
        raise error("client", "client certificate or key can not be read")


def to_der(data):
    """Each DER in `data`, which is one DER or a PEM (str or bytes) with any number of parts, one at a time."""
    if isinstance(data, str):
        data = data.encode()
    at = data.find(_BEGIN)
    if at < 0:
        yield data
    while at >= 0:
        at = data.find(b"-----", at + len(_BEGIN)) + 5
        end = data.find(b"-----", at)
        yield a2b_base64(b"".join(data[at:end].split()))
        at = data.find(_BEGIN, end)
