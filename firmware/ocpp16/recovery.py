# Cold: what was left on flash at a start, and messages that the central system refused for good.
from struct import pack, unpack_from

from ocpp16.records import kept, start_of
from ocpp16.transactions import ANSWER, REQUEUED, SAMPLE, START, STOP, Transaction
from ledger import REFUSED

_VERSION = 1


def recover(t):
    """Rebuild the state of Transactions `t` from its ledgers, and mend what a cut left half done."""
    while _scan(t):
        pass
    at = 5 + 4 * len(t.open)
    for _, kind, data, _ in t.samples.records(0, True):
        connector, stamp = unpack_from("<BI", data, at)
        _touch(t, stamp, connector)
        t.queued += kind == SAMPLE
    for rec, kind, data, _ in t.meters.records(0, True):
        if t.register_id is not None:
            t.meters.done(t.register_id)
        t.register_id = rec
        for c in range(min(len(t.registers), (len(data) - 5) // 4)):
            _saw(t, c + 1, unpack_from("<I", data, 5 + 4 * c)[0])
            _touch(t, unpack_from("<I", data, 1)[0], c + 1)


def _scan(t):
    """The journal. True when a record had to be marked, and all begins again."""
    t.queued = 0
    t.ids.clear()
    for c in range(len(t.open)):
        t.open[c] = None
    marks = []
    for rec, kind, data, done in t.journal.records():
        if kind == START:
            stamp, connector, wh, reservation, tag = start_of(data)
            if connector <= len(t.open):
                tx = Transaction(rec, connector, tag, wh, stamp)
                tx.reservation = reservation  # type: ignore
                tx.live = not done  # type: ignore
                t.open[connector - 1] = tx
                _saw(t, connector, wh)
            t.queued += not done
        elif kind == STOP:
            _, ref, _, connector, wh = unpack_from("<BIIBI", data)
            tx = None
            if connector <= len(t.open):
                tx = t.open[connector - 1]
                t.open[connector - 1] = None
                _saw(t, connector, wh)
            if not done:
                t.queued += 1
            elif tx and tx.ref == ref and tx.live:  # then what belongs to it is to be marked as well, the Start last
                marks.append((ref, connector, t.ids.pop(ref, (0, None))[1]))
        elif kind == ANSWER and not done:
            _, ref, number = unpack_from("<BIq", data)
            t.ids[ref] = (number, rec)
            t.queued -= 1
            for tx in t.open:
                if tx and tx.ref == ref:
                    tx.id = number
    for ref, connector, answer in marks:
        for sample in kept(t, ref, connector):
            t.samples.done(sample)
        if answer is not None:
            t.journal.done(answer)
        t.journal.done(ref)
    return bool(marks)


def _saw(t, connector, wh):
    if wh > t.registers[connector - 1]:
        t.registers[connector - 1] = wh


def _touch(t, stamp, connector):
    """Something of a running transaction was written at `stamp`."""
    tx = t.open[connector - 1] if connector <= len(t.open) else None
    # A stamp without UTC is larger than any with: it is then of a later start or of the same.
    if tx and stamp > tx.stamp:
        tx.stamp = stamp


def requeue(t):
    """Queue again what was refused for good, as new records with the times and values of then; how many messages (TX-08)."""
    again = set()  # refs that had their turn already
    last = 0
    for last, kind, data, _ in t.journal.records():
        if kind == REQUEUED:
            again.add(unpack_from("<I", data, 1)[0])
    count = 0
    for rec, kind, data, state in t.journal.records():
        if rec > last:
            break
        if kind != STOP:
            continue
        ref = unpack_from("<I", data, 1)[0]
        if ref in again:
            continue
        start, start_state = _record(t, ref)
        if start_state == REFUSED:
            new = t.journal.append(START, start)
            t.queued += 1
            count += 1
        elif state == REFUSED:
            new = ref
            number = _answer(t, ref)
            t.ids[ref] = (number, t.journal.append(ANSWER, pack("<BIq", _VERSION, ref, number)))
        else:
            continue
        t.journal.append(STOP, pack("<BI", _VERSION, new) + data[5:])
        t.journal.done(t.journal.append(REQUEUED, pack("<BI", _VERSION, ref)))
        t.queued += 1
        count += 1
    return count


def _record(t, ref):
    for rec, kind, data, state in t.journal.records(ref - 1):
        if rec == ref and kind == START:
            return data, state
        break
    return None, None


def _answer(t, ref):
    for _, kind, data, _ in t.journal.records(ref):
        if kind == ANSWER and unpack_from("<I", data, 1)[0] == ref:
            return unpack_from("<q", data, 5)[0]
    return -1
