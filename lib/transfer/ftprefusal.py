"""What an FTP reply means that is not the one hoped for; without I/O, loaded for a failure."""

from transfer import TransferError
from transferwords import clean

_REUSE = (
    "the server wants the data connection to resume the TLS session of the control connection, which MicroPython "
    "can not do: switch session reuse off there (vsftpd: require_ssl_reuse=NO)"
)


def refusal(wire, code, text, doing, tls):
    """The error for a reply; `doing` is the verb of the command."""
    if tls and _wants_reuse(code, text.lower()):
        return TransferError("tls", _REUSE)
    if code in (530, 532, 331, 332, 430):
        kind = "auth"
    elif code in (452, 552):
        kind = "full"
    elif code == 550 and doing == "RETR":
        kind = "missing"
    elif code < 500:
        kind = "server"  # 4xx may pass; anything else is not what was expected
    else:
        kind = "refused"
    if doing == "AUTH" or tls and doing in ("PBSZ", "PROT"):
        kind = "tls"
    words = clean(text, wire.secrets)
    if tls and code == 426 and doing == "STOR":
        words += "; it may want a close_notify, which MicroPython can not send (vsftpd: strict_ssl_read_eof=NO)"
    return TransferError(kind, ("%s answers %s with %d %s" % (wire.where, doing, code, words)).strip())


def _wants_reuse(code, text):
    # 522: RFC 4217 and vsftpd. ProFTPD says "425 ... Operation not permitted", FileZilla's "425 ... not resumed".
    if code == 522:
        return True
    return code in (425, 426, 450, 534) and (
        b"session" in text or b"reuse" in text or b"resum" in text or b"not permitted" in text
    )
