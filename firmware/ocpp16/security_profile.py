# Cold: the security profile and the key of Basic auth: what the network may change (SEC-PROF-02, SEC-AUTH-02), and what becomes
# of a change with which nobody lets us in. Until a connection came up (ocpp16.connecting) the file "trial" keeps what was before:
# {setting: text}.
import json

from ocpp16.address import key_of
from settings import SettingError
import cold

_TRIAL = "trial"
_TRIES = 3
_PROFILE = "SecurityProfile"
_KEY = "AuthorizationKey"
# The security event of each kind of failure, see ocpp16.trouble.
_EVENTS = {
    "401": "FailedToAuthenticateAtCentralSystem",
    "client": "FailedToAuthenticateAtCentralSystem",
    "asked": "CentralSystemFailedToAuthenticate",
    "chain": "InvalidCentralSystemCertificate",
    "host": "InvalidCentralSystemCertificate",
    "date": "InvalidCentralSystemCertificate",
    "version": "InvalidTLSVersion",
    "suite": "InvalidTLSCipherSuite",
}


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
        before = _before(cp)
        before.setdefault(name, str(get(name)))
        cp.store.write(_TRIAL, json.dumps(before).encode())
        cp.failures = 0
    cp.settings.change(name, value)
    _note(cp, "ReconfigurationOfSecurityParameters", name)
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


def _note(cp, name, text):
    cold.call("ocpp16.security_events", "note", cp, name, text)


def _before(cp):
    try:
        return json.loads(cp.store.read(_TRIAL) or b"{}")
    except ValueError:
        return {}


def failed(cp, kind, text):
    """A connection could not be had: an event at the first of a kind, and after some the way back."""
    before = _before(cp)
    if _KEY in before and kind in ("401", "403"):  # nobody knows which of the two it takes by now: in turns
        other = before[_KEY]
        before[_KEY] = cp.settings.get(_KEY)
        cp.store.write(_TRIAL, json.dumps(before).encode())
        cp.settings.set(_KEY, other)
    cp.failures += 1
    if _PROFILE in before and cp.failures >= _TRIES:
        old = before.pop(_PROFILE)
        cp.settings.set(_PROFILE, old)
        if before:
            cp.store.write(_TRIAL, json.dumps(before).encode())
        else:
            cp.store.remove(_TRIAL)
        cp.log.warning("link", "back to security profile " + old)
        _note(cp, "ReconfigurationOfSecurityParameters", "back to security profile " + old)
    event = _EVENTS.get(kind)
    if event and cp.flaw != kind:  # not at each of many tries
        cp.flaw = kind
        _note(cp, event, text)
