"""Joined records of the ledger after every cut: the harness and what must hold are in test_ledger_cuts.py."""

import importlib.util
import random
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location("ledger_cuts", Path(__file__).with_name("test_ledger_cuts.py"))
assert _SPEC and _SPEC.loader
cuts = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(cuts)

SHARED = 8
SAMPLE = 5
SIZES = [1, 12, 13, 18, 22, 60, 127]
TEARS = [("bytes", 2), ("bytes", 5), ("tail", 1), ("tail", 5), ("comb", 1), ("bits", 7)]


def session(truth, ledger, rounds, seed=1):
    """Samples of transactions, delivered one by one or late and out of turn; large records turn the ring."""
    rng = random.Random(seed)
    queue = []
    for n in range(rounds):
        if n % 6 == 3:
            kind, payload, shared = 1, rng.randbytes(rng.choice([900, 1500, 1800])), 0
        else:
            kind = cuts.DROPPABLE if n // 25 % 3 == 2 else SAMPLE
            payload, shared = b"tx%06d" % (n // 17) + rng.randbytes(rng.choice(SIZES)), SHARED
        yield ("append", kind, payload)
        queue.append(truth.append(ledger, kind, payload, shared))
        if n % 31 == 30:
            yield ("prepare",)
            ledger.prepare()
        late = 1 if n // 40 % 2 else 14
        while len(queue) > late:
            id = queue.pop(0 if n % 5 else len(queue) // 2)
            yield ("done", id, n % 7 == 6)
            truth.finish(ledger, id, n % 7 == 6)


def tears(op):
    return TEARS if op[0] == "program" else []


# req: TX-07
@pytest.mark.exhaustive
def test_every_cut_and_tear_of_samples_in_a_ring_that_wraps():
    assert cuts.run_cuts(4, 150, variants=tears, session=session) > 1000


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(2, 4))
def test_every_cut_and_more_tears_of_more_samples(seed):
    cuts.run_cuts(3 + seed, 120 * seed, seed, cuts.more_tears, session)


def test_bits_that_a_cut_left_weak_are_programmed_again_at_the_start():
    cuts.fade(4, 150, session)
