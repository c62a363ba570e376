# Cold: what a CALL of the central system is answered with. It goes to Profile(charge_point) of its profile's module, one method
# per action, in snake case; that module is loaded for this message only.
from ocpp16.errors import OcppError
import cold
import table

_PROFILES = __file__.rsplit("/", 1)[0] + "/profiles.txt"
_MAX_ID = 36


def answer(rpc, frame):
    """The frame of the answer, as a list, or None when the profile answers later."""
    unique = frame[1]
    try:
        if not 0 < len(unique) <= _MAX_ID or len(frame) < 3 or not isinstance(frame[2], str):
            raise OcppError("FormationViolation", "not a CALL")
        payload = frame[3] if len(frame) > 3 and frame[3] is not None else {}
        if unique in rpc.deferred:
            rpc.event("AttemptedReplayAttacks", frame[2])
            raise OcppError("GenericError", "this CALL is being handled")
        rpc.unique = unique
        result = _handle(rpc, frame[2], payload)
    except OcppError as e:
        rpc.log.warning("ocpp", "refused %s: %s %s" % (frame[2:3], e.code, e.text))
        return [4, unique, e.code, e.text[:255], {}]
    if result is None:
        rpc.deferred.append(unique)
        return None
    return [3, unique, result]


def _handle(rpc, action, payload):
    if not action.isalpha():  # the file of schemas has other lines than actions
        raise OcppError("NotImplemented", action)
    cold.call("ocpp16.schema", "check", action, payload)
    name = table.find(_PROFILES, action)
    if name is None:
        raise OcppError("NotSupported", action)
    try:
        profile = cold.call("ocpp16." + name, "Profile", rpc.source)  # by name: modules of profiles.txt
        handler = getattr(profile, method_name(action))  # by name: actions in snake case
    except (ImportError, AttributeError):
        raise OcppError("NotSupported", action)
    return handler(payload)


def method_name(action):
    """GetConfiguration -> get_configuration."""
    return "".join(["_" + c.lower() if c.isupper() else c for c in action])[1:]
