"""`make fuzz SECONDS=n`: mutated frames, messages, certificates and answers of servers against the parsers, in CPython.

Each parser has its errors, and raises nothing else; no input takes it longer than a second. The running wallbox:
tests/e2e/test_fuzz_box.py.
"""

import asyncio
import contextlib
import io
import itertools
import json
import os
import random
import time
from collections.abc import Callable

import p256
import p256key
import pem as pem_parser
import pytest
import wsframes
import wshandshake
import x509 as x509_parser
from bundle import BundleError, Complete
from bundlelist import List
from der import DerError
from ftpdata import extended_port, passive_port
from ftpreply import Replies
from fuzzing import DER_WORDS, JSON_WORDS, TEXT_WORDS, messages, mutations
from hashids import hash_ids
from httpbody import Body
from httpchunks import Body as Chunks
from httphead import Head
from httprefusal import redirect
from ocpp16 import large_messages
from ocpp16.errors import OcppError
from paper_charger import CentralSystem, compact_schemas, ocpp_bench  # noqa: F401 (a fixture)
from small_ca import Ca, pem, sign_file, utc
from transfer import TransferError
from transferparse import parse

pytestmark = pytest.mark.exhaustive

SECONDS = float(os.environ.get("FUZZ_SECONDS", "120")) * 3 / 4  # the rest is for the wallbox
SEED = int(os.environ.get("FUZZ_SEED", "0")) or random.SystemRandom().randrange(1 << 32)
_SLOW_S = 1.0
_BATCH = 200
T0 = utc(ocpp_bench.T0)


def certificate(data: bytes) -> None:
    with contextlib.suppress(DerError):
        found = x509_parser.parse(data)
        hash_ids(found)
        assert vars(x509_parser.parse(io.BytesIO(data))) == vars(found)


