"""Signatures in the Unix port, step by step; run by pilotwire.bench.security.

Prints one line of JSON: {job: [microseconds in all, of the longest step]} of the fastest rounds, and the microseconds of the loop
that both know (see watch).
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
from watch import median_loop

_ROUNDS = 9
DIGEST = sha256(SIGNED).digest()


def measured(make):
    best = [1 << 30, 1 << 30]
    for _ in range(_ROUNDS):
        gc.collect()
        gc.disable()  # a collection would be the longest step
        total = longest = 0
        job = make()
        try:
            while True:
                start = time.ticks_us()
                next(job)
                took = time.ticks_diff(time.ticks_us(), start)
                total += took
                longest = max(longest, took)
        except StopIteration as end:
            assert end.value
        gc.enable()
        best = [min(best[0], total), min(best[1], longest)]
    return best


key = steps.run(p256key.generate())
signature = steps.run(p256key.sign(key.secret, DIGEST))
modulus = int.from_bytes(unhexlify("".join(RSA_3072)), "big")
found = {
    "p256_generate": measured(p256key.generate),
    "p256_sign": measured(lambda: p256key.sign(key.secret, DIGEST)),
    "p256_verify": measured(lambda: p256.verify(key.point, DIGEST, signature)),
    "rsa3072_verify": measured(lambda: rsa.verify(modulus, 65537, unhexlify("".join(PKCS1_3072)), DIGEST)),
    "loop": median_loop(),
}
print(json.dumps(found))
