# Cold: whether this start is good. On trial the third start that is not was the last of this version (see boot.py).
import cold


def judge(wallbox, alone):
    """The safety step has run for a while, and the central system accepts us, or has not answered for long (`alone`)."""
    ocpp = wallbox.ocpp
    if ocpp.accepted or not ocpp.trial:
        wallbox.proven = True
        try:
            cold.call(ocpp.slots, "prove", ocpp.store, wallbox.slot)  # by name: port.slots
            ocpp.trial = False
        except OSError as e:
            wallbox.log.error("app", "flash: %s" % e)
    elif alone and ocpp.registration is None and not any(ocpp.transactions.open):
        wallbox.log.error("app", "the new version does not reach the central system")
        wallbox.board.restart("trial")
    if wallbox.proven and ocpp.trial:
        wallbox.board.restart("trial")
