"""lib/sntp, in MicroPython's Unix port, against a server by hand."""

import asyncio
import json
import os
import subprocess
import time

import pytest

from pilotwire import build, runtime

_CLIENT = """
import asyncio, json, sys
from sntp import ask
async def main():
    try:
        print(json.dumps(await ask("127.0.0.1", int(sys.argv[1]))))
    except (OSError, ValueError) as e:
        print(json.dumps(repr(e)))
asyncio.run(main())
"""
_EPOCH = 3155673600  # 2000 in seconds since 1900


class Server(asyncio.DatagramProtocol):
    def __init__(self, change, silent):
        self.change, self.silent = change, silent

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        if self.silent:
            self.silent -= 1
            return
        now = int(time.time()) - 946684800 + _EPOCH
        answer = bytearray(48)
        answer[0], answer[1] = 0x24, 2
        answer[24:32] = data[40:48]
        answer[40:44] = (now & 0xFFFFFFFF).to_bytes(4, "big")
        self.transport.sendto(self.change(answer), address)


def asked(change=lambda answer: answer, silent=0):
    async def run():
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: Server(change, silent), ("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        done = await asyncio.to_thread(
            subprocess.run,
            [*runtime.micropython(), "-c", _CLIENT, str(port)],
            env={**os.environ, "MICROPYPATH": f"{build.repository() / 'lib' / 'sntp'}:.frozen"},
            capture_output=True,
            text=True,
            timeout=30,
        )
        transport.close()
        return json.loads(done.stdout.splitlines()[-1])

    return asyncio.run(run())


def test_tells_the_time():
    assert abs(asked() - (time.time() - 946684800)) < 5


def test_asks_again():
    assert abs(asked(silent=1) - (time.time() - 946684800)) < 10


def test_the_second_era():
    def later(answer):
        answer[40:44] = (5).to_bytes(4, "big")
        return answer

    assert asked(later) == (1 << 32) + 5 - _EPOCH


@pytest.mark.parametrize(
    ("at", "value", "said"),
    [(0, 0x23, "no time"), (0, 0xE4, "no time"), (1, 0, "no time"), (1, 16, "no time"), (25, 256, "110")],
    ids=["mode", "unsynchronised", "kiss", "stratum", "not-ours"],
)
def test_what_is_not_believed(at, value, said):
    def wrong(answer):
        answer[at] = answer[at] ^ 0xFF if value == 256 else value
        return answer

    assert said in asked(wrong)
