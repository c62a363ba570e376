# Cold: tells the central system how far an update is, in the words of the message that asked for it.
import asyncio

from ocpp16.rpc import Call

_TURN_MS = 200
_PATIENCE_S = 60  # for the answer to a status that is not the last one
_JOB = "firmware"


class Report:
    """Statuses of an update, each sent until it is answered or another takes its place (FW-06)."""

    def __init__(self, cp, request):
        self._cp = cp
        self._number = request.get("request")  # of a SignedUpdateFirmware
        if self._number is not None:
            cp.jobs[_JOB][2:] = [self._number]  # for who asks meanwhile
        self._open = None  # the status that was told last and is not answered

    def tell(self, status):
        """Queue a status, if it is not the one that was told last."""
        job = self._cp.jobs.get(_JOB)
        if job:
            if job[1] == status:
                return
            job[1] = status
        self._open = status
        self._send(status)

    def _send(self, status):
        payload = {"status": status}
        action = "FirmwareStatusNotification"
        if self._number is not None:
            payload["requestId"] = self._number
            action = "SignedFirmwareStatusNotification"
        self._cp.send(Call(action, payload, self._done, status))

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
