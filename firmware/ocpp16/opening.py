# Opens TLS to the central system: the clock, then the handshake with what the store holds: root1.der, root2.der... to verify
# the server with, client.der and client.key to be known by. Cold: for one attempt to connect. What the security profile demands is
# asked here and in ocpp16.address.
import cold

async def secure(cp, link, log, host, port):
    """A TLS stream to host:port; OSError, ValueError."""
    if cp.clock.utc() is None:
        await _timekeeping("prepare", cp, log)
    try:
        return await _connect(cp, link, log, host, port)
    except OSError as e:
        # A clock that was only lent may show less than it is; never more.
        if not cp.clock.lent or getattr(e, "kind", "") != "date" or "future" not in e.args[1]:
            raise
    await _timekeeping("ask_server", cp, log, link, host, port)
    return await _connect(cp, link, log, host, port)


async def _timekeeping(function, *args):
    job = cold.call("ocpp16.timekeeping", function, *args)
    await job


async def _connect(cp, link, log, host, port):
    profile = cp.settings.get("SecurityProfile")
    roots = cold.call("ocpp16.certificate_files", "roots", cp, "root")
    roots = [der for _, der in roots]
    cert = key = None
    if profile == 3 or not profile:
        cert, key = cold.call("ocpp16.certificate_files", "identity", cp, cp.clock.utc())
        if profile and not cert:
            raise ValueError("security profile 3 needs a valid client.der and client.key")
    if profile and not roots:
        raise ValueError("security profile %d needs a root1.der" % profile)
    if not roots:  # J-URL-02
        log.warning("link", "no root1.der: the central system is not verified")
    suites = None
    if link.busy and cp.settings.get("TlsRsaWhileCharging"):
        suites = cold.load("tlssetup")
        suites = suites.RSA_SUITES + suites.SUITES
        cold.drop("tlssetup")
    # Stays loaded, since its stream is in use; without TLS it is never loaded.
    from tlsclient import TlsError, connect

    stream = await link.connect(host, port)
    stream = await connect(stream.s, host, roots, cert, key, bool(roots), suites, link.hook)
    if profile == 3 and not stream.asked:  # SEC-PROF-05
        await stream.wait_closed()
        raise TlsError("asked", "it does not ask for our certificate")
    cp.root = stream.wire.root
    return stream
