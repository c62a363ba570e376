# Cold: what a connection that came up means for security. Apart from ocpp16.security_profile, since memory is scarcest just then.
import cold


def worked(cp):
    """What was changed stays (SEC-PROF-03)."""
    cp.failures = 0
    cp.flaw = None
    cp.store.remove("trial")  # see ocpp16.security_profile
    if cp.settings.get("AdditionalRootCertificateCheck"):
        cold.call("ocpp16.certificate_rules", "settle", cp)
