"""The ledger after every cut: each flash operation of a run is left out, or torn, and booted from.

What must hold after a cut is what the caller had been told before it: every record whose append
returned is there, once, with its payload; a done that returned stays done; what was under way at
the cut is either there or not; ids only rise.
"""

import importlib.util
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger import DONE, LIVE, REFUSED, Ledger, LedgerFull

# By path: the folder of the virtual board holds stand-ins that must not shadow CPython's modules.
_NOR = Path(__file__).parents[3] / "boards" / "virtual" / "nor.py"
_SPEC = importlib.util.spec_from_file_location("nor", _NOR)
assert _SPEC and _SPEC.loader
nor = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(nor)

DROPPABLE = 9
# ("comb", 15) hits the done markers, and nothing else, of all records that a torn erase runs over.
_TEARS = [("bits", 1), ("bytes", 16), ("comb", 15), ("tail", 16)]
TEARS_PROGRAM = [*_TEARS, ("bytes", 1), ("bytes", 9), ("bytes", 13), ("bytes", 40), ("bits", 2), ("bits", 3)]
TEARS_ERASE = [*_TEARS, ("weak",), ("bytes", 2000), ("tail", 2000)]


def boot(image, weak=()):
    """A ledger over a copy of an image (bytes), and its chip."""
    chip = nor.Nor(bytearray(image))
    chip.weak = set(weak)
    return open_ledger(chip), chip


