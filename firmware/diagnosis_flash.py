# Cold: the part of a diagnostics file that says what the flash has to bear.


def parts(box, start, stop, hidden):
    """Lines of JSON."""
    tx, kept = box.ocpp.transactions, box.log.kept
    for name, ledger in (("journal", tx.journal), ("samples", tx.samples), ("meters", tx.meters), ("log", kept and kept.ledger)):
        if ledger:
            counts = ledger.erases, ledger.programs, ledger.corrupt, ledger.dropped, ledger.free(), ledger.waiting()
            yield '{"flash": "%s", "erases": %d, "programs": %d, "corrupt": %d, "dropped": %d, "free": %d, "waiting": %d}' % (
                (name,) + counts
            )
