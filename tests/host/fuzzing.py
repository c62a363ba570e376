"""Inputs that nobody would send, for the parsers of the firmware: mutations of good ones, and noise.

    for data in mutations(random.Random(1), [b"[2,..."], JSON_WORDS): ...
"""

import json
import random
from collections.abc import Iterator, Sequence

from pilotwire import schemas

_MOST = 20_000
JSON_WORDS = [b'"', b"{", b"}", b"[", b"]", b",", b":", b"null", b"true", b"1e999", b"-", b"0.1"]
JSON_WORDS += [b"\\u0000", b"\\ud800", b"99999999999999999999"]
DER_WORDS = [b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", b"\x02\x00", b"\x06\x01\x80", b"\xa3\x03"]
DER_WORDS += [b"\x30\x82\x00\x01", b"\x1f\x81"]
TEXT_WORDS = [b"\r\n", b"\n", b":", b" ", b"%00", b"%", b"://", b"@", b"chunked", b"-1", b"9" * 20, b"\xff", b"220-"]


def mutate(rng: random.Random, data: bytes, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """One to five changes of `data`."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 5)):
        at = rng.randint(0, len(out))
        choice = rng.randrange(8)
        if choice == 0 and out:
            out[at % len(out)] ^= 1 << rng.randrange(8)
        elif choice == 1 and out:
            out[at % len(out)] = rng.randrange(256)
        elif choice == 2:
            del out[at : at + rng.randint(1, 30)]
        elif choice == 3:
            out[at:at] = out[at : at + rng.randint(1, 200)] * rng.randint(1, 20)
        elif choice == 4:
            out[at:at] = rng.choice(words)
        elif choice == 5:
            out[at : at + rng.randint(0, 12)] = rng.choice(words)
        elif choice == 6:
            other = rng.choice(others)
            start = rng.randint(0, len(other))
            out[at:] = other[start:]
        else:
            out[at:at] = rng.randbytes(rng.randint(1, 40))
    return bytes(out[:_MOST])


def mutations(rng: random.Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> Iterator[bytes]:
    """Inputs without end: mutated seeds, now and then mutated twice, now and then noise."""
    last = seeds[0]
    while True:
        kind = rng.randrange(20)
        if kind == 0:
            yield rng.randbytes(rng.randint(0, 300))
            continue
        last = mutate(rng, last if kind < 5 else rng.choice(seeds), seeds, words)
        yield last


def messages() -> list[bytes]:
    """A CALL of each action, as its schema wants it, and answers."""
    found = []
    for action, schema in schemas.load().items():
        if action in schemas.RECEIVED:
            found.append(json.dumps([2, "u", action, example(schema, schema.get("definitions", {}))]).encode())
    return [*found, b'[3,"1",{}]', b'[4,"1","NotSupported","",{}]', b'[3,"1",{"currentTime":"2026-11-22T10:00:00Z"}]']


def example(schema, definitions):
    """Something that a schema takes."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema["type"]
    if kind == "object":
        return {name: example(inner, definitions) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [example(schema["items"], definitions)]
    if kind == "string":
        return "2026-11-22T10:00:00Z" if schema.get("format") == "date-time" else "x"
    return {"integer": 1, "number": 1.5, "boolean": True}[kind]