def open_ledger(chip):
    return Ledger(nor.Region(chip, 0, chip.size // nor.SECTOR), droppable=(DROPPABLE,))


class Truth:
    """What a caller knows: filled from the calls that returned and the one that did not."""

    def __init__(self):
        self.written = {}  # id: (kind, payload)
        self.done = {}  # id: state
        self.marred = set()  # ids of which a refused marker was cut: may read refused once they are done
        self.pending_append = None  # (kind, payload) of an append that was cut
        self.pending_done = None  # (id, state)

    def check(self, ledger):
        """Compare all that a ledger yields; a record of a cut append becomes a known one."""
        seen = list(ledger.records())
        ids = [record[0] for record in seen]
        assert ids == sorted(set(ids))
        for id, kind, payload, state in seen:
            if id not in self.written:
                assert (kind, bytes(payload)) == self.pending_append
                assert id > max(self.written, default=0)
                assert state == LIVE
                self.written[id] = self.pending_append
                self.pending_append = None
            assert (kind, bytes(payload)) == self.written[id]
            if self.pending_done and self.pending_done[0] == id:
                if state:
                    self.done[id] = state
                if self.pending_done[1] == REFUSED:
                    self.marred.add(id)
            elif id in self.marred and self.done.get(id):
                assert state
            else:
                assert state == self.done.get(id, LIVE)
        for id, (kind, _) in self.written.items():
            assert id in ids or kind == DROPPABLE or self.done.get(id), "lost"
        self.pending_append = self.pending_done = None
        live = [record[0] for record in ledger.records(live=True)]
        assert live == [record[0] for record in seen if record[3] == LIVE]
        return seen

    def append(self, ledger, kind, payload, shared=0):
        self.pending_append = (kind, payload)
        id = ledger.append(kind, payload, shared)
        self.pending_append = None
        assert id > max(self.written, default=0)
        self.written[id] = (kind, payload)
        return id

    def finish(self, ledger, id, refused=False):
        state = REFUSED if refused else max(DONE, self.done.get(id, LIVE))
        self.pending_done = (id, state)
        ledger.done(id, refused)
        self.pending_done = None
        self.done[id] = state

    def copy(self):
        twin = Truth()
        twin.written, twin.done = dict(self.written), dict(self.done)
        twin.marred = set(self.marred)
        twin.pending_append, twin.pending_done = self.pending_append, self.pending_done
        return twin


def session(truth, ledger, rounds, seed=1):
    """Transactions as a wallbox has them: yields before every call that may touch the flash."""
    rng = random.Random(seed)
    queue = []
    for n in range(rounds):
        kind = DROPPABLE if n % 11 == 5 else n % 3 + 1
        payload = rng.randbytes(rng.choice([0, 1, 16, 60, 75, 200, 240, 241, 700]))
        yield ("append", kind, payload)
        queue.append(truth.append(ledger, kind, payload))
        if n % 13 == 12:
            yield ("prepare",)
            ledger.prepare(1 + n % 2)
        if len(queue) > 3 and n % 4 != 1:  # online: all but the newest go out
            while len(queue) > n % 3:
                id = queue.pop(0 if n % 5 else len(queue) // 2)
                yield ("done", id, n % 7 == 6)
                truth.finish(ledger, id, n % 7 == 6)


def record(sectors, rounds, seed=1, session=session):
    """Run a session; returns (blank image, operations, [(operations before the call, truth)])."""
    blank = b"\xff" * (sectors * nor.SECTOR)
    ledger, chip = boot(blank)
    chip.record = []
    truth, calls = Truth(), []
    for call in session(truth, ledger, rounds, seed):
        before = truth.copy()
        if call[0] == "append":
            before.pending_append = call[1:]
        if call[0] == "done":
            before.pending_done = (call[1], REFUSED if call[2] else DONE)
        calls.append((len(chip.record), before))
    calls.append((len(chip.record), truth.copy()))
    assert chip.erases > 2 * sectors, "the ring must have wrapped"
    return blank, chip.record, calls


def images(blank, ops, variants=None):
    """Yield (n, tear, image, weak sectors) for each n operations done and operation n torn."""
    chip = nor.Nor(bytearray(blank))
    seen = set()
    for n in range(len(ops) + 1):
        tears = [None]
        if n < len(ops):
            tears += TEARS_ERASE if ops[n][0] == "erase" else TEARS_PROGRAM
            tears += variants(ops[n]) if variants else []
        for tear in tears:
            twin = nor.Nor(bytearray(chip._bytes))
            twin.weak = set(chip.weak)
            if tear:
                twin.tear(ops[n], tear)
            key = hash((bytes(twin._bytes), frozenset(twin.weak)))
            if tear is None or key not in seen:  # a tear may equal the next whole step, of which more is known
                seen.add(key)
                yield n, tear, bytes(twin._bytes), twin.weak
        if n < len(ops):
            chip.apply(ops[n])


def truth_at(calls, n):
    """What the caller knew when operation n was cut: the last call that began at or before it."""
    for first, truth in reversed(calls):
        if first <= n:
            return truth.copy()
    raise AssertionError(n)


def carry_on(truth, ledger, chip):
    """After a cut life goes on: nothing of it may need what the cut has damaged."""
    for size in (30, 300, 0):
        truth.append(ledger, 4, bytes(size))
        ledger.prepare()
    for n in range(3):
        truth.append(ledger, 4, b"same" + bytes([n]) * 20, 4)
    live = [record[0] for record in ledger.records(live=True)]
    for id in live[:-1]:
        truth.finish(ledger, id)
    ledger, _ = boot(chip._bytes, chip.weak)
    truth.check(ledger)
    return ledger


def run_cuts(sectors, rounds, seed=1, variants=None, session=session):
    blank, ops, calls = record(sectors, rounds, seed, session)
    count = 0
    for n, tear, image, weak in images(blank, ops, variants):
        truth = truth_at(calls, n)
        ledger, chip = boot(image, weak)
        try:
            truth.check(ledger)
            carry_on(truth, ledger, chip)
        except BaseException:
            print("cut at", n, "of", len(ops), ops[n][:2] if n < len(ops) else "", "torn", tear)
            raise
        count += 1
    return count


# req: TX-07
def test_every_cut_and_tear_of_a_run_that_wraps():
    assert run_cuts(4, 150) > 1000


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(2, 5))
def test_every_cut_and_more_tears_of_longer_runs(seed):
    run_cuts(2 + seed, 90 * seed, seed, more_tears)


def more_tears(op):
    if op[0] == "erase":
        return [("bits", k) for k in range(5, 12)] + [("bytes", k) for k in range(0, 4096, 256)]
    size = len(op[2])
    prefixes = [("bytes", k) for k in range(min(size, 64))]
    return prefixes + [("bytes", k) for k in range(64, size, 33)] + [("bits", k) for k in range(4, 10)]


def test_bits_that_a_cut_left_weak_are_programmed_again_at_the_start():
    fade(4, 150)


def fade(sectors, rounds, session=session):
    """All of a cut program can be read at the first start, and nothing of it at the second one."""
    blank, ops, calls = record(sectors, rounds, session=session)
    chip = nor.Nor(bytearray(blank))
    for n, op in enumerate(ops):
        faded = nor.Nor(bytearray(chip._bytes))
        chip.apply(op)
        if op[0] == "erase":
            continue
        truth = truth_at(calls, n)
        doubtful = truth.pending_done and truth.pending_done[0]  # its marker may come and go
        twin = nor.Nor(bytearray(chip._bytes))
        twin.record = []
        ledger = open_ledger(twin)
        truth.check(ledger)
        for _ in range(3):
            truth.append(ledger, 5, bytes(1500))
        for again in twin.record:  # what this start and the appends programmed is there to stay
            faded.apply(again)
        wanted = [record for record in ledger.records(live=True) if record[0] != doubtful]
        assert [r for r in open_ledger(faded).records(live=True) if r[0] != doubtful] == wanted, (n, op[:2])


# Random lives: calls, restarts and cuts in any order, starts that are cut themselves.

CALLS = st.one_of(
    st.tuples(st.just("append"), st.sampled_from([1, 2, DROPPABLE]), st.integers(0, 900)),
    st.tuples(st.just("append"), st.sampled_from([1, 2]), st.sampled_from([0, 240, 241, 2048])),
    st.tuples(st.just("done"), st.integers(0, 5), st.booleans()),
    st.tuples(st.just("done"), st.integers(0, 5), st.just(False)),
    st.tuples(st.just("traffic"), st.integers(1, 40), st.integers(0, 400)),
    st.tuples(st.just("samples"), st.integers(1, 60), st.sampled_from([1, 12, 18, 22, 127]), st.booleans()),
    st.tuples(st.just("drain"), st.integers(1, 30)),
    st.tuples(st.just("prepare"), st.integers(1, 3)),
    st.tuples(st.just("restart")),
    st.tuples(st.just("cut"), st.integers(0, 6), st.sampled_from([None, *TEARS_PROGRAM, *TEARS_ERASE])),
)


def append(truth, ledger, kind, payload, shared=0):
    """Append if there is room; being full is right only when free() says so."""
    room = ledger.free()
    try:
        return truth.append(ledger, kind, payload, shared)
    except LedgerFull:
        truth.pending_append = None
        assert room < len(payload) + 32
        return None


def live(calls: list, sectors: int):
    truth = Truth()
    chip = nor.Nor(bytearray(b"\xff" * (sectors * nor.SECTOR)))
    ledger = None
    script: list[tuple] = [("restart",), *calls, ("restart",)]
    for n, call in enumerate(script):
        try:
            if call[0] == "restart" or ledger is None:
                ledger = None
                ledger = open_ledger(chip)
                truth.check(ledger)
            if call[0] == "append":
                append(truth, ledger, call[1], bytes([n & 0xFF]) * call[2])
            elif call[0] == "traffic":  # each delivered while the next one is written
                last = None
                for _ in range(call[1]):
                    id = append(truth, ledger, 3, bytes(call[2]))
                    if last:
                        truth.finish(ledger, last)
                    last = id
            elif call[0] == "samples":  # of two transactions in turns, or of one
                for k in range(call[1]):
                    transaction = k // 9 & 1 if call[3] else 0
                    append(truth, ledger, DROPPABLE, b"\x01transact%d" % transaction + bytes([k]) * call[2], 10)
            elif call[0] in ("done", "drain"):
                for record in list(ledger.records(live=True))[: call[1] if call[0] == "drain" else None]:
                    if call[0] == "drain":
                        truth.finish(ledger, record[0])
                    elif record[0] % 6 == call[1]:
                        truth.finish(ledger, record[0], call[2])
                        break
            elif call[0] == "prepare":
                ledger.prepare(call[1])
            elif call[0] == "cut":
                chip.cut(call[1], call[2])
        except nor.PowerCut:
            weak, chip = chip.weak, nor.Nor(chip._bytes)
            chip.weak = weak
            ledger = None
    chip.cut(-1)
    ledger = open_ledger(chip)
    truth.check(ledger)
    carry = [record[0] for record in ledger.records(live=True)]
    for id in carry:
        truth.finish(ledger, id)
    assert ledger.free() >= (sectors - 2) * (nor.SECTOR - 16)
    assert truth.check(boot(chip._bytes, chip.weak)[0]) is not None


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(CALLS, min_size=10, max_size=60), st.integers(3, 4))
def test_random_lives(calls, sectors):
    live(calls, sectors)


@pytest.mark.exhaustive
@settings(max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(CALLS, max_size=150), st.integers(3, 6))
def test_many_random_lives(calls, sectors):
    live(calls, sectors)
