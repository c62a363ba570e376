# Cold: the security profile and the key of Basic auth: what the network may change (SEC-PROF-02, SEC-AUTH-02). What becomes of a
# change with which nobody lets us in: ocpp16.security_trial.
from ocpp16.address import key_of
from settings import SettingError
import cold

_PROFILE = "SecurityProfile"
_KEY = "AuthorizationKey"


def change(cp, name, value):
    """Change one of the two as ChangeConfiguration asks; SettingError when refused, without the value."""
    get = cp.settings.get
    profile = get(_PROFILE)
    if name == _KEY.lower():
        name = _KEY
        if key_of(value) is None:
            raise SettingError("value", "AuthorizationKey is 32 to 40 hex digits")
        used = profile == 1 or profile == 2 or (not profile and get("CentralSystemURL")[:4].lower() == "wss:")
        if value == get(_KEY):
            return
    else:
        name, used = _PROFILE, True
        why = _refusal(cp, profile, value)
        if why:
            raise SettingError("value", "SecurityProfile: " + why)
    if used:
        cold.call("ocpp16.security_trial", "begin", cp, name, str(get(name)))
    cp.settings.change(name, value)
    cold.call("ocpp16.security_events", "note", cp, "ReconfigurationOfSecurityParameters", name)
    cp.reconnect = cp.reconnect or used


def _refusal(cp, profile, value):
    if len(value) != 1 or value not in "0123":
        return "0 to 3"
    new = int(value)
    if new <= profile:
        return "only upwards"
    if new < 3 and key_of(cp.settings.get(_KEY)) is None:
        return "no AuthorizationKey"
    if new > 1 and not cold.call("ocpp16.certificate_files", "trusts", cp, cp.clock.utc()):
        return "no valid root certificate of a central system"
    if new == 3 and not cold.call("ocpp16.own_certificate", "own", cp, cp.clock.utc()):
        return "no valid certificate of our own"
    return None
