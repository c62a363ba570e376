# Cold: how a new certificate of our own is kept.
import os

from ocpp16 import certificate_files as files
import cold

_OWN = "ocpp16.own_certificate"


def keep(cp, point, count):
    """Write down what was offered, the certificate of a key and those up to a root, with the key; the status for the answer.

    ValueError when another request was made meanwhile. Whatever is cut short leaves the pair that is in use, and the key of the
    request until its certificate is there.
    """
    now = cp.clock.utc()
    name = cold.call(_OWN, "spare", cp, now)
    key = cp.store.read(files.CSR) or b""
    if key[-65:] != point:
        raise ValueError("not for the key that was asked for last")
    cp.store.remove(name + ".der")
    cp.store.write(name + ".key", key)
    if count == 1:
        with files.offered(cp, 1) as f:
            cp.store.write(name + ".der", f.read())
    else:
        _write_chain(cp, name + ".der", count)
    cp.store.remove(files.CSR)
    cold.call("ocpp16.security_events", "note", cp, "ReconfigurationOfSecurityParameters", "new " + name + ".der")
    if cp.settings.get("SecurityProfile") == 3 and cold.call(_OWN, "own", cp, now)[0] == name:
        cp.reconnect = True
    return "Accepted"


def _write_chain(cp, name, count):
    """What was offered as one PEM, the only form in which TLS takes a chain."""
    path = cp.store.path(name)
    temporary = path + "~"
    try:
        with open(temporary, "wb") as f:
            for n in range(1, count + 1):
                with files.offered(cp, n) as der:
                    for line in cold.call("pem", "lines", der):
                        f.write(line.encode())
        os.rename(temporary, path)
    finally:
        try:
            os.remove(temporary)
        except OSError:
            pass  # it has the name that it was made for
