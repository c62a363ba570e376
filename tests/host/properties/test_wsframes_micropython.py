"""The same random bytes through lib/wsclient/wsframes.py in both interpreters: the same events and errors.

MicroPython's str() takes forms of UTF-8 that CPython's refuses, so what holds in one need not hold in the other.
"""

import json
import os
import random
import subprocess
from pathlib import Path

import wsframes

from pilotwire import build, runtime

_LIB = Path(__file__).parents[3] / "lib" / "wsclient"

_DECODE = r"""
def decode(data, step):
    decoder = Decoder(3000, 256)
    out = []
    at = 0
    try:
        while True:
            event = decoder.event()
            if event:
                kind, payload = event
                out.append([kind, payload.hex() if isinstance(payload, bytes) else payload])
                if kind == 8:
                    return out
                continue
            if at == len(data):
                return out
            space = decoder.space()
            n = min(step, len(space), len(data) - at)
            space[:n] = data[at : at + n]
            del space
            decoder.received(n)
            at += n
    except WebSocketError as error:
        return out + [error.args[0]]
"""

_CHILD = (
    "import json, sys\nfrom wsframes import Decoder, WebSocketError\n"
    + _DECODE
    + r"""
with open(sys.argv[1]) as file:
    for line in file:
        text, step = line.split()
        print(json.dumps(decode(bytes.fromhex(text), int(step))))
"""
)

_UTF8 = [bytes.fromhex(h) for h in "80 8f 90 9f a0 bf c0 c1 c2 df e0 ed ef f0 f4 f5 f8 ff 00 7f".split()]
_UTF8 += [c.encode() for c in "aé€𝄞\ud7ff\ue000\U0010ffff"]


def stream(rng: random.Random) -> bytes:
    """A few frames, mostly in order, with text that is mostly good or only just not."""
    out, inside = b"", False
    for _ in range(rng.randrange(1, 7)):
        good = rng.random() < 0.7
        payload = b"".join(rng.choice(_UTF8[-7:] if good else _UTF8) for _ in range(rng.randrange(12)))
        if rng.random() < 0.3:
            payload = b"x" * rng.choice((110, 126, 250, 400, 1500)) + payload
        if rng.random() < 0.15:
            first = rng.choice((0x88, 0x89, 0x8A))
            payload = payload[-rng.randrange(1, 125) :]
            if first == 0x88:
                payload = rng.choice((1000, 1005, 1011, 2999, 3000)).to_bytes(2, "big") + payload[:100]
        else:
            fin = rng.random() < 0.5
            first = (0 if inside else rng.choice((1, 1, 2))) | 0x80 * fin
            inside = not fin
        if rng.random() < 0.03:
            first ^= 1 << rng.randrange(8)
        n = len(payload)
        out += bytes((first, n)) if n < 126 else bytes((first, 126)) + n.to_bytes(2, "big")
        out += payload
    return out


def test_both_interpreters_agree(tmp_path):
    rng = random.Random(6455)
    runs = [(stream(rng), rng.choice((1, 2, 3, 50, 251, 5000))) for _ in range(4000)]
    (tmp_path / "runs").write_text("".join(f"{data.hex()} {step}\n" for data, step in runs))
    (tmp_path / "child.py").write_text(_CHILD)
    for name in ("wsframes", "wsrules"):  # compiled: the rules are loaded for each frame
        path = _LIB / f"{name}.py"
        (tmp_path / f"{name}.mpy").write_bytes(build.compile_module(path, path.name, ("-O3",)))
    child = subprocess.run(
        [*runtime.micropython(), str(tmp_path / "child.py"), str(tmp_path / "runs")],
        env={**os.environ, "MICROPYPATH": f"{tmp_path}:.frozen"},
        capture_output=True,
        timeout=60,
        check=True,
    )
    here: dict = {"Decoder": wsframes.Decoder, "WebSocketError": wsframes.WebSocketError}
    exec(_DECODE, here)
    got = [json.loads(line) for line in child.stdout.decode().splitlines()]
    assert len(got) == len(runs)
    codes = set()
    for (data, step), theirs in zip(runs, got, strict=True):
        ours = json.loads(json.dumps(here["decode"](data, step)))
        assert theirs == ours, (data.hex(), step)
        codes.add(ours[-1] if ours and isinstance(ours[-1], int) else 0)
    assert codes == {0, 1002, 1007, 1009}  # the runs reach what they are for
