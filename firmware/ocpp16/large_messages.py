# Cold: which messages are read as they arrive, since their text or what JSON makes of it is too large, and what reads them. See
# local_list_entries.Reader for what that is.
import json

import cold


def reader(cp, head):
    """What takes the message that begins so, None if it can be had as a whole."""
    if b'"SendLocalList"' in head:
        return cold.call("ocpp16.local_list_entries", "Reader", cp)
    if b'"CertificateSigned"' in head:
        return cold.call("ocpp16.certificate_text", "Reader", cp, "CertificateSigned", b'"certificateChain"')
    if b'"SignedUpdateFirmware"' in head:
        return cold.call("ocpp16.certificate_text", "Reader", cp, "SignedUpdateFirmware", b'"signingCertificate"')
    if b'"InstallCertificate"' in head:
        return cold.call("ocpp16.certificate_text", "Reader", cp, "InstallCertificate", b'"certificate"')
    return None


def frame(text, packed):
    """What end() of a reader returns: the frame, in whose payload is what it made of the rest, or b"" if this is no JSON."""
    try:
        frame = json.loads(text)
        if len(frame) > 3 and isinstance(frame[3], dict):
            frame[3]["packed"] = packed
        return frame if isinstance(frame, list) else b""
    except (ValueError, TypeError, KeyError, MemoryError):
        return b""