def pem_text(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        list(pem_parser.decode(data))


class CertificateStore:
    """The charger behind a Reader: a request is pending."""

    def __init__(self):
        self.store = self.settings = self.log = self
        self.jobs, self.kept = {}, set()

    def read(self, name):
        return b"key"

    def path(self, name):
        assert name.startswith("offered") and len(self.kept) <= 10
        self.kept.add(name)
        return os.devnull

    def remove(self, name):
        self.kept.discard(name)

    def get(self, name):
        return 10000


def certificate_text(data: bytes) -> None:
    reader = large_messages.reader(CertificateStore(), data[:96])
    if reader is None:
        return
    size = 1 + sum(data[:8]) % 600
    for at in range(0, len(data), size):
        reader.take(memoryview(data)[at : at + size])
        assert len(reader._rest) <= 2048 + size
    frame = reader.end()
    if len(frame) > 3 and isinstance(frame[3], dict):
        assert isinstance(frame[3]["packed"], (int, ValueError, OcppError)), frame


def signature(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        p256.parse_signature(data)


def private_key(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        next(p256key.parse(data), None)  # its point takes long, and is not parsed


def frames(data: bytes) -> None:
    decoder = wsframes.Decoder(16384, 256)
    at = 0
    with contextlib.suppress(wsframes.WebSocketError):
        while True:
            event = decoder.event()
            if event is None:
                if at >= len(data):
                    return
                space = decoder.space()
                n = min(len(space), len(data) - at)
                space[:n] = data[at : at + n]
                del space
                decoder.received(n)
                at += n
            elif event[0] == wsframes.CLOSE:
                return


def handshake(data: bytes) -> None:
    with contextlib.suppress(wshandshake.HandshakeError):
        wshandshake.Handshake("h", "/o", "ocpp1.6").received(data)


def http(data: bytes) -> None:
    head = Head()
    with contextlib.suppress(TransferError):
        at = head.received(memoryview(data))
        if head.complete:
            body = (Chunks if head.chunked else Body)(head.length)
            while at < len(data) and not body.done:
                skip, n = body.piece(memoryview(data)[at:])
                assert 0 < skip + n <= len(data) - at
                at += skip + n
            body.ended()


def ftp(data: bytes) -> None:
    with contextlib.suppress(TransferError):
        replies = Replies()
        replies.received(memoryview(data))
        while reply := replies.reply():
            for port in (extended_port, passive_port):
                with contextlib.suppress(TransferError):
                    port(reply[1])


def url(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    with contextlib.suppress(TransferError):
        parse(text)
        redirect("https://host/path", data)
    with contextlib.suppress(ValueError):
        wshandshake.parse_url(text)


class Sink:
    def write(self, data):
        return len(data)


def bundle_list(data: bytes) -> None:
    with contextlib.suppress(BundleError, Complete):
        List(Sink()).write(data)


def texts_of(ders: list[bytes]) -> list[bytes]:
    """Messages with certificates."""
    chain = "".join(pem(der) for der in ders)
    install = {"certificateType": "CentralSystemRootCertificate", "certificate": pem(ders[0])}
    signed = {"certificateChain": chain}
    return [json.dumps([2, "u", *call]).encode() for call in (("InstallCertificate", install), ("CertificateSigned", signed))]


def frame(first: int, payload: bytes) -> bytes:
    size = bytes((len(payload),)) if len(payload) < 126 else b"\x7e" + len(payload).to_bytes(2)
    return bytes((first,)) + size + payload


def targets() -> list[tuple[Callable[[bytes], None], list[bytes], list[bytes]]]:
    """(parser, good inputs, words that it knows)."""
    cas = [Ca("Root", T0), Ca("Other", T0, kind="rsa2048"), Ca("Third", T0, kind="p384")]
    leaf = cas[0].leaf("CP-1")
    ders = [ca.der for ca in cas] + [leaf[1]]
    answers = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nETag: \"x\"\r\n\r\nabcd",
        b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-5/9\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: https://h/x?y=z\r\n\r\n",
    ]
    pem_words = [b"-----BEGIN CERTIFICATE-----", b"-----END", b"=", b"\n", b"\0"]
    texts = [frame(0x81, b'[3,"1",{}]') + frame(0x89, b"p"), frame(0x01, b"a") + frame(0x80, b"b" * 300)]
    frame_words = [b"\x81", b"\x80\x7e", b"\x7f" + b"\xff" * 8, b"\x88\x02\x03\xe8"]
    upgrade = b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"
    replies = [b"220-hi\r\n220 there\r\n", b"227 Entering (127,0,0,1,200,10)\r\n", b"229 Ext (|||4000|)\r\n"]
    urls = [b"ftp://user:p%40ss@host:21/dir/f.bin", b"https://[::1]:443/a?b=c", b"ws://h/o"]
    lists = [b'{"pwb":1,"files":1,"bytes":3,"board_ids":["x"],"version":"1"}\n3 aa a.mpy\nsig\n']
    return [
        (certificate, ders, DER_WORDS),
        (pem_text, [pem(der).encode() for der in ders], pem_words),
        (certificate_text, texts_of(ders), JSON_WORDS + pem_words),
        (signature, [sign_file(cas[0].key, b"x")], DER_WORDS),
        (private_key, [leaf[0]], DER_WORDS),
        (frames, texts, frame_words),
        (handshake, [upgrade], TEXT_WORDS),
        (http, answers, TEXT_WORDS),
        (ftp, replies, TEXT_WORDS),
        (url, urls, TEXT_WORDS),
        (bundle_list, lists, JSON_WORDS + TEXT_WORDS),
    ]


def timed(job: Callable[[bytes], None], data: bytes) -> None:
    start = time.process_time()
    try:
        job(data)
    except Exception as error:
        raise AssertionError(f"{job.__name__} of {data!r}, seed {SEED}: {error!r}") from error
    assert time.process_time() - start < _SLOW_S, f"{job.__name__} hangs on {data!r}"


def test_parsers():
    rng = random.Random(SEED)
    jobs = [(job, mutations(rng, seeds, words)) for job, seeds, words in targets()]
    end, count = time.monotonic() + SECONDS * 2 / 3, 0
    while time.monotonic() < end:
        for job, inputs in jobs:
            for data in itertools.islice(inputs, _BATCH):
                timed(job, data)
        count += _BATCH * len(jobs)
    print(f"\nfuzz: {count} inputs for {len(jobs)} parsers, seed {SEED}")
    assert count >= _BATCH * len(jobs)


def test_charge_point(tmp_path, monkeypatch):
    """Messages for a charger with a transaction that runs: each is survived, and the transaction is billed once."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    asyncio.run(_charge_point())


async def _charge_point():
    rng, central = random.Random(SEED), CentralSystem()
    bench = ocpp_bench.Bench(events=3, sectors=16, ChargePointId="F", CentralSystemURL="ws://h")
    bench.answers["StartTransaction"] = central.start
    bench.answers["StopTransaction"] = central.stop
    bench.connect()
    inputs = mutations(rng, messages(), JSON_WORDS)
    end, count = time.monotonic() + SECONDS / 3, 0
    while time.monotonic() < end:
        bench.unplug()
        bench.run(2)
        bench.plug()
        bench.present(f"T{count}")
        bench.charge(100)
        for data in itertools.islice(inputs, _BATCH):
            start = time.process_time()
            bench.cp.receive(data.decode("utf-8", "replace") if rng.random() < 0.95 else None, bench.clock.ms)
            bench.exchange()
            assert time.process_time() - start < _SLOW_S, f"it hangs on {data!r}"
            assert len(bench.cp.triggered) < 100 and len(bench.cp.reservations) < 100
        count += _BATCH
        for _ in range(5):
            await asyncio.sleep(0)
        for job in list(bench.cp.jobs.values()):
            job[0].cancel()
        bench.cp.jobs.clear()
        bench.sent.clear(), bench.replies.clear(), bench.lines.clear()
        if bench.cp.restart or bench.cp.busy or bench.cp.inoperative or bench.cp.reconnect:
            bench.store.files.clear()  # what was ordered stays ordered; the next round wants a charger that charges
            bench.reboot()
            bench.connect()
    bench.reboot()
    bench.connect()
    bench.run(10)
    print(f"\nfuzz: {count} messages, {len(central.starts)} transactions, seed {SEED}")
    assert bench.cp.transactions.queued == 0 and len(central.starts) > 0
    assert set(central.stops) == set(central.starts.values()), "a transaction has no end"
