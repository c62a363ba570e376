"""The account of one charger in one object: for `--json`, summary tables and `expect central.…`."""

from __future__ import annotations

from typing import Any

from pilotwire.csms.charger import Charger

_TOLD = (
    "id", "connector", "tag", "meter_start", "start_time", "meter_stop", "stop_time", "stop_tag",
    "reason", "energy_wh", "starts", "stops",
)  # fmt: skip


def summary(charger: Charger | None, connector: int = 1) -> dict[str, Any]:
    """What a charger told the central system, JSON-able.

    Args:
        charger: None gives the account of a charger that never came.
        connector: whose statuses are listed.

    Returns:
        started, stopped (messages: a duplicate makes 2), duplicates, energy_wh (billed, Wh),
        meter_values (messages), statuses (in order), status (the last), schema_errors (count),
        violations (count), connected, registration, transactions (list of objects, without their meter values).
    """
    if charger is None:
        return {
            "started": 0, "stopped": 0, "duplicates": 0, "energy_wh": 0, "meter_values": 0,
            "statuses": [], "status": None, "schema_errors": 0, "violations": 0,
            "connected": False, "registration": None, "transactions": [],
        }  # fmt: skip
    statuses = list(charger.statuses.get(connector, ()))
    known = list(charger.transactions.values())
    return {
        "started": sum(transaction.starts for transaction in known),
        "stopped": sum(transaction.stops for transaction in known),
        "duplicates": charger.book.duplicates,
        "energy_wh": sum(transaction.energy_wh or 0 for transaction in known),
        "meter_values": len(charger.meter_values),
        "statuses": statuses,
        "status": statuses[-1] if statuses else None,
        "schema_errors": len(charger.schema_errors),
        "violations": len(charger.violations),
        "connected": charger.connected,
        "registration": charger.registration,
        "transactions": [
            {name: getattr(transaction, name) for name in _TOLD}
            | {"samples": len(transaction.meter_values)}
            for transaction in known
        ],
    }
