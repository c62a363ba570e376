# Cold: builds the tx-related message at the head of the queue from its record.
#
# What is sent is told by a tuple (kind, record, ref, connector, tag); see ocpp16.transactions for the records.
import json
from struct import unpack_from

import cold
from ocpp16.records import kept, start_of, timestamp
from ocpp16.transactions import SAMPLE, START, STOP


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
    from ocpp16.meter_values import sampled_values

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
        "reason": cold.call("ocpp16.journal", "reason_of", reason),
    }
    tag = None
    if len(data) > 15:
        tag = payload["idTag"] = bytes(data[15:]).decode()
    data = kept(t, ref, connector)
    if data:
        from ocpp16.meter_values import sampled_values  # not in the generator: it would stay loaded

        payload = _with_data(t, payload, data, sampled_values)
    return "StopTransaction", payload, (STOP, rec, ref, connector, tag)


def _with_data(t, payload, records, sampled_values):
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


def _id_of(t, ref):
    return t.ids[ref][0] if ref in t.ids else -1  # TX-05
