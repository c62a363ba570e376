# Checks a payload against the compact schemas that the build makes from the JSON schemas of OCPP 1.6.
#
#   check("ChangeConfiguration", {"key": "HeartbeatInterval"})   -> OcppError("OccurenceConstraintViolation", "value")
#
# A line of schemas.txt: NAME SPEC, answers as NAME.conf. SPEC: {name!type,name?type} object (! required, ? optional), sN string
# of at most N characters, s, i integer, n number, b boolean, d date-time, (A|B) enumeration, #Name an enumeration
# that has a line of its own, [type] array, [type]+ array of at least one. Unknown fields are ignored (J-ERR-06).
from ocpp16.errors import OcppError
import cold
import table

_FILE = __file__.rsplit("/", 1)[0] + "/schemas.txt"
_REQUIRED = "OccurenceConstraintViolation"
_TYPE = "TypeConstraintViolation"
_VALUE = "PropertyConstraintViolation"


def find(name):
    """The spec of a message or enumeration, or None."""
    return table.find(_FILE, name)


def check(name, payload):
    """Raise OcppError when `payload` does not fit; NotImplemented when there is no such message."""
    spec = find(name)
    if spec is None:
        raise OcppError("NotImplemented", name)
    if not isinstance(payload, dict):
        raise OcppError("FormationViolation", "payload is not an object")
    check_value(spec, 0, payload, name)


def check_value(spec, at, value, path):
    """Check `value` against the type at `at`; return the place behind the type."""
    c = spec[at]
    if c == "{":
        return _object(spec, at, value, path)
    if c == "[":
        return _array(spec, at, value, path)
    end = _end(spec, at)
    if c == "(" or c == "#":
        if not isinstance(value, str):
            raise OcppError(_TYPE, path)
        choices = spec[at:end] if c == "(" else "(" + find(spec[at:end]) + ")"
        if not value or "|" in value or not _one_of(choices, value):
            raise OcppError(_VALUE, path)
    elif c == "b":
        if not isinstance(value, bool):
            raise OcppError(_TYPE, path)
    elif c == "i" or c == "n":
        if isinstance(value, bool) or not isinstance(value, (int, float) if c == "n" else int):
            raise OcppError(_TYPE, path)
    elif not isinstance(value, str):
        raise OcppError(_TYPE, path)
    elif c == "d":
        try:
            cold.call("iso8601", "parse", value)
        except ValueError:
            raise OcppError(_VALUE, path)
    elif end - at > 1 and len(value) > int(spec[at + 1 : end]):
        raise OcppError(_VALUE, path)
    return end


def _one_of(choices, value):
    at = choices.find(value)
    while at > 0:
        if choices[at - 1] in "(|" and choices[at + len(value)] in "|)":
            return True
        at = choices.find(value, at + 1)
    return False


def _object(spec, at, value, path):
    if not isinstance(value, dict):
        raise OcppError(_TYPE, path)
    at += 1
    while spec[at] != "}":
        if spec[at] == ",":
            at += 1
        mark = at
        while spec[mark] not in "!?":
            mark += 1
        name = spec[at:mark]
        at = mark + 1
        if value.get(name) is not None:  # null for an absent field is accepted
            at = check_value(spec, at, value[name], path + "." + name)
        elif spec[mark] == "!":
            raise OcppError(_REQUIRED, path + "." + name)
        else:
            at = _end(spec, at)
    return at + 1


def _array(spec, at, value, path):
    if not isinstance(value, list):
        raise OcppError(_TYPE, path)
    end = _end(spec, at)
    if spec[end - 1] == "+" and not value:
        raise OcppError(_REQUIRED, path)
    for item in value:
        check_value(spec, at + 1, item, path)
    return end


def _end(spec, at):
    """The place behind the type at `at`."""
    if spec[at] in "{[(":
        depth = 0
        while True:
            if spec[at] in "{[(":
                depth += 1
            elif spec[at] in "}])":
                depth -= 1
            at += 1
            if not depth:
                break
        return at + 1 if spec[at : at + 1] == "+" else at
    at += 1
    while at < len(spec) and spec[at] not in ",}]":
        at += 1
    return at
