# Cold: the update that the central system asked for, on flash until the central system knows how it ended (FW-06).
#
# File: JSON {"v": 1, "location", "retries", "interval" (each null if not given), "date": seconds since 2000, and, as it goes on,
# "slot": the one that was switched to, "told": the last status, to be told again until it is answered}. What a variant of the
# request adds (see update_report) is its own.
import json

from ocpp16.errors import OcppError
import cold

_FILE = "update"
_VERSION = 1
_JOB = "firmware"


def take(cp, payload):
    """UpdateFirmware: OcppError if it is refused."""
    try:
        date = cold.call("iso8601", "parse", payload["retrieveDate"])
    except ValueError:
        raise OcppError("PropertyConstraintViolation", "retrieveDate")
    begin(cp, payload["location"], payload.get("retries"), payload.get("retryInterval"), date, {})


def begin(cp, location, retries, interval, date, variant):
    """Write a request down and let it run when it is due, in the place of the one before; OcppError while that is installed."""
    if installing(cp):
        raise OcppError("GenericError", "an update is being installed")
    cold.call("ocpp16.jobs", "cancel", cp, _JOB)
    request = {"location": location, "retries": retries, "interval": interval, "date": date}
    request.update(variant)
    save(cp, request)
    cp.update_at = date


def installing(cp):
    """Has the update that was asked for come to where there is no way back?"""
    job = cp.jobs.get(_JOB)
    request = load(cp) or ()
    return bool(job and job[1] == "Installing") or ("slot" in request and "told" not in request)


def load(cp):
    """The request on flash, or None."""
    data = cp.store.read(_FILE)
    if data:
        try:
            request = json.loads(data)
            if request["v"] == _VERSION:
                return request
        except (ValueError, KeyError, TypeError):
            pass
        cp.log.error(_JOB, "the update on flash can not be read")
    return None


def save(cp, request):
    request["v"] = _VERSION
    cp.store.write(_FILE, json.dumps(request).encode())


def due(cp):
    """When the request on flash is due, None if there is none: asked at the start."""
    request = load(cp)
    return request and (0 if "slot" in request or "told" in request else request["date"])


def over(cp):
    """The central system knows how it ended."""
    cp.store.remove(_FILE)
    cp.store.remove("update.list")  # left by a restart
