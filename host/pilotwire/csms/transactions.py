"""The book of transactions: which began, which ended, and what was told twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pilotwire.csms.frames import Bounded


@dataclass
class Transaction:
    """One transaction as the charger reported it. Meter values in Wh, times as on the wire.

    `starts` and `stops` count the messages, so that 1 and 1 is a session told exactly once.
    `meter_values` holds {"timestamp", "sampledValue"} of MeterValues and of transactionData.
    `conflicts` holds repeated StopTransactions that differ from the first.
    """

    id: int
    connector: int
    tag: str
    meter_start: int
    start_time: str
    reservation: int | None = None
    meter_stop: int | None = None
    stop_time: str | None = None
    stop_tag: str | None = None
    reason: str | None = None
    starts: int = 1
    stops: int = 0
    meter_values: list[dict[str, Any]] = field(default_factory=Bounded)
    conflicts: list[dict[str, Any]] = field(default_factory=Bounded)

    @property
    def running(self) -> bool:
        """True until a StopTransaction came."""
        return self.stops == 0

    @property
    def duplicates(self) -> int:
        """How many of its messages came again."""
        return self.starts - 1 + max(self.stops - 1, 0)

    @property
    def energy_wh(self) -> int | None:
        """Energy that is billed, None while it runs."""
        return None if self.meter_stop is None else self.meter_stop - self.meter_start


class Book:
    """The transactions of one charger, kept over all its connections.

    Args:
        new_id: gives the next transaction id of the central system.
    """

    def __init__(self, new_id: Callable[[], int]):
        self._new_id = new_id
        self.by_id: dict[int, Transaction] = {}
        self.unknown_stops: list[dict[str, Any]] = Bounded()
        self.refused_starts: list[dict[str, Any]] = Bounded()

    @property
    def duplicates(self) -> int:
        """Starts and stops that came more than once, all transactions together."""
        return sum(transaction.duplicates for transaction in self.by_id.values())

    def find(self, payload: dict[str, Any]) -> Transaction | None:
        """The transaction a StartTransaction.req tells of: same connector, tag, time and meter."""
        for known in self.by_id.values():
            if (known.connector, known.tag, known.meter_start, known.start_time) == (
                payload["connectorId"],
                payload["idTag"],
                payload["meterStart"],
                payload["timestamp"],
            ):
                return known
        return None

    def start(self, payload: dict[str, Any]) -> Transaction:
        """Writes down a valid StartTransaction.req; the same one again is counted, with its id."""
        transaction = self.find(payload)
        if transaction is not None:
            transaction.starts += 1
            return transaction
        transaction = Transaction(
            id=self._new_id(),
            connector=payload["connectorId"],
            tag=payload["idTag"],
            meter_start=payload["meterStart"],
            start_time=payload["timestamp"],
            reservation=payload.get("reservationId"),
        )
        self.by_id[transaction.id] = transaction
        return transaction

    def refuse(self, transaction: Transaction, payload: dict[str, Any]) -> None:
        """Takes a start back that was answered by a CALLERROR: the charger has to try again."""
        self.refused_starts.append(payload)
        transaction.starts -= 1
        if transaction.starts == 0:
            del self.by_id[transaction.id]

    def renumber(self, transaction: Transaction, wanted: int) -> None:
        """Gives a transaction the id that a hook answered with, unless another one has it."""
        if wanted not in self.by_id:
            del self.by_id[transaction.id]
            transaction.id = wanted
            self.by_id[wanted] = transaction

    def stop(self, payload: dict[str, Any]) -> Transaction | None:
        """Writes down a StopTransaction; None when its transaction is not known here."""
        transaction = self.by_id.get(payload["transactionId"])
        if transaction is None:
            self.unknown_stops.append(payload)
            return None
        transaction.stops += 1
        if transaction.stops > 1:
            if (transaction.meter_stop, transaction.stop_time) != (
                payload["meterStop"],
                payload["timestamp"],
            ):
                transaction.conflicts.append(payload)
            return transaction
        transaction.meter_stop = payload["meterStop"]
        transaction.stop_time = payload["timestamp"]
        transaction.stop_tag = payload.get("idTag")
        # OCPP 1.6, 6.49: reason may be left out when it is Local.
        transaction.reason = payload.get("reason", "Local")
        self._sample(transaction, payload.get("transactionData", ()))
        return transaction

    def meter_values(self, payload: dict[str, Any]) -> None:
        """Adds a MeterValues.req to its transaction, if it names one that is known."""
        transaction = self.by_id.get(payload.get("transactionId", 0))
        if transaction is not None:
            self._sample(transaction, payload["meterValue"])

    @staticmethod
    def _sample(transaction: Transaction, values: Any) -> None:
        for value in values:
            transaction.meter_values.append(value)
