# Cold: marks the tx-related message that was delivered, or given up; what it was tells the tuple of ocpp16.messages.
from struct import pack

from ocpp16.records import kept
from ocpp16.transactions import ANSWER, SAMPLE, START

_VERSION = 1


def settled(t, head, answer, error):
    """What was sent is answered, or given up; (ref or None, tag, idTagInfo) if the answer has one."""
    kind, rec, ref, connector, tag = head
    if kind == SAMPLE:
        t.samples.done(rec)  # refused ones too: what is not delivered yet comes first when room is needed
    elif kind == START:
        number = answer["transactionId"] if answer else -1
        t.last = t.journal.append(ANSWER, pack("<BIq", _VERSION, ref, number))
        t.ids[ref] = (number, t.last)
        for tx in t.open:
            if tx and tx.ref == ref:
                tx.id = number
        if answer:
            return ref, tag, answer["idTagInfo"]
    else:
        number, answered = t.ids.pop(ref, (-1, None))
        # In this order, so that recovery can tell what is left to do: Stop, its data, Answer, Start.
        t.journal.done(rec, bool(error))
        for sample in kept(t, ref, connector):
            t.samples.done(sample)
        if answered is not None:
            t.journal.done(answered)
        t.journal.done(ref, number == -1)
        if answer and tag and "idTagInfo" in answer:  # TX-21
            return None, tag, answer["idTagInfo"]
    return None
