# ruff: noqa: UP031, B018
# Runs inside MicroPython: one WebSocket client, ours or a peer's, against the server of pilotwire.bench.websocket.
#
#   clients.py NAME PORT ORDER...      an ORDER is send:SIZE:COUNT or receive:SIZE:COUNT; prints one JSON line
#
# Each client is used as its documentation shows. Microseconds run from the first message to the answer that all are there,
# or from the order until the last one is in the hands of the caller.
import asyncio
import gc
import json
import sys
import time

MAX = 100000


def used():
    gc.collect()
    return gc.mem_alloc()


class Ours:
    def load(self):
        import wsclient

        self.module = wsclient

    async def open(self, port):
        stream, _ = await asyncio.open_connection("127.0.0.1", port)
        stream.s.setsockopt(6, 1, 1)  # TCP_NODELAY
        self.ws = await self.module.connect(stream, "127.0.0.1", "/", None, (), MAX, port)

    async def send(self, text, n):
        for _ in range(n):
            await self.ws.send(text)

    async def receive(self, n):
        for _ in range(n):
            message = await self.ws.receive()
        return message


class AsyncClient:
    def load(self):
        from async_websocket_client import AsyncWebsocketClient

        self.ws = AsyncWebsocketClient(0)

    async def open(self, port):
        await self.ws.handshake("ws://127.0.0.1:%d/" % port)

    async def send(self, text, n):
        for _ in range(n):
            await self.ws.send(text)

    async def receive(self, n):
        for _ in range(n):
            message = await self.ws.recv()
        return message


class Chumicro:
    def load(self):
        import chumicro_websockets
        from chumicro_sockets.sockets_factory import connector_factory
        from chumicro_timing import ticks_ms

        self.ticks = ticks_ms
        self.Full = chumicro_websockets.WebSocketBackpressureError
        # Its budgets of 1 KB a tick are for the sake of other work; here there is none.
        self.ws = chumicro_websockets.WebSocketClient(
            transport_factory=connector_factory(),
            max_message_bytes=MAX,
            recv_budget_per_tick=65536,
            send_budget_per_tick=65536,
        )
        self.got = []
        self.ws.on_text = self.got.append

    def turn(self):
        now = self.ticks()
        if self.ws.check(now):
            self.ws.handle(now)

    async def open(self, port):
        self.ws.connect("ws://127.0.0.1:%d/" % port)
        while self.ws.state != "open":
            self.turn()

    async def send(self, text, n):
        for _ in range(n):
            while True:
                try:
                    self.ws.send_text(text)
                    break
                except self.Full:
                    self.turn()

    async def receive(self, n):
        got = self.got
        for _ in range(n):
            while not got:
                self.turn()
            message = got.pop(0)
        return message


async def main():
    client = {"ours": Ours, "async-websocket-client": AsyncClient, "chumicro": Chumicro}[sys.argv[1]]()
    # Parts of asyncio are loaded when first used; every client finds them there, as it would in a program.
    asyncio.Lock, asyncio.Event, asyncio.open_connection, asyncio.wait_for
    before = used()
    client.load()
    result = {"import": used() - before}
    before = used()
    await client.open(int(sys.argv[2]))
    result["connect"] = used() - before
    for order in sys.argv[3:]:
        what, size, count = order.split(":")
        text = "x" * int(size)
        await client.send(order, 1)
        try:
            begun = time.ticks_us()
            if what == "send":
                await client.send(text, int(count))
                good = await client.receive(1) == "all"
            else:
                good = await client.receive(int(count)) == text
            took = time.ticks_diff(time.ticks_us(), begun)
        except (OSError, MemoryError) as e:
            print(repr(e))
            good = False
        result[order] = took if good else None
        if not good:
            break
    print(json.dumps(result))


asyncio.run(main())
