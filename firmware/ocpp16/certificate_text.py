# Cold: reads CertificateSigned and InstallCertificate as they arrive: a certificate goes to flash (certificate_files) as soon as
# it is whole, so that neither the text nor a chain is ever in RAM. Of SignedUpdateFirmware the DER is, and nothing on flash.
import json
import re

from ocpp16 import certificate_files as files
from ocpp16 import large_messages
from ocpp16.errors import OcppError
import pem

_LONGEST = 2048  # bytes of all that is not certificates; blanks and escapes are bytes, too
_ROOT = 5500  # characters of a root or a signer, as the schema has it


class Reader:
    """Takes pieces of the text; end() is the message then."""

    limit = 65536  # bytes; characters may be written as \u0041

    def __init__(self, cp, action, key):
        self._cp = cp
        self._key = key + rb'\s*:\s*"'
        self._action = action
        self._chain = action == "CertificateSigned"  # or one root
        self._signer = action == "SignedUpdateFirmware"
        self._most = cp.settings.get("CertificateSignedMaxChainSize") if self._chain else _ROOT
        self._size = 0
        self._packed = 0
        self._decoder = None  # of what is to be kept
        self._head = b""  # up to the certificates and their first quote
        self._rest = b""  # what has arrived and is not looked at yet
        self._look = self._before
        if self._signer:
            self._decoder = pem.Decoder()
        elif files.JOB in cp.jobs:
            cp.log.warning("security", action + ": the one before is still looked at")
        elif self._chain and not cp.store.read(files.CSR):
            cp.log.warning("security", action + ": nothing was asked for")
        else:
            self._decoder = pem.Decoder()

    def take(self, piece):
        """The next bytes, in UTF-8 and cut anywhere."""
        self._rest += piece
        try:
            while self._look():
                pass
        except ValueError:  # this is no JSON, whatever comes
            self._head = self._rest = b""
            self._look = self._skip

    def end(self):
        """The message as json.loads has it, with no certificates, and in its payload "packed": the count of those that were
        written down, 0 when it was for nothing, the DER of a signer, or what went wrong. b"" if it can not be read."""
        head, rest = self._head, self._rest
        return large_messages.frame(head + b'"' + rest if head else rest, self._packed)

    # -- what is looked for in the text; True if there may be more of it in what is there

    def _before(self):
        found = re.search(self._key, self._rest)
        if not found:
            return self._plain()
        found = found.group(0)
        at = self._rest.find(found) + len(found)
        self._head, self._rest = self._rest[:at], self._rest[at:]
        self._look = self._certificates
        return True

    def _plain(self):
        if len(self._rest) > _LONGEST:
            raise ValueError
        return False

    def _certificates(self):
        rest = self._rest
        stop, at = len(rest), 0
        while True:
            quote, escape = rest.find(b'"', at), rest.find(b"\\", at)
            if escape < 0 or 0 <= quote < escape:
                break
            at = escape + (6 if rest[escape + 1 : escape + 2] == b"u" else 2)
            if at > stop:  # it goes on in the next piece
                stop, quote = escape, -1
                break
        last = quote >= 0
        if last:
            stop = quote
            self._look = self._plain
        while not last and stop and rest[stop - 1] & 0x80:  # so may a character
            stop -= 1
        text = json.loads(b'"' + rest[:stop] + b'"')
        self._rest = rest[stop + last :]
        self._size += len(text)
        if self._decoder:
            try:
                self._keep(text.encode("utf-8", "replace"), last)  # half a character: that is no base64
            except (OcppError, ValueError, OSError, MemoryError) as e:
                self._packed = e
                self._decoder = None
                if not self._signer:
                    files.forget(self._cp)
        return last or self._plain()

    def _skip(self):
        self._rest = b""
        return False

    def _keep(self, text, last):
        if self._size > self._most:
            if self._chain:
                raise pem.PemError("too long")
            raise OcppError("PropertyConstraintViolation", self._action)
        for parts in self._decoder.take(text):  # type: ignore
            if self._signer:
                self._packed = self._packed or b"".join(parts)
                continue
            self._packed += 1  # type: ignore
            with open(self._cp.store.path(files.OFFERED % self._packed), "wb") as f:
                for part in parts:
                    f.write(part)
        if last:
            self._decoder.end()  # type: ignore
