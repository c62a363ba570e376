# Where the central system is: URL and identity, as the handshakes want them. Cold.
import cold


def of(cp):
    """(tls, host, port, path, port for the Host header or None); ValueError in words."""
    tls, host, port, path = cold.call("wshandshake", "parse_url", cp.settings.get("CentralSystemURL"))
    path = charger_path(path, cp.settings.get("ChargePointId"))
    return tls, host, port, path, None if port == (443 if tls else 80) else port


def charger_path(path, identity):
    """The path of the endpoint with the identity of the charger appended (J-URL-01)."""
    path, question, query = path.partition("?")
    while path.endswith("/"):
        path = path[:-1]
    return path + "/" + quote(identity) + question + query


def quote(text):
    """Percent-encode everything that is not unreserved in a URL."""
    out = ""
    for b in text.encode():
        c = chr(b)
        out += c if c.isalpha() and b < 128 or c.isdigit() or c in "-._~" else "%%%02X" % b
    return out
