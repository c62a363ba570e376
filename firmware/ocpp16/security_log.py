# Cold: GetLog (SEC-LOG rows), loaded for one message (see rpc); what it promises is a job, see upload.
from ocpp16 import diagnostics
from ocpp16 import jobs
import cold
import iso8601

_JOB = "log"
_ACTION = "LogStatusNotification"
_FAILED = {"auth": "PermissionDenied", "url": "BadMessage", "refused": "NotSupportedOperation", "": "UploadFailure"}


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    def get_log(self, payload):
        cp, log = self._cp, payload["log"]
        names = "oldestTimestamp", "latestTimestamp"
        start, stop = [iso8601.parse(log[name]) if name in log else None for name in names]
        security = payload["logType"] == "SecurityLog"
        there = cp.transactions.events if security else cp.diagnose
        if not there or (start is not None and stop is not None and stop < start):
            return {"status": "Rejected"}
        file = diagnostics.file_name(cp, "security" if security else "diagnostics")
        url = diagnostics.completed(log["remoteLocation"], file)
        again = payload.get("retries"), payload.get("retryInterval")
        status = "AcceptedCanceled" if _JOB in cp.jobs else "Accepted"
        jobs.start(cp, _JOB, "ocpp16.security_log", "send", payload["requestId"], security, url, file, start, stop, again)
        return {"status": status, "filename": file}


async def send(cp, request, security, url, file, start, stop, again):
    """The job: the upload of one file, with its statuses."""
    cp.jobs[_JOB].append(request)  # for who asks meanwhile

    def lines():
        return cold.call("ocpp16.security_events", "lines", cp, start, stop) if security else cp.diagnose(start, stop)

    def told(status):
        jobs.tell(cp, _JOB, status, _ACTION, request)

    await cold.run("ocpp16.upload", "upload", cp, _JOB, url, file, lines, ("Uploading", "Uploaded", _FAILED), told, again)
