# Reservation profile (RES rows). Cold: loaded for one message (see rpc), so it keeps nothing. See reservations for what lasts.
from ocpp16 import reservations
import cold


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    def reserve_now(self, payload):
        cp, number, connector = self._cp, payload["reservationId"], payload["connectorId"]
        expiry = min(cold.call("iso8601", "parse", payload["expiryDate"]), 0xFFFFFFFF)
        others = [entry for entry in cp.reservations if entry[0] != number]  # RES-03
        status = self._refusal(others, connector)
        utc = cp.clock.utc()
        if not status and (expiry <= 0 or (utc is not None and expiry <= utc) or abs(number) >> 62):
            status = "Rejected"
        if status:
            return {"status": status}
        others.append((number, connector, expiry, payload["idTag"], payload.get("parentIdTag") or ""))
        try:
            reservations.save(cp, others)
        except OSError:
            return {"status": "Rejected"}
        return {"status": "Accepted"}

    def _refusal(self, others, connector):
        """Why there can be no reservation beside the others (RES-02, RES-08), or None."""
        cp = self._cp
        if not 0 <= connector <= len(cp.connectors):
            return "Rejected"
        if not connector and not cp.settings.get("ReserveConnectorZeroSupported"):
            return "Rejected"
        concerned = [cp.connectors[connector - 1]] if connector else cp.connectors
        if not [1 for c in concerned if not c.fault]:
            return "Faulted"
        if not [1 for c in concerned if not (c.fault or c.unavailable)]:
            return "Unavailable"
        spare = [c for c in reservations.open_to_all(cp, others) if not (c.inserted or c.plugged)]
        anywhere = len([1 for entry in others if not entry[1]])
        if (connector and concerned[0] not in spare) or len(spare) <= anywhere:
            return "Occupied"
        return None

    def cancel_reservation(self, payload):
        cp = self._cp
        left = [entry for entry in cp.reservations if entry[0] != payload["reservationId"]]
        if len(left) == len(cp.reservations):
            return {"status": "Rejected"}
        try:
            reservations.save(cp, left)
        except OSError:
            return {"status": "Rejected"}
        return {"status": "Accepted"}
