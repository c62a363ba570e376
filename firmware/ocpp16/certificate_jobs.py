# Cold: the job behind InstallCertificate and CertificateSigned. While signatures are checked nothing is loaded but what does it:
# what comes before and after is in certificate_rules.
import gc

import cold
import steps

_MODULES = ("x509chain", "rsa", "p256")
_RULES = "ocpp16.certificate_rules"


async def answer(cp, unique, kind, text):
    """Answer the CALL `unique`; kind: "root", "maker", or None for a chain of our own; text: a list of one, to be emptied."""
    status, why = "Rejected", ""
    try:
        if kind:
            found = cold.call(_RULES, "examine_root", cp, kind, text.pop())
            await _check(_root, cp, *found)
            status = cold.call(_RULES, "keep_root", cp, kind, found[0].der)
        else:
            found = cold.call(_RULES, "examine_own", cp, text.pop())
            if found:
                await _check(_own, cp, *found)
                status = cold.call(_RULES, "keep_own", cp, [certificate.der for certificate in found[0]])
    except ValueError as e:
        why = str(e)
    except (OSError, MemoryError) as e:  # the disk is full, or RAM
        cp.log.error("security", repr(e))
        status = "Failed" if kind else status
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
