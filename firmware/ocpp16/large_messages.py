# Cold: which messages are read as they arrive, since their text or what JSON makes of it is too large, and what reads them. See
# local_list_entries.Reader for what that is.
import cold


def reader(cp, head):
    """What takes the message that begins so, None if it can be had as a whole."""
    if b'"SendLocalList"' in head:
        return cold.call("ocpp16.local_list_entries", "Reader", cp)
    if b'"CertificateSigned"' in head:
        return cold.call("ocpp16.certificate_text", "Reader", cp, "CertificateSigned", b'"certificateChain"')
    if b'"InstallCertificate"' in head:
        return cold.call("ocpp16.certificate_text", "Reader", cp, "InstallCertificate", b'"certificate"')
    return None
