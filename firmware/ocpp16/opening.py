# Opens the stream to the central system: clock, name, TCP, TLS, in that order.
#
# Cold: ocpp16.connection loads it for one attempt. The modules of each step are dropped before those of the next are loaded.
# Files of the store: root1.der, root2.der... are what a server is verified with; client.der and client.key identify us.
import cold

_MAX_ROOTS = 9


async def open(cp, link, log):
    """(stream, host, path, port for the Host header) to do the WebSocket handshake over; OSError, ValueError."""
    tls, host, port, path = cold.call("wshandshake", "parse_url", cp.settings.get("CentralSystemURL"))
    # Names are not looked up while a car charges: that blocks for seconds when the network is down.
    link.busy = any([c.energised for c in cp.connectors])
    if tls:
        stream = await _secure(cp, link, log, host, port)
    else:
        stream = await link.connect(host, port)
    path = charger_path(path, cp.settings.get("ChargePointId"))
    return stream, host, path, None if port == (443 if tls else 80) else port


async def _secure(cp, link, log, host, port):
    """A TLS stream to host:port; the clock of the chip shows a time that dates can be checked with."""
    try:
        timekeeping = cold.load("ocpp16.timekeeping")
        await timekeeping.prepare(cp, log)
        try:
            return await _handshake(cp, link, log, host, port)
        except OSError as e:
            # Only a clock that shows less than it is can be wrong here: it was told by the last start, or by the build.
            if not cp.clock.lent or getattr(e, "kind", "") != "date" or "future" not in e.args[1]:
                raise
        await timekeeping.ask_server(cp, link, log, host, port)
    finally:
        timekeeping = None
        cold.drop("ocpp16.timekeeping")
    return await _handshake(cp, link, log, host, port)


async def _handshake(cp, link, log, host, port):
    read = cp.store.read
    roots = []
    for n in range(_MAX_ROOTS):
        root = read("root%d.der" % (n + 1))
        if root:
            roots.append(root)
    if not roots:  # J-URL-02
        log.warning("link", "no root1.der: the central system is not verified")
    suites = None
    if link.busy and cp.settings.get("TlsRsaWhileCharging"):
        handshake = cold.load("tlshandshake")
        suites = handshake.RSA_SUITES + handshake.SUITES
        handshake = None
    # Stays loaded, since its stream is in use; without TLS it is never loaded.
    from tlsclient import connect

    stream = await link.connect(host, port)
    return await connect(
        stream.s, host, roots, read("client.der"), read("client.key"), bool(roots), suites, link.hook
    )


def charger_path(path, identity):
    """The path of the endpoint with the identity of the charger appended (J-URL-01)."""
    path, question, query = path.partition("?")
    while path.endswith("/"):
        path = path[:-1]
    return path + "/" + quote(identity) + question + query


def quote(text):
    """Percent-encode everything that is not unreserved in a URL."""
    out = ""
    for b in text.encode():
        c = chr(b)
        out += c if c.isalpha() and b < 128 or c.isdigit() or c in "-._~" else "%%%02X" % b
    return out
