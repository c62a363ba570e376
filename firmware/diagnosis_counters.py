# Cold: the part of a diagnostics file that says how the charger is: counters and heap.
import gc
import json


def parts(box, start, stop, hidden):
    """A line of JSON."""
    ocpp, kept = box.ocpp, box.log.kept
    tx = ocpp.transactions
    values = (
        ocpp.registration,
        ocpp.online,
        tx.queued,
        tx.refused,
        ocpp.rpc.invalid,
        box.connection.failures,
        ocpp.link.drops,
        box.log.errors,
        kept.lost if kept else 0,
        box.settings.damaged,
        gc.mem_alloc(),
        gc.mem_free(),
    )
    yield (
        '{"counters": {"registration": %s, "online": %s, "queued": %s, "refused": %s, "unreadable": %s, '
        '"connection_failures": %s, "link_drops": %s, "errors": %s, "log_lost": %s, "settings_damaged": %s}, '
        '"heap": {"used": %s, "free": %s}}'
    ) % tuple([json.dumps(value) for value in values])
