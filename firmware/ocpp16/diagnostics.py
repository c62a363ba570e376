# Cold: GetDiagnostics (DIAG rows) and GetLog (SEC-LOG rows); what they promise are jobs, see upload and log_upload.
from ocpp16 import jobs
from ocpp16.address import quote
import cold

_JOB = "log"


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    def get_log(self, payload):
        cp, log = self._cp, payload["log"]
        start, stop = _time(log, "oldestTimestamp"), _time(log, "latestTimestamp")
        security = payload["logType"] == "SecurityLog"
        there = cp.transactions.events if security else cp.diagnose
        if not there or (start is not None and stop is not None and stop < start):
            return {"status": "Rejected"}
        file = file_name(cp, "security" if security else "diagnostics")
        url = completed(log["remoteLocation"], file)
        again = payload.get("retryInterval"), payload.get("retries")
        status = "AcceptedCanceled" if _JOB in cp.jobs else "Accepted"
        jobs.start(cp, _JOB, "ocpp16.log_upload", "send", payload["requestId"], security, url, file, start, stop, *again)
        return {"status": status, "filename": file}


def get(cp, payload):
    """The answer to GetDiagnostics."""
    start, stop = _time(payload, "startTime"), _time(payload, "stopTime")
    utc = cp.clock.utc()
    if start is not None and (stop is not None and stop <= start or utc is not None and start > utc):
        return {}
    file = file_name(cp, "diagnostics")
    url = completed(payload["location"], file)
    again = payload.get("retryInterval"), payload.get("retries")
    jobs.start(cp, "diagnostics", "ocpp16.upload", "diagnostics", url, file, start, stop, *again)
    return {"fileName": file}


def _time(fields, name):
    return cold.call("iso8601", "parse", fields[name]) if name in fields else None


def file_name(cp, what):
    """A name that tells charger and time, of harmless characters."""
    utc = cp.clock.utc()
    when = str(cp.transactions.boot) if utc is None else cold.call("isoformat", "format", utc).replace(":", "").replace("-", "")
    return quote(cp.settings.get("ChargePointId")).replace("%", "_") + "-" + what + "-" + when + ".jsonl"


def completed(url, file):
    """The URL of a file: a location that is a directory gets its name (DIAG-01)."""
    scheme, _, rest = url.partition("://")
    path, mark, query = rest.partition("?")
    host, slash, path = path.partition("/")
    last = path.rpartition("/")[2]
    if not last:
        path += file
    elif scheme[:3].lower() == "ftp" and "." not in last:  # the standard calls it a directory; for HTTP it may be a script
        path += "/" + file
    return scheme + "://" + host + "/" + path + mark + query
