"""What happens in a soak, from its seed: no I/O, no clock. The same seed decides the same, however fast the machine is.

Each person draws from a source of his own, so that what one of them has no time for changes nothing for the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

TAGS = ("C0FFEE01", "C0FFEE02", "DECAF001", "04A1B2C3D4E5F6", "STRANGER")
ACTIONS = (
    "Authorize", "BootNotification", "Heartbeat", "MeterValues", "StartTransaction", "StatusNotification", "StopTransaction",
)  # fmt: skip
ROOTS = 6
_AMPS = (6.0, 10.0, 16.0, 32.0)
_SETTINGS = {
    "MeterValueSampleInterval": ("10", "30", "60", "300"),
    "ClockAlignedDataInterval": ("0", "0", "60", "900"),
    "StopTxnSampledData": ("", "", "Energy.Active.Import.Register"),
    "MeterValuesSampledData": ("Energy.Active.Import.Register", "Energy.Active.Import.Register,Power.Active.Import"),
    "AllowOfflineTxForUnknownId": ("true", "true", "false"),
    "LocalPreAuthorize": ("true", "false"),
    "AuthorizeRemoteTxRequests": ("true", "false"),
    "MinimumStatusDuration": ("0", "0", "5"),
    "HeartbeatInterval": ("30", "300"),
    "NoSuchKey": ("1",),
}


@dataclass(frozen=True)
class Visit:
    """A car comes to a connector after `wait_s`, charges for `charge_s` (simulated), and goes.

    `begin` is tag or remote; `end` is tag, remote, pause (then the tag), unplug (where no lock holds it), or nothing but waiting
    until the battery is full.
    """

    connector: int
    wait_s: float
    tag: str
    begin: str
    charge_s: float
    end: str
    amps: float
    phases: int
    battery_wh: float


@dataclass(frozen=True)
class Deed:
    """Something that the office or trouble does after `wait_s`: its kind, and what belongs to it."""

    wait_s: float
    kind: str
    with_: dict[str, Any] = field(default_factory=dict)


def source(seed: int, chapter: int, who: str) -> Random:
    """Where a person draws from."""
    return Random(f"{seed}/{chapter}/{who}")


def visits(rng: Random, connector: int, tethered: bool) -> Iterator[Visit]:
    """Cars at one connector, without end."""
    while True:
        yield Visit(
            connector,
            rng.uniform(0, 20),
            rng.choice(TAGS),
            rng.choice(("tag", "tag", "remote")),
            rng.choice((rng.uniform(0, 20), rng.uniform(20, 120), rng.uniform(120, 400))),
            rng.choice(("tag", "tag", "remote", "pause", "full", "unplug" if tethered else "tag")),
            rng.choice(_AMPS),
            rng.choice((1, 3)),
            rng.choice((100.0, 500.0, 50000.0)),
        )


_OFFICE = {
    "GetConfiguration": 4, "ChangeConfiguration": 8, "SendLocalList": 6, "GetLocalListVersion": 1, "SetChargingProfile": 6,
    "ClearChargingProfile": 2, "GetCompositeSchedule": 2, "InstallCertificate": 3, "DeleteCertificate": 3, "GetDiagnostics": 3,
    "TriggerMessage": 4, "ReserveNow": 2, "CancelReservation": 1, "ChangeAvailability": 2, "UnlockConnector": 1, "ClearCache": 1,
    "DataTransfer": 1, "Reset": 3, "UpdateFirmware": 2, "refused update": 1,
}  # fmt: skip


def office(rng: Random) -> Iterator[Deed]:
    """Orders of the central system, without end."""
    while True:
        wait_s = rng.uniform(1, 30)
        [kind] = rng.choices(list(_OFFICE), list(_OFFICE.values()))
        yield Deed(wait_s, kind, _ORDERS[kind](rng) if kind in _ORDERS else {})


def _list(rng: Random) -> dict[str, Any]:
    size = rng.choice((0, 1, 10, 48, 100))
    entries = [
        {"idTag": f"LISTED-{rng.randrange(300):04d}", "idTagInfo": {"status": rng.choice(("Accepted", "Blocked"))}}
        for _ in range(size)
    ]
    unique = list({entry["idTag"]: entry for entry in entries}.values())
    kind = rng.choice(("Full", "Differential"))
    return {"listVersion": rng.randrange(1, 1000), "updateType": kind, "localAuthorizationList": unique}


def _profile(rng: Random) -> dict[str, Any]:
    purpose = rng.choice(("TxDefaultProfile", "TxDefaultProfile", "ChargePointMaxProfile"))
    periods = [
        {"startPeriod": start * rng.randrange(20, 200), "limit": rng.choice((0.0, 6.0, 10.5, 16.0, 32.0))}
        for start in range(1, rng.choice((1, 3, 23)))
    ]
    starts = {0: {"startPeriod": 0, "limit": rng.choice((8.0, 16.0, 32.0))}} | {p["startPeriod"]: p for p in periods}
    return {
        "connectorId": 0 if purpose == "ChargePointMaxProfile" else rng.choice((0, 1, 2)),
        "csChargingProfiles": {
            "chargingProfileId": rng.randrange(1, 15),
            "stackLevel": rng.randrange(0, 8),
            "chargingProfilePurpose": purpose,
            "chargingProfileKind": "Relative" if purpose == "TxDefaultProfile" else "Recurring",
            **({} if purpose == "TxDefaultProfile" else {"recurrencyKind": "Daily"}),
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [starts[start] for start in sorted(starts)],
                **({} if purpose == "TxDefaultProfile" else {"startSchedule": "2026-01-01T00:00:00Z", "duration": 86400}),
            },
        },
    }


def _setting(rng: Random) -> dict[str, Any]:
    key = rng.choice(list(_SETTINGS))
    return {"key": key, "value": rng.choice(_SETTINGS[key])}


_ORDERS = {
    "GetConfiguration": lambda rng: rng.choice(({}, {}, {"key": ["HeartbeatInterval", "Nonsense"]})),
    "ChangeConfiguration": _setting,
    "SendLocalList": _list,
    "SetChargingProfile": _profile,
    "ClearChargingProfile": lambda rng: rng.choice(({}, {"id": rng.randrange(1, 15)})),
    "GetCompositeSchedule": lambda rng: {"connectorId": rng.choice((0, 1, 2)), "duration": rng.choice((600, 86400))},
    "InstallCertificate": lambda rng: {"certificate": rng.randrange(ROOTS)},
    "DeleteCertificate": lambda rng: {"certificate": rng.randrange(ROOTS)},
    "TriggerMessage": lambda rng: {
        "requestedMessage": rng.choice(("MeterValues", "StatusNotification", "Heartbeat", "BootNotification")),
        "connectorId": rng.choice((1, 2)),
    },
    "ReserveNow": lambda rng: {
        "connectorId": rng.choice((0, 1, 2)), "idTag": rng.choice(TAGS), "reservationId": rng.randrange(1, 4),
        "expiryDate": rng.uniform(60, 600),
    },
    "CancelReservation": lambda rng: {"reservationId": rng.randrange(1, 4)},
    "ChangeAvailability": lambda rng: {
        "connectorId": rng.choice((0, 1, 2)), "type": rng.choice(("Inoperative", "Operative", "Operative")),
    },
    "UnlockConnector": lambda rng: {"connectorId": rng.choice((1, 2))},
    "DataTransfer": lambda rng: {"vendorId": "org.nobody", "data": "x" * rng.choice((0, 100, 2000))},
    "Reset": lambda rng: {"type": rng.choice(("Soft", "Hard"))},
}  # fmt: skip

# Faults of network, server and supply, how often; those of single answers are named below, as `csms.mischief` has them.
FAULTS = {
    "network cut": 4, "connection dropped": 4, "connection closed": 2, "server away": 3, "handshake refused": 2,
    "answered twice": 3, "power cut": 5, "SIGKILL": 4,
}  # fmt: skip
MISCHIEF = {
    "late answer": "normal", "no answer": "silent", "CALLERROR": "error", "answer against the schema": "invalid",
    "broken answer": "broken", "refused tag": "refuse",
}  # fmt: skip
_MISCHIEF_EACH = 3


def trouble(rng: Random) -> Iterator[Deed]:
    """Faults of network, server and supply, without end. `times` is how many answers it concerns, `for_s` how long it lasts."""
    while True:
        wait_s = rng.uniform(5, 80)
        [kind] = rng.choices([*FAULTS, *MISCHIEF], [*FAULTS.values(), *[_MISCHIEF_EACH] * len(MISCHIEF)])
        refusable = ("Authorize", "BootNotification", "StartTransaction")
        yield Deed(
            wait_s,
            kind,
            {
                "for_s": rng.choice((rng.uniform(0, 5), rng.uniform(5, 30), rng.uniform(30, 120))),
                "action": rng.choice(refusable if kind == "refused tag" else ACTIONS),
                "times": rng.randrange(1, 4),
                "delay_s": rng.uniform(0.05, 2.5),
            },
        )
