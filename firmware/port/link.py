"""Wi-Fi or Ethernet: keeps the interface up, and opens TCP connections without blocking the loop.

The chip reconnects by itself, to its access point or once its cable is back; after a while without success everything is
switched off and on again.
`up` says that there is an address, not that anything answers: liveness is for the peer to show.
"""

import asyncio
import errno
import select
import socket

import cold
import ticks
from micropython import const

_POLL_MS = const(500)
_AGAIN_MS = const(60000)
_CONNECT_MS = const(15000)
_ANSWER_MS = const(20)
_IPPROTO_TCP = const(6)  # not in the Unix port, and the same everywhere
_TCP_NODELAY = const(1)
_LOOK_UP = const(8)  # failures, refused ones weigh all of it, after which a name is looked up even while busy
_ERROR_EVENTS = const(0x18)  # POLLERR | POLLHUP


class Link:
    """Station mode of the radio, or Ethernet (`lan` of board.json). `busy`: a car charges, so that nothing may block for long;
    `hook`, if set, is called between the slices of a TLS handshake."""

    def __init__(self, ssid, key, clock, lan=None):
        self.up = False
        self.busy = False
        self.hook = None
        self.drops = 0
        self._failed = 0
        self._ssid = ssid
        self._key = key
        self._clock = clock
        self._lan = lan
        self._nic = cold.call("port.nic", "make", lan)
        self._addresses = {}

    async def run(self):
        """Keep the link up; never ends."""
        down_since = None
        while True:
            now = self._clock.now_ms()
            up = self._nic.isconnected()
            if up:
                down_since = None
            elif down_since is None:
                down_since = now
                if not self._nic.active():
                    self._start()
            elif ticks.diff(now, down_since) > _AGAIN_MS:
                # A wrong key, or a driver that hangs: the chip itself would go on for ever.
                self._stop()
                await asyncio.sleep_ms(_POLL_MS)
                self._start()
                down_since = self._clock.now_ms()
            if self.up and not up:
                self.drops += 1
            self.up = up
            await asyncio.sleep_ms(_POLL_MS)

    def _start(self):
        try:
            cold.call("port.nic", "start", self._nic, self._lan, self._ssid, self._key)
        except OSError as e:  # tried again, in case the settings change
            print("W link: " + str(e))

    def _stop(self):
        cold.call("port.nic", "stop", self._nic, self._lan)

    async def connect(self, host, port):
        """A stream to host:port; OSError as socket()."""
        return asyncio.StreamReader(await self.socket(host, port))

    async def socket(self, host, port):
        """A connected socket without Nagle, for TLS, which needs no stream; OSError if that fails within 15 s."""
        if not self.up:
            raise OSError(errno.ENOTCONN)
        self._clock.hold(1)
        try:
            address = self._resolve(host, port)
            try:
                sock = await self._open(address)
                self._failed = 0
                return sock
            except OSError as e:
                # Who refuses is there, and not the one we look for; who is silent may be cut off from us
                # together with the name server, for which we would wait in vain.
                self._failed += _LOOK_UP if e.errno == errno.ECONNREFUSED else 1
                raise
        finally:
            self._clock.hold(-1)

    def _resolve(self, host, port):
        # Blocks for as long as the name server takes, up to many seconds, in which no Python runs.
        address = self._addresses.get((host, port))
        if address is None or not self.busy or self._failed >= _LOOK_UP:
            self._failed = 0
            try:
                address = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0]
                self._addresses[(host, port)] = address
            except OSError:
                if address is None:
                    raise
        return address

    async def _open(self, address):
        sock = socket.socket(address[0], address[1], address[2])
        try:
            sock.setblocking(False)
            sock.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
            try:
                sock.connect(address[-1])
            except OSError as e:
                if e.errno != errno.EINPROGRESS:
                    raise
            await self._answered(sock)
        except BaseException:  # a cancelled task must not leak its socket either
            sock.close()
            raise
        return sock

    async def _answered(self, sock):
        """Looked at in steps: asyncio.wait_for would stay in RAM. OSError of a connection that was refused, or of none."""
        poll = select.poll()
        poll.register(sock, select.POLLOUT)
        deadline = ticks.add(self._clock.now_ms(), _CONNECT_MS)
        while True:
            for _, events in poll.poll(0):
                if events & _ERROR_EVENTS:
                    sock.read(1)  # raises what went wrong
                    raise OSError(errno.ECONNABORTED)
                return
            if ticks.diff(self._clock.now_ms(), deadline) >= 0:
                raise OSError(errno.ETIMEDOUT)
            await asyncio.sleep_ms(_ANSWER_MS)
