# Cold: the job behind InstallCertificate and CertificateSigned. While certificates are read, judged, checked and kept, nothing is
# loaded but what does just that.
from ocpp16.certificate_reading import checked, issuers, parse
import cold
import steps

_RULES = "ocpp16.certificate_rules"
_FILES = "ocpp16.certificate_files"


async def answer(cp, unique, kind, packed):
    """Answer the CALL `unique`; kind: "root", "maker", or None for a chain of our own; packed: see ocpp16.certificate_text."""
    status, why = "Rejected", ""
    try:
        if isinstance(packed, Exception):
            raise packed
        if kind:
            certificate = _read(cp, 1)
            await checked(_root, cp, certificate, cold.call(_RULES, "vouching", cp, kind, certificate))
            status = cold.call(_RULES, "keep_root", cp, kind)
        else:
            key = _own_key(cp)
            await _follow(cp, packed)
            status = cold.call("ocpp16.certificate_keeping", "keep", cp, key, packed)
    except ValueError as e:
        why = str(e)
    except (OSError, MemoryError) as e:  # the disk is full, or RAM
        cp.log.error("security", repr(e))
        status = "Failed" if kind else status
    finally:
        cold.call(_FILES, "forget", cp)
    cp.rpc.answer(unique, {"status": status})
    if why and kind != "maker":
        event = "InvalidCentralSystemCertificate" if kind else "InvalidChargePointCertificate"
        cold.call("ocpp16.security_events", "note", cp, event, why)


def _read(cp, n):
    """What the nth certificate that is offered says, without itself."""
    return parse(cold.call(_FILES, "offered", cp, n))


def _own_key(cp):
    """The key of the first certificate that is offered; ValueError if that is none of ours."""
    certificate = _read(cp, 1)
    cold.call(_RULES, "examine_own", cp, certificate)
    return certificate.key


async def _follow(cp, count):
    """ValueError unless what is offered leads from its first certificate to a root: the next one is read when it is its turn."""
    certificate = _read(cp, 1)
    below = 0
    for n in range(1, count + 1):
        certificate.key = None  # with RSA half a KB
        roots = issuers(cp, "root", certificate)
        issuer = _read(cp, n + 1) if n < count else None
        if await checked(_link, cp, certificate, issuer, roots, below, n == 1):
            return
        below += issuer.subject != issuer.issuer  # type: ignore  (without one it was a ValueError)
        certificate = issuer


async def _link(x509chain, cp, certificate, issuer, roots, below, leaf):
    now = cp.clock.utc()
    if leaf:
        x509chain.usable(certificate, now, None, True)
    return await steps.finish(x509chain.link(certificate, issuer, roots, now, below, leaf))


async def _root(x509chain, cp, certificate, vouching):
    """ValueError says what is wrong with a root that is offered, and that `vouching`, if there is one, should have signed."""
    x509chain.usable(certificate, cp.clock.utc(), 0)
    if vouching:
        try:
            if not await steps.finish(x509chain.verify(certificate, vouching)):
                raise x509chain.ChainError("not signed by its issuer")
        except x509chain.ChainError as e:
            # A curve that only TLS knows: that a root signs itself proves nothing anyway.
            if e.args[0] != "unsupported" or vouching is not certificate:
                raise
