# Cold: the security profile and the key of Basic auth: what the network may change (SEC-PROF-02, SEC-AUTH-02). What becomes of a
# change with which nobody lets us in: ocpp16.security_trial.
from ocpp16.address import key_of
from settings import SettingError
import cold

_PROFILE = "SecurityProfile"
_KEY = "AuthorizationKey"


async def change(cp, unique, name, value, trusts, own):
    """The job that answers the ChangeConfiguration `unique` of one of the two; a refusal goes into the log without the value.

    trusts, own: is there a valid root, and a certificate of ours (see own_certificate.fit)?
    """
    status, changed = "Accepted", None
    try:
        changed = _change(cp, name, value, trusts, own)
    except SettingError as e:
        cp.log.info("ocpp", "ChangeConfiguration: %s" % e)
        status = "Rejected"
    cp.rpc.answer(unique, {"status": status})
    if changed:
        cold.call("ocpp16.security_events", "note", cp, "ReconfigurationOfSecurityParameters", changed)


def _change(cp, name, value, trusts, own):
    """The name of what has changed, if it has; SettingError."""
    get = cp.settings.get
    profile = get(_PROFILE)
    if name == _KEY.lower():
        name = _KEY
        if key_of(value) is None:
            raise SettingError("value", "AuthorizationKey is 32 to 40 hex digits")
        used = profile == 1 or profile == 2 or (not profile and get("CentralSystemURL")[:4].lower() == "wss:")
        if value == get(_KEY):
            return None
    else:
        name, used = _PROFILE, True
        why = _refusal(cp, profile, value, trusts, own)
        if why:
            raise SettingError("value", "SecurityProfile: " + why)
    if used:
        cold.call("ocpp16.security_trial", "begin", cp, name, str(get(name)))
    cp.settings.change(name, value)
    cp.reconnect = cp.reconnect or used
    return name


def _refusal(cp, profile, value, trusts, own):
    if len(value) != 1 or value not in "0123":
        return "0 to 3"
    new = int(value)
    if new <= profile:
        return "only upwards"
    if new < 3 and key_of(cp.settings.get(_KEY)) is None:
        return "no AuthorizationKey"
    if new > 1 and not trusts:
        return "no valid root certificate of a central system"
    if new == 3 and not own:
        return "no valid certificate of our own"
    return None
