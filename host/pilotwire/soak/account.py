"""The central system's book against the meters: no Wh lost, none billed twice. Sans-I/O.

What the design allows to be in doubt: of a supply that fails, what the meter counted in the last minute (ocpp16.sampling writes
the registers once a minute); of a reset, 10 Wh (outlet.py); of each transaction, the fraction of a Wh at either end. What flows
between the order to stop and the contactor's opening is on the bill.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from pilotwire.csms.charger import Charger
from pilotwire.csms.transactions import Transaction

_MINUTE_MS = 62_000  # a minute, a tick, and the pulse that was due
_RESET_WH = 11
_PULSE_WH = 1


class Account:
    """What may be missing, as it adds up.

    Args:
        connectors: how many.

    Attributes:
        doubt: Wh per connector that may have been metered and not written down.
        seen: what the box said of its running transactions: (connector, tag, Wh at its start).
    """

    def __init__(self, connectors: int):
        self.doubt = [0.0] * connectors
        self.seen: set[tuple[int, str, int]] = set()
        self._past: list[tuple[int, list[float]]] = []
        self._restarts = 0

    def look(self, now_ms: int, metered: Sequence[float], running: Iterable[tuple[int, str, int]]) -> None:
        """The meters (Wh, ever) and what runs, now: to be called every few simulated seconds."""
        self.seen.update(running)
        self._past.append((now_ms, list(metered)))
        while len(self._past) > 1 and self._past[1][0] <= now_ms - _MINUTE_MS:
            del self._past[0]

    def failed(self, metered: Sequence[float]) -> None:
        """The supply has failed, or the program was killed."""
        before = self._past[0][1] if self._past else metered
        for k, wh in enumerate(metered):
            self.doubt[k] += wh - before[k] + 1
        self._past.clear()

    def reset(self) -> None:
        """It has started again by itself."""
        for k in range(len(self.doubt)):
            self.doubt[k] += _RESET_WH

    def judge(self, charger: Charger, metered: Sequence[float]) -> list[str]:
        """What is wrong, a sentence each, once everything has settled.

        Args:
            charger: with its book.
            metered: Wh that went through each meter since the box was new.
        """
        book = charger.book
        found = [f"a StopTransaction of no transaction: {payload}" for payload in book.unknown_stops]
        known: dict[int, list[Transaction]] = defaultdict(list)
        for transaction in book.by_id.values():
            found += _whole(transaction)
            known[transaction.connector].append(transaction)
        told = {(t.connector, t.tag, t.meter_start) for t in book.by_id.values()}
        found += [f"never told: a transaction of {tag} at connector {c} from {wh} Wh on" for c, tag, wh in self.seen - told]
        for k, wh in enumerate(metered):
            found += self._connector(k, wh, known[k + 1])
        return found

    def _connector(self, k: int, metered: float, known: list[Transaction]) -> list[str]:
        where, found = f"connector {k + 1}", []
        known.sort(key=lambda t: (t.meter_start, t.meter_stop or 0))
        for before, after in pairwise(known):
            if after.meter_start < (before.meter_stop or 0):
                found.append(f"{where}: {after.id} begins at {after.meter_start} Wh, {before.id} ended at {before.meter_stop} Wh")
            elif after.meter_start > (before.meter_stop or 0) + _PULSE_WH:
                between = after.meter_start - (before.meter_stop or 0)
                found.append(f"{where}: {between} Wh between {before.id} and {after.id} were metered and are on no bill")
        billed = sum(t.energy_wh or 0 for t in known)
        least = metered - self.doubt[k] - _PULSE_WH * len(known) - 1
        if not least <= billed <= metered:
            found.append(
                f"{where}: {billed} Wh were billed in {len(known)} transactions, the meter says {metered:.1f} Wh,"
                f" and {self.doubt[k]:.1f} Wh of it are in doubt"
            )
        return found


def _whole(t: Transaction) -> list[str]:
    """One Start and one Stop: told again only as it was, which the book knows by its content."""
    found = []
    if t.running:
        found.append(f"transaction {t.id} of {t.tag} was never stopped")
    elif (t.energy_wh or 0) < 0:
        found.append(f"transaction {t.id}: from {t.meter_start} to {t.meter_stop} Wh")
    if t.conflicts:
        found.append(f"transaction {t.id} was stopped twice, and not alike: {t.conflicts}")
    return found
