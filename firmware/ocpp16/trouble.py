# Why a connection failed, in words, and what to do about it. Cold: for one line of the log. Every error that is known to
# come and go is in _ERRNOS; what is not there is shown by its number.
import asyncio
import errno

_HTTP = {
    401: "it refuses our credentials: check AuthorizationKey and the identity",  # J-SUB-03
    403: "it does not let this charger in: ask its operator",
    404: "it does not know this charger: register it there, or check CentralSystemURL and ChargePointId",
    429: "it is busy",
    502: "its server is down",
    503: "it is busy or down",
    504: "its server is down",
}

_TLS = {
    "chain": "install the root that signs it (root1.der)",
    "host": "CentralSystemURL must name the host as its certificate does",
    "date": "check its certificate, and the clock (SntpServer)",
    "version": "it must speak TLS 1.2",
    "suite": "it must offer ECDHE with AES-GCM",
    "client": "it wants a client certificate: client.der and client.key",
    "asked": "it must ask for client certificates, or is not for security profile 3",
    "memory": "restart the charger if this stays",
}

_ERRNOS = (
    ("ECONNREFUSED", "nobody listens there"),
    ("ECONNRESET", "cut by the other side"),
    ("ECONNABORTED", "cut by the other side"),
    ("ETIMEDOUT", "no answer"),
    ("EHOSTUNREACH", "no way there"),
    ("ENOTCONN", "the link is down"),
    ("ENOMEM", "out of memory"),
    ("ENOBUFS", "out of memory"),
)


def explain(e):
    """(kind, text): kind is "401" for an HTTP status, "chain" and so on for TLS, else ""."""
    if isinstance(e, asyncio.TimeoutError):
        return "", "it did not answer in time"
    status = getattr(e, "status", None)
    if status is not None:
        return str(status), _http(status, e.reason)
    kind = getattr(e, "kind", None)
    if kind:
        text = "TLS, %s: %s" % (kind, e.text)
        return kind, text + "; " + _TLS[kind] if kind in _TLS else text
    if isinstance(e, OSError) and e.args and isinstance(e.args[0], int):
        return "", _errno(e)
    return "", str(e)


def _http(status, reason):
    if status == 101 or not status:
        return "no WebSocket for OCPP 1.6: " + reason
    text = _HTTP.get(status)
    if not text:
        if status >= 500:
            text = "a fault of its own"
        else:
            text = "it has moved: set CentralSystemURL anew" if 300 <= status < 400 else "no WebSocket"
    return "HTTP %d %s: %s" % (status, reason, text)


def _errno(e):
    code = e.args[0]
    for name, text in _ERRNOS:
        if code == getattr(errno, name, None):  # by name: constants of errno
            return text
    if -300 < code < 0:
        return "its name can not be found"
    return "error %s" % e
