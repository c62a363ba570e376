# Cold: the upload that GetLog asked for. A job, see jobs.
import cold

_JOB = "log"
_ACTION = "LogStatusNotification"
_FAILED = {"auth": "PermissionDenied", "url": "BadMessage", "refused": "NotSupportedOperation", "": "UploadFailure"}


def send(cp, request, security, url, file, start, stop, interval, left):
    """Coroutine: one file, with its statuses; interval, left: its retryInterval, and how often it may be tried again."""
    cp.jobs[_JOB][2:] = (request,)  # for who asks meanwhile
    again = "ocpp16.log_upload", "send", request, security, url, file, start, stop, interval

    def lines():
        return cold.call("ocpp16.security_log", "lines", cp, start, stop) if security else cp.diagnose(start, stop)

    def told(status):
        cold.call("ocpp16.jobs", "tell", cp, _JOB, status, _ACTION, request)

    words = "Uploading", "Uploaded", _FAILED
    return cold.run("ocpp16.upload", "upload", cp, _JOB, url, file, lines, words, told, interval, left, *again)
