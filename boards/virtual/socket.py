"""The built-in socket module; names are looked up by the supervisor, whose proxies are the network cable."""

import sys

_path = sys.path
sys.path = ()
import socket as _real
from socket import *

sys.path = _path
del _path

import wire

_EAI_FAIL = -202


def getaddrinfo(host, port, *how):
    """As lwIP: one entry, OSError(-202) for a name that cannot be found. 0.0.0.0 is where the box listens: on the loopback."""
    if not isinstance(host, str):
        raise TypeError("can't convert %s to str" % type(host).__name__)
    if wire.link:
        try:
            port = wire.lookup(host, port)
        except OSError:
            raise OSError(_EAI_FAIL)
        host = "127.0.0.1"
    return _real.getaddrinfo(host, port, AF_INET, SOCK_STREAM)[:1]
