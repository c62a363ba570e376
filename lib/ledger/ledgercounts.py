"""How much there is in a Ledger, which loads this for one call."""

from ledger import HEAD, SECTOR


def free(ledger):
    room = (SECTOR - ledger.pos) & -HEAD
    for sector, base in enumerate(ledger.bases):
        if base > ledger.base or (not base or base < ledger.base) and not ledger.live[sector]:
            room += SECTOR - HEAD
    return room


def waiting(ledger):
    count = 0
    for sector, base in enumerate(ledger.bases):
        if base:
            count += ledger.live[sector] + ledger.loose[sector]
    return count
