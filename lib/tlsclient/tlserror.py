"""What a failed handshake means: explain(error, e, handshake) -> the TlsError to raise.

Cold: tlsclient imports it when a handshake has failed.
"""

import errno

_ALERTS = {
    0: "closed close_notify",
    40: "other handshake_failure",
    42: "client bad_certificate",
    43: "client unsupported_certificate",
    44: "client certificate_revoked",
    45: "client certificate_expired",
    46: "client certificate_unknown",
    48: "client unknown_ca",
    49: "client access_denied",
    51: "client decrypt_error",
    70: "version protocol_version",
    71: "suite insufficient_security",
    80: "other internal_error",
    112: "host unrecognized_name",
    116: "client certificate_required",
}

# Codes of mbedTLS without their sign and their low part.
_CODES = {
    0x2880: "memory",  # X509_ALLOC_FAILED and the like
    0x3F80: "memory",
    0x4D80: "memory",
    0x5180: "memory",
    0x6180: "memory",
    0x7F00: "memory",
    0x2700: "chain",  # X509_CERT_VERIFY_FAILED, in a build without texts
    0x7680: "chain",  # CA_CHAIN_REQUIRED
    0x7A00: "chain",  # BAD_CERTIFICATE
    0x6E80: "version",
    0x6E00: "suite",  # HANDSHAKE_FAILURE: no suite or curve in common
    0x7280: "closed",  # CONN_EOF
    0x7880: "closed",  # PEER_CLOSE_NOTIFY
}


def explain(error, e, handshake):
    """`error` is the class of the result, `e` what mbedTLS raised, `handshake` knows what went by (None: nothing)."""
    if isinstance(e, MemoryError):
        return error("memory", "out of memory")
    if isinstance(e, ValueError):
        return error(*_flaw(str(e)))
    code = -e.args[0]
    # The last two, and low parts below, are MPI and ASN1 of mbedTLS that found no memory.
    if code == -errno.ENOMEM or code in (-0x10, -0x6A) or (code > 0x80 and code & 0x7F in (0x10, 0x6A)):
        return error("memory", "out of memory")
    if code < 0:
        return error("closed", "connection failed, error %d" % -code)
    if code == 0x7780 and handshake:
        return error(*_refused(handshake))
    if code == 0x7200 and handshake and not handshake.seen:
        return error("other", "the server does not speak TLS")
    kind = _CODES.get(code & 0xFF80)
    if kind is None:
        kind = "chain" if 0x2080 <= code < 0x2A00 else "other"  # X509
    text = e.args[1] if len(e.args) > 1 else ""
    return error(kind, "mbedTLS -0x%04x %s" % (code, text))


def _refused(handshake):
    kind, _, name = _ALERTS.get(handshake.alert, "other ").partition(" ")
    if handshake.alert == 40:
        if handshake.seen:
            kind = "client" if handshake.asked else "other"
        else:  # OpenSSL says only in the header of the alert that it wants another version
            kind = "suite" if handshake.minor == 3 else "version"
    return kind, "refused by the server: alert %d %s" % (handshake.alert, name)


def _flaw(text):
    text = text.strip().replace("\n", "; ")
    if "trusted CA" in text:
        return "chain", text
    if "validity" in text:
        return "date", text
    if "does not match" in text:
        return "host", text
    return "chain", text  # an unacceptable key or hash, a certificate for something else
