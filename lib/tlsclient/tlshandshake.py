"""The opening of a TLS connection: context, handshake in slices, and what its failures mean.

Cold: tlsclient imports it to connect and lets go of it afterwards. Between two records asyncio gets a turn, so
that no piece of work is longer than what one message of the handshake asks for. TLS 1.2 (MicroPython has no 1.3).
"""

import errno
import gc
from asyncio import core  # type: ignore
from binascii import a2b_base64

import tls
from micropython import const

# SEC-TLS-01, with forward secrecy; the 128 bit ones first, since they are what a small chip does faster.
SUITES = (
    "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256",
    "TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256",
    "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384",
    "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384",
)
# The longest piece of work is a fifth of theirs, but who gets the server's key one day reads all of it.
RSA_SUITES = ("TLS-RSA-WITH-AES-128-GCM-SHA256", "TLS-RSA-WITH-AES-256-GCM-SHA384")

_CIPHER = const(20)  # types of record
_ALERT = const(21)
_HANDSHAKE = const(22)
_CERTIFICATE_REQUEST = const(13)  # type of handshake message

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


class Handshake:
    """One attempt over `wire`, which mbedTLS reads and writes; `error` is the class of what is raised."""

    def __init__(self, wire, sock, error, hook):
        self.asked = False
        self._sock = sock
        self._error = error
        self._hook = hook
        self._tls = None
        self._may = 0  # records that may still be moved in this turn
        self._waits = None  # function of the io queue to wait with, None: it is only asyncio's turn
        self._head = 0  # header of the record under way, as far as it is here
        self._got = 0
        self._left = -1  # bytes of its body still to come, -1: there is no whole header
        self._kind = 0
        self._message = 1  # header of the handshake message under way, behind a 1 that marks its length
        self._skip = 0  # bytes of its body still to come
        self._seen = False  # a handshake message has come
        self._alert = -1
        self._ciphered = 0  # 1: the server ciphers from now on, 2: its Finished is here
        wire.readinto = self._readinto
        wire.write = self._write

    def start(self, host, roots, cert, key, verify, suites):
        """The TLS socket, nothing sent yet."""
        gc.collect()  # an old connection may still hold 25 KB outside of this heap
        context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        if verify:
            n = 0
            for root in roots:
                for der in to_der(root):
                    n += 1
                    self._load(context.load_verify_locations, "chain", "root certificate", der)
            if not n:
                raise self._error("chain", "there is no root certificate to verify the server with")
        else:
            context.verify_mode = tls.CERT_NONE
        if cert:
            self._load_client(context, cert, to_der(key)[0])
        if suites == "rsa":
            suites = RSA_SUITES + SUITES
        try:
            context.set_ciphers(suites or SUITES)
        except OSError:
            known = context.get_ciphers()
            context.set_ciphers([name for name in suites or SUITES if name in known])
        try:
            self._tls = context.wrap_socket(
                _wire_of(self), server_hostname=host, do_handshake_on_connect=False
            )
        except (OSError, ValueError, MemoryError) as e:
            raise self._explain(e)
        return self._tls
