# Cold: tells the central system how far an update is. SignedUpdateFirmware has a Report of its own.
import asyncio

from ocpp16.rpc import Call

_TURN_MS = 200
_PATIENCE_S = 60  # for the answer to a status that is not the last one
_JOB = "firmware"


class Report:
    """What of an update differs with the message that asked for it; this one is for UpdateFirmware."""

    action = "FirmwareStatusNotification"
    whole = None  # a hash that gets every byte of the bundle, where its signature is over all of it

    def __init__(self, cp, request):
        self._cp = cp
        self.request = request
        self._open = None  # the status that was told last and is not answered

    def begin(self):
        """Called before the bundle is read from its first byte on."""

    def payload(self, status):
        return {"status": status}

    async def downloaded(self):
        """Called between Downloaded and the installation; False if that is not to be, which was told then."""
        return True

    async def install(self):
        """Called when nothing is left to wait for but the time that the request may name."""

    async def restart(self):
        """Called before the restart into the new version."""

    def tell(self, status):
        """Queue a status; one that does not arrive is sent again until another takes its place (FW-06)."""
        job = self._cp.jobs.get(_JOB)
        if job:
            job[1] = status
        self._open = status
        self._send(status)

    def _send(self, status):
        self._cp.send(Call(self.action, self.payload(status), self._done, status))

    def _done(self, call, answer, error):
        if call.ref == self._open:
            if error in ("Disconnected", "Timeout"):
                self._send(call.ref)
            else:  # a CALLERROR is an answer: some know no such message
                self._open = None

    async def told(self, last=False):
        """Wait until the status that was told last is answered; for a minute if it is not the last."""
        left = _PATIENCE_S * 1000
        while self._open and (last or left > 0):
            await asyncio.sleep_ms(_TURN_MS)
            left -= _TURN_MS
