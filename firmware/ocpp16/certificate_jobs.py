# Cold: the job behind InstallCertificate and CertificateSigned. While signatures are checked nothing is loaded but what does it:
# what comes before and after is in certificate_rules.
import gc

import cold
import steps

_MODULES = ("x509chain", "rsa", "p256")
_RULES = "ocpp16.certificate_rules"
_FILES = "ocpp16.certificate_files"


async def answer(cp, unique, kind, packed):
    """Answer the CALL `unique`; kind: "root", "maker", or None for a chain of our own; packed: see ocpp16.certificate_text."""
    status, why = "Rejected", ""
    try:
        if isinstance(packed, Exception):
            raise packed
        if kind:
            found = cold.call(_RULES, "examine_root", cp, kind)
            await _check(_root, cp, *found)
            status = cold.call(_RULES, "keep_root", cp, kind)
        else:
            cold.call(_RULES, "examine_own", cp)
            chain = cold.call(_FILES, "offered", cp, packed)
            await vouched(cp, chain, cold.call(_FILES, "Trusted", cp, "root"))
            status = cold.call(_RULES, "keep_own", cp, packed)
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


async def vouched(cp, chain, roots):
    """ValueError says why none of the roots vouches for a chain, of which both may be made one at a time."""
    await _check(_own, cp, _Lean(chain), _Lean(roots))


class _Lean:
    """The same Certificates without their DER, each made while nothing is loaded that checks signatures."""

    def __init__(self, certificates):
        self._certificates = certificates

    def __iter__(self):
        _drop()
        for certificate in self._certificates:
            certificate.der = None
            yield certificate
            _drop()


def _drop():
    for name in _MODULES:
        cold.drop(name)  # by name: those of _MODULES


async def _check(check, *args):
    try:
        import x509chain

        gc.collect()
        await check(x509chain, *args)
    finally:
        x509chain = None
        _drop()


async def _own(x509chain, cp, chain, roots):
    await steps.finish(x509chain.check(chain, roots, cp.clock.utc(), True))


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
