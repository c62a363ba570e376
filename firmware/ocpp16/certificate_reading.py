# Cold: how jobs read certificates, and have their signatures checked.
import gc

import cold

_MODULES = ("x509chain", "rsa", "p256")


def parse(file):
    """The Certificate in an open binary file, which is closed; ValueError."""
    with file:
        found = cold.call("x509", "parse", file)
    # What the parser has made lies behind it, in the midst of what is free then: copies go where there was room before.
    gc.collect()
    for name, value in found.__dict__.items():
        setattr(found, name, _copy(value))  # by name: what it has
    return found


def _copy(value):
    if isinstance(value, bytes):
        return value[:1] + value[1:]
    if isinstance(value, tuple):  # the key
        return tuple([_copy(part) for part in value])
    return value + 0 if isinstance(value, int) and value >> 32 else value


def issuers(cp, kind, certificate):
    """The roots of a kind that may vouch for it. Their names first: nothing but the parser is loaded while it works."""
    found = []
    for path in cold.call("ocpp16.certificate_files", "naming", cp, kind, certificate.issuer):
        try:
            found.append(parse(open(path, "rb")))
        except ValueError:
            pass  # mbedTLS says so when it is to be used
    return found


async def checked(check, *args):
    """What the coroutine check(x509chain, *args) returns; what it takes is forgotten again."""
    try:
        gc.collect()  # the parser, see cold.load
        import x509chain

        gc.collect()
        return await check(x509chain, *args)
    finally:
        x509chain = None
        for name in _MODULES:
            cold.drop(name)  # by name: those of _MODULES
