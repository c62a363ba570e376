# Cold: the line of JSON in which the app tells its state over the serial line: what a supervisor or a monitor reads.
import json

import isoformat


def line(wallbox, heap):
    ocpp = wallbox.ocpp
    connectors = []
    for outlet, c in zip(wallbox.outlets, ocpp.connectors):
        evse = outlet.evse
        tx = c.transaction
        connectors.append(
            {
                "status": c.status,
                "state": evse.state,
                "fault": evse.fault,
                "offered_ma": evse.offered_ma,
                "transaction": tx and {"id": tx.id, "tag": tx.tag, "start_wh": tx.start_wh},
                "limits": [{"slot": s, "ma": ma, "reason": r} for s, ma, r in evse.limits.items()],
            }
        )
    utc = wallbox.clock.utc()
    return json.dumps(
        {
            "version": ocpp.version,
            "slot": wallbox.slot,
            "boot": ocpp.transactions.boot,
            "registered": ocpp.registration,
            "online": ocpp.online,
            "queue": ocpp.transactions.queued,
            "connectors": connectors,
            "heap": heap,
            "utc": None if utc is None else isoformat.format(utc),
        },
        separators=(",", ":"),
    )
