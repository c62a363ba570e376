"""The same damaged certificates through lib/x509 in both interpreters: one verdict, in bounded time and heap."""

import importlib.util
import random
from pathlib import Path

import der
import x509

from pilotwire import runtime

_LIB = Path(__file__).parents[3] / "lib"
_SPEC = importlib.util.spec_from_file_location("x509_properties", Path(__file__).with_name("test_x509.py"))
assert _SPEC and _SPEC.loader
properties = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(properties)

_READ = r"""
def read(data):
    try:
        c = x509.parse(data)
    except der.DerError:
        return "-"
    key = c.key if isinstance(c.key, bytes) else repr(c.key).encode()
    fields = (c.digest, c.serial, c.issuer, c.subject, c.not_before, c.not_after, c.kind, c.bits, key, c.key_hash, c.ca,
        c.path_len, c.usage, c.names, c.algorithm, c.salt, c.signature, c.critical, (c.cn or "").encode(), (c.o or "").encode())
    return hashlib.sha256(repr(fields).encode()).digest().hex()
"""
_CHILD = "import sys, time, hashlib, der, x509\n" + _READ + r"""
longest = 0
with open(sys.argv[1]) as file:
    for line in file:
        data = bytes.fromhex(line.strip())
        start = time.ticks_us()
        text = read(data)
        longest = max(longest, time.ticks_diff(time.ticks_us(), start))
        print(text)
print(longest)
"""


def test_both_interpreters_agree(tmp_path):
    rng = random.Random(5280)
    samples = properties.samples()
    inputs = samples + [properties.mutate(rng.choice(samples), rng) for _ in range(6000)]
    (tmp_path / "inputs").write_text("".join(f"{data.hex()}\n" for data in inputs))
    (tmp_path / "child.py").write_text(_CHILD)
    child = runtime.run(
        [tmp_path / "child.py", tmp_path / "inputs"],
        heap=64 * 1024,  # nothing that an input says makes it grow
        path=[_LIB / "x509", _LIB / "iso8601"],
    )
    assert child.returncode == 0, child.stdout[-2000:]
    *got, longest = child.stdout.split()
    assert len(got) == len(inputs)
    here: dict = {"x509": x509, "der": der, "hashlib": __import__("hashlib")}
    exec(_READ, here)
    for data, theirs in zip(inputs, got, strict=True):
        assert theirs == here["read"](data), data.hex()
    assert sum(one == "-" for one in got) > 3000
    assert int(longest) < 1_000_000  # µs; a loop that an input could prolong would take far longer


