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
        self._wire = wire
        self._sock = sock
        self._error = error
        self._hook = hook
        self._tls = None
        self._may = 0  # records that may still be moved in this turn
        self._waits = None  # function of the io queue to wait with, None: it is only asyncio's turn
        self._kind = 0  # of the record under way
        self._minor = 0  # 3 is TLS 1.2
        self._got = 0  # bytes of its header that are here, 0: none is under way
        self._left = 0  # bytes of the record's body still to come
        self._message = 1  # header of the handshake message under way, behind a 1 that marks its length
        self._skip = 0  # bytes of the message's body still to come
        self._seen = False  # a handshake message has come
        self._alert = -1
        self._ciphered = 0  # 1: the server ciphers from now on, 2: its Finished is here
        self._done = False
        wire.readinto = self._readinto
        wire.write = self._write

    def start(self, host, roots, cert, key, verify, suites):
        """The TLS socket, nothing sent yet."""
        gc.collect()  # an old connection may still hold 25 KB outside of this heap
        try:
            context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
            if verify:
                self._trust(context, roots)
            else:
                context.verify_mode = tls.CERT_NONE
            if cert:
                self._identify(context, cert, key)
            suites = suites or SUITES
            try:
                context.set_ciphers(suites)
            except OSError:  # an image that lacks some of them
                known = context.get_ciphers()
                context.set_ciphers([name for name in suites if name in known])
            self._tls = context.wrap_socket(
                self._wire, server_hostname=host, do_handshake_on_connect=False
            )
        except self._error:
            raise
        except (OSError, ValueError, MemoryError) as e:
            raise self._explain(e)
        return self._tls

    def _trust(self, context, roots):
        n = 0
        for root in roots:
            for der in to_der(root):
                n += 1
                try:
                    context.load_verify_locations(der)
                except ValueError:
                    raise self._error("chain", "root certificate %d can not be read" % n)
        if not n:
            raise self._error("chain", "there is no root certificate to verify the server with")

    def _identify(self, context, cert, key):
        # Only a PEM can hold the chain that belongs to it, and not every build takes one.
        try:
            key = to_der(key)[0]
            certs = to_der(cert)
            if len(certs) > 1:
                try:
                    context.load_cert_chain(cert, key)
                    return
                except ValueError:
                    pass
            context.load_cert_chain(certs[0], key)
        except (ValueError, IndexError, TypeError):
            raise self._error("client", "client certificate or key can not be read")

    def run(self):
        """Coroutine: until the server's Finished has come."""
        one = bytearray(1)
        while True:
            self._may = 1
            self._waits = None
            try:
                n = self._tls.readinto(one)
            except (OSError, ValueError, MemoryError) as e:
                raise self._explain(e)
            if self._done:
                return
            if n is not None:
                raise self._error("closed", "closed in the handshake")
            if self._waits:
                yield self._waits(self._sock)
            else:
                yield from core.sleep_ms(0)

    # -- what mbedTLS calls: None lets it give up for this turn

    def _readinto(self, buf):
        if self._hook:
            self._hook()
        if not self._got:
            if self._ciphered == 2:
                self._done = True
                return None
            if self._may <= 0:
                return None
        try:
            n = self._sock.readinto(buf)
        except OSError as e:
            return -e.errno
        if n is None:
            self._waits = core._io_queue.queue_read
        elif n:
            self._follow(memoryview(buf)[:n])
        return n

    def _write(self, buf):
        if self._hook:
            self._hook()
        if self._may <= 0:
            return None
        try:
            n = self._sock.write(buf)
        except OSError:
            n = len(buf)  # it is gone; the alert that says why may still be there to be read
        if n is None:
            self._waits = core._io_queue.queue_write
        else:
            self._may -= 1
        return n

    # -- what goes by: mbedTLS asks for a header, then for the body, never for more

    def _follow(self, data):
        if self._got < 5:
            for b in data:
                if not self._got:
                    self._kind = b
                    self._left = 0
                elif self._got == 2:
                    self._minor = b
                elif self._got > 2:
                    self._left = self._left << 8 | b
                self._got += 1
        else:
            self._left -= len(data)
            if self._kind == _ALERT:
                for b in data:
                    self._alert = b
            elif self._kind == _HANDSHAKE and not self._ciphered:
                self._messages(data)
        if self._got == 5 and self._left <= 0:
            self._got = 0
            self._may -= 1
            if self._kind == _CIPHER:
                self._ciphered = 1
            elif self._ciphered:
                self._ciphered = 2

    def _messages(self, data):
        self._seen = True
        i = 0
        while i < len(data):
            if self._skip:
                n = min(self._skip, len(data) - i)
                self._skip -= n
                i += n
                continue
            head = self._message << 8 | data[i]
            i += 1
            if head >> 32:
                if head >> 24 & 255 == _CERTIFICATE_REQUEST:
                    self.asked = True
                self._skip = head & 0xFFFFFF
                head = 1
            self._message = head

    # -- what went wrong

    def _explain(self, e):
        if isinstance(e, MemoryError):
            return self._error("memory", "out of memory")
        if isinstance(e, ValueError):
            return self._flaw(str(e))
        code = -e.args[0]
        if code == -errno.ENOMEM or code in (-0x10, -0x6A):  # the last two: MPI and ASN1 of mbedTLS
            return self._error("memory", "out of memory")
        if code < 0:
            return self._error("closed", "connection failed, error %d" % -code)
        if code == 0x7780:
            return self._refused()
        if code & 0x7F in (0x10, 0x6A):
            return self._error("memory", "out of memory")
        if code == 0x7200 and not self._seen:
            return self._error("other", "the server does not speak TLS")
        kind = _CODES.get(code & 0xFF80)
        if kind is None:
            kind = "chain" if 0x2080 <= code < 0x2A00 else "other"  # X509
        text = e.args[1] if len(e.args) > 1 else ""
        return self._error(kind, "mbedTLS -0x%04x %s" % (code, text))

    def _refused(self):
        kind, _, name = _ALERTS.get(self._alert, "other ").partition(" ")
        if self._alert == 40:
            kind = "client" if self.asked else "other" if self._seen else "suite"
            if self._minor < 3 and not self._seen:  # OpenSSL says so only in the header of the alert
                kind = "version"
        return self._error(kind, "refused by the server: alert %d %s" % (self._alert, name))

    def _flaw(self, text):
        text = text.strip().replace("\n", "; ")
        if "trusted CA" in text:
            kind = "chain"
        elif "validity" in text:
            kind = "date"
        elif "does not match" in text:
            kind = "host"
        else:
            kind = "chain"  # an unacceptable key or hash, a certificate for something else
        return self._error(kind, text)


def to_der(data):
    """List of DER in `data`, which is one DER or a PEM (str or bytes) with any number of parts."""
    if isinstance(data, str):
        data = data.encode()
    if data.find(b"-----BEGIN ") < 0:
        return [data]
    found = []
    for part in data.split(b"-----BEGIN ")[1:]:
        body = part.split(b"-----", 2)
        found.append(a2b_base64(b"".join(body[1].split())))
    return found
