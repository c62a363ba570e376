# Core profile: what the central system asks of us. Cold: loaded for one message (see rpc), so it keeps nothing.
from ocpp16 import tags
import cold
import ticks

_UNLOCK_MS = 10000


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    # -- remote start and stop

    def remote_start_transaction(self, payload):
        cp = self._cp
        number, tag = payload.get("connectorId"), payload["idTag"]
        if number is None:
            c = tags.choose(cp, tag, None, False)
            for other in () if c else cp.connectors:  # it may be of the group that one is reserved for
                c = c or (other if other.free else None)
        else:
            c = cp.connectors[number - 1] if 0 < number <= len(cp.connectors) else None
        if cp.registration != "Accepted" or cp.busy or c is None or not c.free:
            return {"status": "Rejected"}
        if cp.reservations and not cold.call("ocpp16.reservations", "usable", cp, tag, c.number):
            return {"status": "Rejected"}
        profile = payload.get("chargingProfile")
        if profile and not cold.call("ocpp16.smart_charging", "install", cp, c.number, profile, None, True):
            return {"status": "Rejected"}
        tags.remote_start(cp, c.number, tag, cp.clock.now_ms())
        return {"status": "Accepted"}

    def remote_stop_transaction(self, payload):
        for c in self._cp.connectors if self._cp.registration == "Accepted" else ():
            tx = c.transaction
            if tx and tx.id is not None and tx.id == payload["transactionId"]:
                c.stop("Remote")
                return {"status": "Accepted"}
        return {"status": "Rejected"}

    # -- availability, reset, unlock

    def change_availability(self, payload):
        cp, number = self._cp, payload["connectorId"]
        if not 0 <= number <= len(cp.connectors):
            return {"status": "Rejected"}
        operative = payload["type"] == "Operative"
        return {"status": cold.call("ocpp16.availability", "change", cp, number, operative)}

    def reset(self, payload):
        job = self._cp.jobs.get("firmware")
        if self._cp.busy or (job and job[1] == "Installing"):  # RST-04
            return {"status": "Rejected"}
        _reset(self._cp, payload["type"])
        return {"status": "Accepted"}

    def unlock_connector(self, payload):
        cp, number = self._cp, payload["connectorId"]
        c = cp.connectors[number - 1] if 0 < number <= len(cp.connectors) else None
        if c is None or not c.has_lock:
            return {"status": "NotSupported"}
        c.release()
        if c.transaction:
            c.stop("UnlockCommand")
        c.cancel()
        cp.unlocks.append((c, cp.rpc.unique, ticks.add(cp.clock.now_ms(), _UNLOCK_MS)))
        return None  # it is answered when the lock has opened, or has not

    # -- the rest

    def clear_cache(self, payload):
        try:
            cold.call("ocpp16.authorization_cache", "clear", self._cp)
        except OSError:
            return {"status": "Rejected"}
        return {"status": "Accepted"}

    def data_transfer(self, payload):
        module = self._cp.vendors.get(payload["vendorId"].lower())
        if module is None:
            return {"status": "UnknownVendorId"}
        message = payload.get("messageId") or ""
        return cold.call(module, "handle", self._cp, message.lower(), payload.get("data"))  # by name: those of vendors


def _reset(cp, kind):
    """Stop every transaction; once what can be delivered was, ChargePoint.tick restarts."""
    cp.resetting = (kind, cp.clock.now_ms())
    cp.unbound = None
    for c in cp.connectors:
        c.cancel()
        if c.transaction:
            c.stop(kind + "Reset")
