# Cold: the job behind InstallCertificate and CertificateSigned. While signatures are checked nothing is loaded but what does it:
# what comes before and after is in certificate_rules.
import cold
import steps

_RULES = "ocpp16.certificate_rules"


async def answer(cp, unique, kind, text):
    """Answer the CALL `unique`; kind: "root", "maker", or None for a chain of our own; text: a list of one, to be emptied."""
    status, why = "Rejected", ""
    try:
        if kind:
            found = cold.call(_RULES, "examine_root", cp, kind, text.pop())
            await _check_root(cp, *found)
            status = cold.call(_RULES, "keep_root", cp, kind, found[0].der)
        else:
            found = cold.call(_RULES, "examine_own", cp, text.pop())
            if found:
                import x509chain

                await steps.finish(x509chain.check(found[0], found[1], cp.clock.utc(), True))
                status = cold.call(_RULES, "keep_own", cp, found[0])
    except ValueError as e:
        why = str(e)
    except OSError as e:  # disk full
        cp.log.error("security", repr(e))
        status = "Failed" if kind else status
    cp.rpc.answer(unique, {"status": status})
    if why and kind != "maker":
        event = "InvalidCentralSystemCertificate" if kind else "InvalidChargePointCertificate"
        cold.call("ocpp16.security_events", "note", cp, event, why)


async def _check_root(cp, certificate, vouching):
    """ValueError says what is wrong with a root that is offered, and that `vouching`, if there is one, should have signed."""
    import x509chain

    x509chain.usable(certificate, cp.clock.utc(), 0)
    if vouching:
        try:
            if not await steps.finish(x509chain.verify(certificate, vouching)):
                raise x509chain.ChainError("not signed by its issuer")
        except x509chain.ChainError as e:
            # A curve that only TLS knows: that a root signs itself proves nothing anyway.
            if e.args[0] != "unsupported" or vouching is not certificate:
                raise
