# Cold: the job behind InstallCertificate and CertificateSigned. While certificates are read, judged, checked and kept, nothing is
# loaded but what does just that.
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
        chain = cold.call(_FILES, "offered", cp, 1 if kind else packed)
        if kind:
            await _check(_root, cp, chain[0], cold.call(_RULES, "vouching", cp, kind, chain[0]))
            status = cold.call(_RULES, "keep_root", cp, kind)
        else:
            cold.call(_RULES, "examine_own", cp, chain[0])
            await vouched(cp, chain, cold.call(_FILES, "issuers", cp, "root", chain))
            status = cold.call("ocpp16.own_certificate", "keep", cp, packed)
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
    """ValueError says why none of the roots vouches for a chain."""
    await _check(_own, cp, chain, roots)


async def _check(check, *args):
    try:
        import x509chain

        gc.collect()
        await check(x509chain, *args)
    finally:
        x509chain = None
        for name in _MODULES:
            cold.drop(name)  # by name: those of _MODULES


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
