"""Cold: the access point of set-up mode, and the socket of its name server."""

import asyncio
import errno
import socket

import machine
import network
from asyncio import core  # type: ignore
from micropython import const

ADDRESS = "192.168.4.1"  # the chip's own, which its DHCP server counts on from
_DNS = const(53)
_MAX_QUERY = const(512)
_AGAIN_MS = const(1000)


def _readable(sock):
    # As in port/link.py: a coroutine can not yield to the queue, a generator can.
    yield core._io_queue.queue_read(sock)


class AccessPoint:
    ADDRESS = ADDRESS

    def __init__(self):
        self._wlan = network.WLAN(network.WLAN.IF_AP)
        # The MAC that is on the label of the chip; that of its access point is another.
        self.name = "pilotwire-" + "".join(["%02X" % byte for byte in machine.unique_id()[-3:]])

    def start(self, key):
        """Open the network, for who knows the key; it was never open without one."""
        self._wlan.config(ssid=self.name, key=key, security=network.WLAN.SEC_WPA2)
        self._wlan.active(True)

    async def names(self, answer):
        """Answer what is asked of a name server with answer(query, address); never ends."""
        ours = bytes([int(part) for part in ADDRESS.split(".")])
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.bind(socket.getaddrinfo("0.0.0.0", _DNS)[0][-1])
        while True:
            await _readable(sock)  # type: ignore
            try:
                query, peer = sock.recvfrom(_MAX_QUERY)
                reply = answer(query, ours)
                if reply:
                    sock.sendto(reply, peer)
            except OSError as e:  # who asked is gone, or there is no memory for the reply: they ask again
                if e.errno not in (errno.EAGAIN, errno.ECONNRESET):
                    await asyncio.sleep_ms(_AGAIN_MS)
