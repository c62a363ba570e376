# Opens TLS to the central system: the clock, then the handshake with what the store holds: root1.der, root2.der... to verify
# the server with, client.der and client.key to be known by. What the security profile demands is asked here and in
# ocpp16.address. Cold: for one attempt to connect.
from binascii import crc32

import cold


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
    profile = cp.settings.get("SecurityProfile")
    cert = key = None
    if profile == 3 or not profile:
        cert, key = cold.call("ocpp16.own_certificate", "identity", cp, cp.clock.utc())
        if profile and not cert:
            raise ValueError("security profile 3 needs a valid client.der and client.key")
    stream = await over(cp, link, await link.socket(host, port), host, cert, key, bool(profile))
    if profile == 3 and not stream.asked:  # SEC-PROF-05
        await stream.wait_closed()
        error = cold.load("tlsclient").TlsError
        cold.drop("tlsclient")
        raise error("asked", "it does not ask for our certificate")
    cp.root = stream.wire.root
    cp.context = stream.context
    return stream


def over(cp, link, sock, host, cert=None, key=None, verify=False):
    """Coroutine: TLS over a connected socket, verified if there are any roots; OSError, ValueError. What is of this module is
    done before it begins, so that a handshake does not need it."""
    roots, suites, cp.mark = _offer(cp, link, host)
    connect = cold.load("tlsclient").connect
    cold.drop("tlsclient")  # what it imports stays: tlsstream, which the streams are of; without TLS it is never loaded
    return connect(sock, host, roots, cert, key, verify or bool(roots), suites, link.hook)


def context(cp, link, host):
    """What the connections of a transfer have in common, with the same roots for whatever server; OSError, ValueError.

    It is that of the connection to the central system, of 2 KB, unless the roots have changed since.
    """
    roots, suites, mark = _offer(cp, link, host)
    if cp.context and mark == cp.mark:
        return cp.context
    try:
        return cold.load("tlssetup").context(None, OSError, roots, None, None, bool(roots), suites)
    finally:
        cold.drop("tlssetup")


def _offer(cp, link, host):
    """(DER of each root, suites or None, a number that tells whether they are the same)."""
    roots = [der for _, der in cold.call("ocpp16.certificate_files", "roots", cp, "root")]
    if not roots:  # J-URL-02
        cp.log.warning("link", "no root1.der: %s is not verified" % host)
    suites = None
    if link.busy and cp.settings.get("TlsRsaWhileCharging"):
        suites = cold.load("tlssetup")
        suites = suites.RSA_SUITES + suites.SUITES
        cold.drop("tlssetup")
    mark = 0
    for root in roots:
        mark = crc32(root, mark)
    return roots, suites, (mark, bool(suites))
