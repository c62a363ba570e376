# Cold: GetDiagnostics (DIAG rows); what it promises is a job, see upload.
from ocpp16 import jobs
from ocpp16.address import quote
import iso8601


def get(cp, payload):
    """The answer to GetDiagnostics."""
    start, stop = [iso8601.parse(payload[name]) if name in payload else None for name in ("startTime", "stopTime")]
    utc = cp.clock.utc()
    if start is not None and (stop is not None and stop <= start or utc is not None and start > utc):
        return {}
    file = file_name(cp, "diagnostics")
    url = completed(payload["location"], file)
    again = payload.get("retries"), payload.get("retryInterval")
    jobs.start(cp, "diagnostics", "ocpp16.upload", "diagnostics", url, file, start, stop, again)
    return {"fileName": file}


def file_name(cp, what):
    """A name that tells charger and time, of harmless characters."""
    utc = cp.clock.utc()
    when = str(cp.transactions.boot) if utc is None else iso8601.format(utc).replace(":", "").replace("-", "")
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
