# Opens TLS to the central system: the clock, then the handshake with what the store holds: root1.der, root2.der... to verify
# the server with, client.der and client.key to be known by. Cold: for one attempt to connect.
import cold

_MAX_ROOTS = 9


async def secure(cp, link, log, host, port):
    """A TLS stream to host:port; OSError, ValueError."""
    if cp.clock.utc() is None:
        await _timekeeping("prepare", cp, log)
    try:
        return await _connect(cp, link, host, port)
    except OSError as e:
        # A clock that was only lent may show less than it is; never more.
        if not cp.clock.lent or getattr(e, "kind", "") != "date" or "future" not in e.args[1]:
            raise
    await _timekeeping("ask_server", cp, log, link, host, port)
    return await _connect(cp, link, host, port)


async def _timekeeping(function, *args):
    job = cold.call("ocpp16.timekeeping", function, *args)  # by name: the callers' strings
    await job


async def _connect(cp, link, host, port):
    read = cp.store.read
    return await over(cp, link, await link.connect(host, port), host, read("client.der"), read("client.key"))


async def over(cp, link, stream, host, cert=None, key=None):
    """TLS over a stream, with the same roots for whatever server; OSError, ValueError."""
    read = cp.store.read
    roots = []
    for n in range(_MAX_ROOTS):
        root = read("root%d.der" % (n + 1))
        if root:
            roots.append(root)
    if not roots:  # J-URL-02
        cp.log.warning("link", "no root1.der: %s is not verified" % host)
    suites = None
    if link.busy and cp.settings.get("TlsRsaWhileCharging"):
        suites = cold.load("tlssetup")
        suites = suites.RSA_SUITES + suites.SUITES
        cold.drop("tlssetup")
    # Stays loaded, since its stream is in use; without TLS it is never loaded.
    from tlsclient import connect

    return await connect(stream.s, host, roots, cert, key, bool(roots), suites, link.hook)
