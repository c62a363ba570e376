# Cold: the part of a diagnostics file that says how the charger is now: versions, counters, connectors, flash.
#
# Templates rather than dicts: short strings of a program, such as keys, stay in RAM for ever.
import gc
import json
import sys

import isoformat


def parts(box, start, stop, hidden):
    """Lines of JSON."""
    ocpp, kept = box.ocpp, box.log.kept
    yield _line(
        '{"pilotwire": "diagnostics", "format": 1, "charger": %s, "version": %s, "slot": %s, "micropython": %s, "time": %s, '
        '"uptime_s": %s, "start": %s, "reset": %s, "from": %s, "to": %s}',
        box.settings.get("ChargePointId"),
        ocpp.version,
        box.slot,
        sys.version,
        _time(box.clock.utc()),
        box.clock.uptime_s(),
        ocpp.transactions.boot,
        box.board.reset_cause,
        _time(start),
        _time(stop),
    )
    yield _line(
        '{"counters": {"registration": %s, "online": %s, "queued": %s, "refused": %s, "unreadable": %s, '
        '"connection_failures": %s, "link_drops": %s, "errors": %s, "log_lost": %s, "settings_damaged": %s}, '
        '"heap": {"used": %s, "free": %s}}',
        ocpp.registration,
        ocpp.online,
        ocpp.transactions.queued,
        ocpp.transactions.refused,
        ocpp.rpc.invalid,
        box.connection.failures,
        ocpp.link.drops,
        box.log.errors,
        kept.lost if kept else 0,
        box.settings.damaged,
        gc.mem_alloc(),
        gc.mem_free(),
    )
    for k, outlet in enumerate(box.outlets):
        yield _connector(outlet.evse, ocpp.connectors[k], box.board.wear(k))
    tx = ocpp.transactions
    yield _flash("journal", tx.journal)
    yield _flash("samples", tx.samples)
    yield _flash("meters", tx.meters)
    if kept:
        yield _flash("log", kept.ledger)


def _connector(evse, c, wear):
    tx = c.transaction
    limits = [_line('{"slot": %s, "ma": %s, "reason": %s}', *limit) for limit in evse.limits.items()]
    return _line(
        '{"connector": %s, "status": %s, "state": %s, "fault": %s, "latched": %s, "energy_wh": %s, "offered_ma": %s, '
        '"cycles": %s, "hours": %s, "transaction": %s, "limits": [',
        c.number,
        c.status,
        evse.state,
        evse.fault,
        evse.faults.latched,
        evse.energy_wh,
        evse.offered_ma,
        wear[0],
        wear[1],
        tx and tx.id,
    ) + ", ".join(limits) + "]}"  # fmt: skip


def _flash(name, ledger):
    return _line(
        '{"flash": %s, "erases": %s, "programs": %s, "corrupt": %s, "dropped": %s, "free": %s, "waiting": %s}',
        name,
        ledger.erases,
        ledger.programs,
        ledger.corrupt,
        ledger.dropped,
        ledger.free(),
        ledger.waiting(),
    )


def _line(template, *values):
    return template % tuple([json.dumps(value) for value in values])


def _time(utc):
    return None if utc is None else isoformat.format(utc)
