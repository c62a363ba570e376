# Smart Charging profile: setting and clearing. Cold: loaded for one message (see rpc), so it keeps nothing. See charging_profiles
# for what lasts, composite_schedule for the third action.
from ocpp16.errors import OcppError
import cold


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    def set_charging_profile(self, payload):
        cp, number = self._cp, payload["connectorId"]
        if not 0 <= number <= len(cp.connectors):
            raise OcppError("PropertyConstraintViolation", "connectorId")
        tx = cp.connectors[number - 1].transaction if number else None
        done = install(cp, number, payload["csChargingProfiles"], tx, False)
        return {"status": "Accepted" if done else "Rejected"}

    def clear_charging_profile(self, payload):
        done = cold.call("ocpp16.profile_records", "clear", self._cp.profiles, payload)
        return {"status": "Accepted" if done else "Unknown"}


def install(cp, number, profile, tx, remote):
    """Check, convert and store a profile, one module after the other; False, and nothing changed, when it must be refused.

    tx: what runs there, or None. remote: it is for the transaction that a remote start is to begin.
    """
    record = cold.call("ocpp16.charging_profile", "record", cp, number, profile, tx, remote)
    return bool(record) and cold.call("ocpp16.profile_records", "install", cp.profiles, record)
