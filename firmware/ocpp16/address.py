# Where the central system is: URL, identity and credentials, as the handshakes want them. Cold.
from binascii import b2a_base64, unhexlify

import cold


def of(cp):
    """(tls, host, port, path, port for the Host header or None, headers); ValueError in words."""
    get = cp.settings.get
    profile, identity, url = get("SecurityProfile"), get("ChargePointId"), get("CentralSystemURL")
    scheme, found, rest = url.partition("://")
    if profile and scheme.lower() in ("ws", "wss"):  # the profile decides, not the URL (SEC-PROF-04)
        url = ("wss" if profile > 1 else "ws") + found + rest
    tls, host, port, path = cold.call("wshandshake", "parse_url", url)
    path = charger_path(path, identity)
    key = key_of(get("AuthorizationKey"))
    headers = ()
    if profile == 1 or profile == 2 or (key and tls and not profile):
        if key is None:
            raise ValueError("security profile %d needs an AuthorizationKey" % profile)
        basic = b2a_base64(identity.encode() + b":" + key).decode().strip()
        headers = (("Authorization", "Basic " + basic),)
    return tls, host, port, path, None if port == (443 if tls else 80) else port, headers


def key_of(text):
    """The bytes of an AuthorizationKey: 32 to 40 hex digits, or 16 to 20 characters as they are; None else (SEC-AUTH-02)."""
    size = len(text)
    if 32 <= size <= 40 and not size & 1:
        try:
            return unhexlify(text)
        except ValueError:
            return None
    if 16 <= size <= 20 and not [c for c in text if not "!" <= c <= "~"]:
        return text.encode()
    return None


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
