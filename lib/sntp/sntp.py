"""SNTP client (RFC 4330): seconds = await ask("pool.ntp.org"), seconds since 2000-01-01 UTC.

Cold: needed once after power was lost. The look-up of the name blocks; nothing else does.
"""

import asyncio
import os
import socket
from asyncio import core  # type: ignore

from micropython import const

_TRIES = const(3)
_WAIT_MS = const(2000)
_ERA = const(3155673600)  # 2000-01-01 in seconds since 1900
_SIZE = const(48)


def _arrived(sock):
    yield core._io_queue.queue_read(sock)


async def ask(host, port=123):
    """Seconds since 2000; OSError when there is no answer, ValueError when it is not to be believed."""
    address = socket.getaddrinfo(host, port, 0, socket.SOCK_DGRAM)[0]
    sock = socket.socket(address[0], address[1], address[2])
    try:
        sock.setblocking(False)
        # Only what answers our own bytes is taken: a guess from elsewhere can not know them.
        cookie = os.urandom(8)
        request = bytearray(_SIZE)
        request[0] = 0x23  # version 4, client
        request[40:] = cookie
        for _ in range(_TRIES):
            sock.sendto(request, address[-1])
            try:
                await asyncio.wait_for_ms(_arrived(sock), _WAIT_MS)
            except asyncio.TimeoutError:
                continue
            answer = sock.recv(_SIZE)
            if answer and len(answer) == _SIZE and answer[24:32] == cookie:
                return _time(answer)
        raise OSError(110)
    finally:
        sock.close()


def _time(answer):
    if answer[0] & 7 != 4 or answer[0] >> 6 == 3 or not 0 < answer[1] < 16:
        raise ValueError("SNTP server has no time")
    seconds = int.from_bytes(answer[40:44], "big")
    if seconds < _ERA:  # the second era begins in 2036
        seconds += 1 << 32
    return seconds - _ERA
