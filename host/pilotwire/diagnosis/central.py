"""The way to the central system from this computer: name, port, TLS as the charger would do it. Nobody logs in.

A connection under the charger's identity would throw the charger itself out, so it ends after the handshake of TLS.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from pilotwire.diagnosis.finding import ERROR, OK, WARNING, Finding

_TIMEOUT_S = 10
_SOON_DAYS = 14
# What lib/tlsclient/tlssetup.py offers.
_CIPHERS = "ECDHE+AESGCM"


def look(url: str, roots: list[bytes]) -> Iterator[Finding]:
    """Findings about the central system at `url`; `roots` are the certificates on the charger, DER."""
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "wss"
    port = parts.port or (443 if secure else 80)
    try:
        began = time.monotonic()
        line = socket.create_connection((host, port), _TIMEOUT_S)
    except socket.gaierror:
        do = "check CentralSystemURL, and the name server of this network"
        yield Finding(ERROR, "central", f"nobody knows the name {host}", do)
        return
    except (OSError, UnicodeError) as error:
        why = "does not answer" if isinstance(error, TimeoutError) else f"cannot be reached: {_words(error)}"
        yield Finding(ERROR, "central", f"{host}:{port} {why}", "check CentralSystemURL, firewall, and whether it runs")
        return
    with line:
        took = round((time.monotonic() - began) * 1000)
        yield Finding(OK, "central", f"{host}:{port} answers in {took} ms, from this computer")
        if secure:
            yield _tls(line, host, roots)


def _tls(line: socket.socket, host: str, roots: list[bytes]) -> Finding:
    context = ssl.create_default_context()
    if roots:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for root in roots:
            try:
                context.load_verify_locations(cadata=root)
            except ssl.SSLError:
                do = "send it again: `pilotwire provision --root`"
                return Finding(ERROR, "TLS", "a root certificate on the charger cannot be read", do)
    # As the chip: TLS 1.2 and these suites.
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    try:
        with context.wrap_socket(line, server_hostname=host) as secured:
            certificate = secured.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return Finding(ERROR, "TLS", error.verify_message, _advice(error, roots))
    except (ssl.SSLError, OSError) as error:
        text = f"no TLS 1.2 with ECDHE and AES-GCM: {_words(error)}"
        return Finding(ERROR, "TLS", text, "the central system must offer that")
    end = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    left = (end - datetime.now(UTC)).days
    if left < _SOON_DAYS:
        return Finding(WARNING, "TLS", f"the certificate of {host} expires on {end.date()}", "its operator has to renew it")
    if not roots:
        text = f"{host} is known to this computer, but the charger has no root certificate and verifies nothing"
        return Finding(WARNING, "TLS", text, "`pilotwire provision --root CA.pem`")
    return Finding(OK, "TLS", f"the charger's root certificates vouch for {host}, until {end.date()}")


def _advice(error: ssl.SSLCertVerificationError, roots: list[bytes]) -> str:
    words = error.verify_message.lower()
    if "expired" in words or "not yet valid" in words:
        return "its operator has to renew the certificate; if it is good, look at the clock of this computer"
    if "hostname" in words or "ip address" in words:
        return "CentralSystemURL must name the host as its certificate does"
    if roots:
        return "it is signed by another authority: `pilotwire provision --root CA.pem` with that one's certificate"
    return "it is not signed by a public authority: `pilotwire provision --root CA.pem`"


def _words(error: Exception) -> str:
    text = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
    return str(text).lower().replace("_", " ")
