"""Heap of the central system's largest orders, to a virtual wallbox that is connected over TLS while a car charges.

heap_peak_*: the smallest heap, by bisection, in which the order is answered as it should be, at the first try. Sessions are in
pilotwire.bench.heap, uploads in transfers, updates in update; the largest of them all is heap_peak_bytes.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from cryptography import x509

from pilotwire.bench.certificates import Authority, Issued
from pilotwire.bench.figure import Figure
from pilotwire.bench.heap import Session, smallest
from pilotwire.csms import CallError, Charger
from pilotwire.errors import PilotwireError

_LOWEST, _HIGHEST, _STEP = 72 * 1024, 160 * 1024, 2048
_REAL_S = 120
_A_MESSAGE = 100  # SendLocalListMaxLength
_CHAIN = 10_000  # characters, the most that CertificateSigned may have
_BETWEEN = 2  # certificates between root and our own
_SERIAL, _OPERATOR = "SN-1", "Operator"


class Refused(PilotwireError):
    """The order was not answered as it should be."""


async def _asked(charger: Charger, action: str, payload: dict[str, Any], **wanted: Any) -> dict[str, Any]:
    answer = await charger.call(action, payload)
    if any(answer.get(name) != value for name, value in wanted.items()):
        raise Refused(f"{action} was answered by {answer}")
    return answer


async def get_configuration(session: Session, root: Authority) -> None:
    """GetConfiguration of everything."""
    answer = await _asked(session.charger, "GetConfiguration", {})
    if len(answer["configurationKey"]) < 40:
        raise Refused("not everything was told")


def local_list(total: int) -> Callable[[Session, Authority], Awaitable[None]]:
    """SendLocalList of so many entries of maximal size, in messages of a hundred."""

    async def send(session: Session, root: Authority) -> None:
        info = {"expiryDate": "2036-11-22T10:00:00.000Z", "parentIdTag": "PARENT-OF-THE-000001", "status": "ConcurrentTx"}
        for first in range(0, total, _A_MESSAGE):
            entries = [{"idTag": f"Authorization-{first + k * 37 % 100:06d}", "idTagInfo": info} for k in range(_A_MESSAGE)]
            kind = "Differential" if first else "Full"
            payload = {"listVersion": first + 1, "updateType": kind, "localAuthorizationList": entries}
            await _asked(session.charger, "SendLocalList", payload, status="Accepted")

    return send


async def stacked_profiles(session: Session, root: Authority) -> None:
    """20 profiles of 24 periods, and the composite schedule of a day."""
    for k in range(20):
        periods = [{"startPeriod": 3600 * j, "limit": 6 + (7 * j + k) % 26} for j in range(24)]
        profile = {
            "chargingProfileId": k,
            "stackLevel": k // 2 % 9 if k < 18 else k - 18,
            "chargingProfilePurpose": ("ChargePointMaxProfile", "TxDefaultProfile")[k % 2 if k < 18 else 1],
            "chargingProfileKind": "Recurring",
            "recurrencyKind": "Daily",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": periods,
                "duration": 3600 * 24,
                "startSchedule": f"2026-11-20T{k:02d}:00:00Z",
            },
        }
        payload = {"connectorId": k % 2 if k < 18 else 0, "csChargingProfiles": profile}
        await _asked(session.charger, "SetChargingProfile", payload, status="Accepted")
    await _asked(session.charger, "GetCompositeSchedule", {"connectorId": 1, "duration": 86400}, status="Accepted")


def renewal(characters: int = 0) -> Callable[[Session, Authority], Awaitable[None]]:
    """A certificate of the charger's own, from the request to the certificate, whose chain has so many characters if asked."""

    async def renew(session: Session, root: Authority) -> None:
        charger, requests = session.charger, []

        def sign(_: Charger, payload: dict[str, Any]) -> dict[str, Any]:
            requests.append(x509.load_pem_x509_csr(payload["csr"].encode()))
            return {"status": "Accepted"}

        session.central.answer["SignCertificate"] = sign
        await _asked(charger, "ChangeConfiguration", {"key": "CpoName", "value": _OPERATOR}, status="Accepted")
        trigger = {"requestedMessage": "SignChargePointCertificate"}
        await _asked(charger, "ExtendedTriggerMessage", trigger, status="Accepted")
        await charger.wait_for(lambda _: requests, timeout=_REAL_S)
        chain = _chain(root, requests[0].public_key(), characters)
        await _asked(charger, "CertificateSigned", {"certificateChain": chain}, status="Accepted")

    return renew


def _chain(root: Authority, public_key: Any, characters: int) -> str:
    if not characters:
        return root.sign(public_key, _SERIAL, _OPERATOR)
    padding = 0
    while True:  # the first round shows what is to be added; PEM has 65 characters for 48 bytes
        chain, above = "", root
        for number in range(_BETWEEN):
            above = Authority(root.folder / str(number), f"Between {number}", parent=above, padding=padding)
            chain = above.pem.decode() + chain
        chain = above.sign(public_key, _SERIAL, _OPERATOR) + chain
        if len(chain) > characters - 400:
            return chain
        padding += (characters - len(chain)) * 48 // 65 // _BETWEEN - 60


ORDERS = {
    "get_configuration": get_configuration,
    "send_local_list_100": local_list(100),
    "send_local_list_500": local_list(500),
    "20_profiles": stacked_profiles,
    "certificate_renewal": renewal(),
    "certificate_10000": renewal(_CHAIN),
}


async def carried_out(name: str, heap: int, root: Authority, server: Issued) -> bool:
    """Is the order answered as it should be, in so large a heap?"""
    settings = {"ChargePointSerialNumber": _SERIAL}
    async with Session(heap, root, server, settings) as session:
        try:
            async with asyncio.timeout(_REAL_S):
                await session.accepted()
                await session.box.do("plug", connector=1)
                await session.box.do("tag", id="C0FFEE01")
                await session.until(status="Charging")
                await ORDERS[name](session, root)
                await session.passes(3)
        except (PilotwireError, CallError, TimeoutError):
            return False
        return len(session.charger.boots) == 1 and session.clean


def figures() -> list[Figure]:
    """The smallest heap of each order."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        root = Authority(Path(folder))
        server = root.issue("server")
        for name in ORDERS:
            peak = smallest(lambda heap: asyncio.run(carried_out(name, heap, root, server)), _LOWEST, _HIGHEST, _STEP)  # noqa: B023
            found.append(Figure(f"heap_peak_{name}_bytes", peak, "B", 104 * 1024))
    return found
