# Cold: the part of a diagnostics file with the connectors.
import json


def parts(box, start, stop, hidden):
    """Lines of JSON."""
    for k, outlet in enumerate(box.outlets):
        cycles, hours = box.board.wear(k)
        evse, c = outlet.evse, box.ocpp.connectors[k]
        tx = c.transaction
        values = c.number, c.status, evse.state, evse.fault, evse.faults.latched, evse.energy_wh, evse.offered_ma, tx and tx.id
        yield (
            '{"connector": %s, "status": %s, "state": %s, "fault": %s, "latched": %s, "energy_wh": %s, "offered_ma": %s, '
            '"transaction": %s}' % tuple([json.dumps(value) for value in values])
        )
        yield '{"contactor": %d, "cycles": %d, "hours": %d}' % (c.number, cycles, hours)
        for slot, ma, reason in evse.limits.items():
            said = slot, c.number, json.dumps(ma), json.dumps(reason)
            yield '{"limit": "%s", "connector": %d, "ma": %s, "reason": %s}' % said
