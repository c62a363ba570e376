# Cold: what becomes of a change of security profile or key with which nobody lets us in. Until a connection came up
# (ocpp16.connecting) the file "trial" keeps what was before: {setting: text}.
import json

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


def begin(cp, name, value):
    """A setting is about to change that had this value."""
    before = _before(cp)
    before.setdefault(name, value)
    cp.store.write(_TRIAL, json.dumps(before).encode())
    cp.failures = 0


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


def _before(cp):
    try:
        return json.loads(cp.store.read(_TRIAL) or b"{}")
    except ValueError:
        return {}


def _note(cp, name, text):
    cold.call("ocpp16.security_events", "note", cp, name, text)
