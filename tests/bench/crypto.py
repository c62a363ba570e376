"""Signatures in the Unix port, step by step; run by pilotwire.bench.security.

Prints one line of JSON: {job: [microseconds in all, of the longest step]}, each step at its fastest.
"""

import gc
import json
import time
from binascii import unhexlify
from hashlib import sha256

import p256
import p256key
import rsa
import steps
from certificates import PKCS1_3072, RSA_3072, SIGNED

_ROUNDS = 9
DIGEST = sha256(SIGNED).digest()


def measured(make):
    fastest = []  # of each step: another process that gets its turn in the midst of one is not meant
    for _ in range(_ROUNDS):
        gc.collect()
        gc.disable()  # a collection would be the longest step
        job, at = make(), 0
        try:
            while True:
                start = time.ticks_us()
                next(job)
                took = time.ticks_diff(time.ticks_us(), start)
                if at == len(fastest):
                    fastest.append(took)
                fastest[at] = min(fastest[at], took)
                at += 1
        except StopIteration as end:
            assert end.value
        gc.enable()
    return [sum(fastest), max(fastest)]


key = steps.run(p256key.generate())
signature = steps.run(p256key.sign(key.secret, DIGEST))
modulus = int.from_bytes(unhexlify("".join(RSA_3072)), "big")
found = {
    "p256_generate": measured(p256key.generate),
    "p256_sign": measured(lambda: p256key.sign(key.secret, DIGEST)),
    "p256_verify": measured(lambda: p256.verify(key.point, DIGEST, signature)),
    "rsa3072_verify": measured(lambda: rsa.verify(modulus, 65537, unhexlify("".join(PKCS1_3072)), DIGEST)),
}
print(json.dumps(found))
