# Cold: builds the tx-related message at the head of the queue from its record, and marks what was delivered.
#
# What is sent is told by a tuple (kind, record, ref, connector, tag); see ocpp16.transactions for the records.
import json
from struct import pack, unpack_from

from ocpp16.meter_values import sampled_values
from ocpp16.transactions import ANSWER, BOOT, DATA, REASONS, SAMPLE, START, STOP, TIME, UPTIME
import iso8601

_VERSION = 1
_NO_RESERVATION = -1 << 63


def next_message(t):
    """(action, payload, what it is) of what Transactions `t` has to deliver next, or None."""
    rec = kind = data = None
    for rec, kind, data, _ in t.journal.records(t.after, True):
        if kind == STOP or (kind == START and rec not in t.ids):
            break
        t.after = rec
    else:
        rec = None
    for sample, what, packed, _ in t.samples.records(t.sampled, True):
        if rec is not None and unpack_from("<I", packed, 1)[0] >= rec:
            break  # it was taken later
        if what == SAMPLE:
            return _meter_values(t, sample, packed)
        t.sampled = sample
    if rec is None:
        return None
    return _start(t, rec, data) if kind == START else _stop(t, rec, data)


def start_of(data):
    """(stamp, connector, meter, reservationId or None, tag) of a START record."""
    _, stamp, connector, wh, reservation = unpack_from("<BIBIq", data)
    return stamp, connector, wh, None if reservation == _NO_RESERVATION else reservation, bytes(data[18:]).decode()


def _start(t, rec, data):
    stamp, connector, wh, reservation, tag = start_of(data)
    payload = {
        "connectorId": connector,
        "idTag": tag,
        "meterStart": wh,
        "timestamp": timestamp(t, rec, stamp),
    }
    if reservation is not None:
        payload["reservationId"] = reservation
    return "StartTransaction", payload, (START, rec, rec, connector, tag)


def _meter_values(t, rec, data):
    at = 5 + 4 * len(t.open)
    connector, stamp = unpack_from("<BI", data, at)
    ref = unpack_from("<I", data, 1 + 4 * connector)[0]
    stamp = timestamp(t, unpack_from("<I", data, 1)[0], stamp)
    values = sampled_values(data, at + 5)
    payload = {"connectorId": connector, "meterValue": [{"timestamp": stamp, "sampledValue": values}]}
    if ref:
        payload["transactionId"] = _id_of(t, ref)
    return "MeterValues", payload, (SAMPLE, rec, ref, connector, None)


def _stop(t, rec, data):
    _, ref, stamp, connector, wh, reason = unpack_from("<BIIBIB", data)
    payload = {
        "transactionId": _id_of(t, ref),
        "meterStop": wh,
        "timestamp": timestamp(t, rec, stamp),
        "reason": REASONS[reason],
    }
    tag = None
    if len(data) > 15:
        tag = payload["idTag"] = bytes(data[15:]).decode()
    data = kept(t, ref, connector)
    if data:
        payload = _with_data(t, payload, data)
    return "StopTransaction", payload, (STOP, rec, ref, connector, tag)


def _with_data(t, payload, records):
    """The pieces of a StopTransaction with transactionData, thinned out in the middle where it is too much (MV-03, MV-04)."""
    yield json.dumps(payload)[:-1] + ',"transactionData":['
    most = t.settings.get("StopTransactionMaxMeterValues")
    at = 5 + 4 * len(t.open)
    n, share = len(records), -1
    for i, rec in enumerate(records):
        k = i * (most - 1) // (n - 1) if n > most else i
        if k != share:
            for _, _, data, _ in t.samples.records(rec - 1):
                break
            stamp = timestamp(t, unpack_from("<I", data, 1)[0], unpack_from("<I", data, at + 1)[0])
            entry = json.dumps({"timestamp": stamp, "sampledValue": sampled_values(data, at + 5)})
            yield "," + entry if i else entry
        share = k
    yield "]}"


def kept(t, ref, connector):
    """The ids of the DATA records of a transaction."""
    found = []
    at = 5 + 4 * len(t.open)
    for rec, kind, data, _ in t.samples.records(0, True):
        if kind == DATA and data[at] == connector and unpack_from("<I", data, 1 + 4 * connector)[0] == ref:
            found.append(rec)
    return found


def _id_of(t, ref):
    return t.ids[ref][0] if ref in t.ids else -1  # TX-05


def timestamp(t, rec, stamp):
    """The ISO 8601 time of a stamp that was made after journal record `rec` (J-TIME-01)."""
    if stamp & UPTIME:
        start = t.clock.utc() - t.clock.uptime_s()
        if rec < t.boot:
            stamp = _utc_of(t, rec, stamp & ~UPTIME, start)
        else:
            stamp = start + (stamp & ~UPTIME)
    return iso8601.format(stamp)


def _utc_of(t, rec, uptime, start):
    """UTC at an uptime of an earlier start than this one, which began at `start`."""
    for _, kind, data, _ in t.journal.records(rec):
        if kind == TIME:  # written once the clock was known
            return unpack_from("<I", data, 1)[0] + uptime
        if kind == BOOT:
            break
    return start  # never known: all that is sure is that it was before this start


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
