"""Who plays the plan: drivers at the connectors, the central system's office, and trouble. Each puts up with all others."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pilotwire.csms import Charger
from pilotwire.csms.answers import utc
from pilotwire.csms.frames import RESULT, Frame
from pilotwire.errors import PilotwireError
from pilotwire.soak.plan import ACTIONS, MISCHIEF, Deed, Visit

if TYPE_CHECKING:
    from pilotwire.soak.run import Soak

_UNLOCK_S = 10  # simulated
_LONG_AGO = "2026-01-01T00:00:00Z"


class Driver:
    """Who comes to one connector with a car."""

    def __init__(self, soak: Soak, connector: int):
        self._soak, self.connector = soak, connector
        self._tag = ""

    async def do(self, visit: Visit) -> None:
        """Comes, charges and goes, as far as it can be done; what stays is left to `leave`."""
        soak, self._tag = self._soak, visit.tag
        with contextlib.suppress(PilotwireError):
            await soak.do("plug", connector=self.connector, phases=visit.phases, battery_wh=visit.battery_wh)
            await soak.do("draw", connector=self.connector, amps=visit.amps)
        await self._begin(visit)
        if await self.until(30, status=["Charging", "SuspendedEV", "SuspendedEVSE"]):
            soak.tally["sessions"] += 1
            await soak.passes(visit.charge_s)
            await self._end(visit)
        await self.leave()

    async def _begin(self, visit: Visit) -> None:
        soak = self._soak
        await self.until(10, status=["Preparing"])
        if visit.begin == "tag":
            with contextlib.suppress(PilotwireError):
                await soak.do("tag", id=visit.tag)
        else:
            await soak.order("RemoteStartTransaction", {"idTag": visit.tag, "connectorId": self.connector})

    async def _end(self, visit: Visit) -> None:
        soak = self._soak
        soak.tally[f"ended by {visit.end}"] += 1
        with contextlib.suppress(PilotwireError):
            match visit.end:
                case "remote":
                    await self.stop()
                case "unplug":
                    await soak.do("unplug", connector=self.connector)
                case "full":
                    await self.until(1800, car={"wants": True, "s2": False})
                    await soak.do("tag", id=visit.tag)
                case _:
                    if visit.end == "pause":
                        await soak.do("pause", connector=self.connector)
                        await soak.passes(20)
                    await soak.do("tag", id=visit.tag)

    async def stop(self) -> None:
        """The central system stops what it knows to run here."""
        running = [t.id for t in self._soak.transactions() if t.running and t.connector == self.connector]
        if running:
            await self._soak.order("RemoteStopTransaction", {"transactionId": running[-1]})

    async def leave(self, patience_s: float = 30) -> bool:
        """The car goes, as soon as nothing holds it; did it?"""
        soak = self._soak
        if not self.state["plugged"]:
            return True
        # A plug whose transaction the central system refused stays locked until its tag is there again.
        for ask in (self.stop, self._show, self._unlock):
            if await self.until(patience_s, closed=[False], locked=[False]):
                break
            await ask()
        with contextlib.suppress(PilotwireError):
            await soak.do("unplug", connector=self.connector)
        return not self.state["plugged"]

    async def _show(self) -> None:
        with contextlib.suppress(PilotwireError):
            await self._soak.do("tag", id=self._tag)

    async def _unlock(self) -> None:
        await self._soak.order("UnlockConnector", {"connectorId": self.connector})
        await self.until(_UNLOCK_S, closed=[False], locked=[False])

    @property
    def state(self) -> dict[str, Any]:
        """What is known of the connector."""
        return self._soak.box.state()["connectors"][self.connector - 1]

    async def until(self, timeout_s: float, **fields: Any) -> bool:
        """Waits for a state of the connector, each field to be one of a list, or a part; was it reached?"""
        wanted = {name: {"in": value} if isinstance(value, list) else value for name, value in fields.items()}
        return await self._soak.reached({"connectors": {str(self.connector - 1): wanted}}, timeout_s)


class Office:
    """The central system's people, who give orders."""

    def __init__(self, soak: Soak):
        self._soak = soak

    async def do(self, deed: Deed) -> None:
        """Gives one order, and takes any answer, or none."""
        soak, payload = self._soak, dict(deed.with_)
        action, now = deed.kind, soak.clock()
        match deed.kind:
            case "ReserveNow":
                payload["expiryDate"] = utc(now + payload["expiryDate"])
            case "InstallCertificate":
                pem = soak.roots[payload["certificate"]]
                payload = {"certificateType": "CentralSystemRootCertificate", "certificate": pem}
            case "DeleteCertificate":
                payload = await self._certificate(payload["certificate"])
            case "GetDiagnostics":
                payload = {"location": f"{soak.depot.url}/upload/", "retries": 1, "retryInterval": 5}
            case "UpdateFirmware" | "refused update":
                if soak.updating:
                    return
                soak.updating, action = True, "UpdateFirmware"
                name = soak.bundle(good=deed.kind == action)
                location = f"{soak.depot.url}/files/{name}"
                payload = {"location": location, "retrieveDate": _LONG_AGO, "retries": 2, "retryInterval": 10}
        answer = await soak.order(action, payload)
        if action == "UpdateFirmware" and answer is None:
            soak.updating = False

    async def _certificate(self, which: int) -> dict[str, Any]:
        """The request that deletes one of those that it has, or one that it never had."""
        answer = await self._soak.order("GetInstalledCertificateIds", {"certificateType": "CentralSystemRootCertificate"})
        known = (answer or {}).get("certificateHashData") or []
        none = {"hashAlgorithm": "SHA256", "issuerNameHash": "0" * 64, "issuerKeyHash": "0" * 64, "serialNumber": "1"}
        return {"certificateHashData": known[which % len(known)] if known else none}


class Trouble:
    """Whom nobody has asked: network, server and supply fail."""

    def __init__(self, soak: Soak):
        self._soak = soak
        self._twice = 0
        self.misanswered = 0  # so many answers were not what they should have been

    async def do(self, deed: Deed) -> None:
        """One fault, to its end; those of answers go on beside what follows."""
        soak, given = self._soak, deed.with_
        soak.tally[deed.kind] += 1
        soak.note(f"{deed.kind}: {given}")
        charger = soak.charger
        match deed.kind:
            case "network cut":
                await self._meanwhile(given["for_s"], soak.do("network", up=False), lambda: soak.do("network", up=True))
            case "connection dropped":
                charger.drop()
            case "connection closed":
                await charger.close()
            case "server away":
                await self._meanwhile(given["for_s"], soak.central.__aexit__(), soak.central.__aenter__)
            case "handshake refused":
                soak.central.accept = lambda _: 503
                charger.drop()
                await soak.passes(given["for_s"])
                soak.central.accept = None
            case "answered twice":
                self._twice += given["times"]
            case "power cut" | "SIGKILL":
                await self._cut(deed.kind, given["for_s"])
            case _:
                self._misanswer(given["action"], MISCHIEF[deed.kind], given["times"], given["delay_s"])

    async def ends(self) -> None:
        """Nothing that was begun goes on."""
        self._twice = 0
        for action in ACTIONS:
            self._soak.central.mischief.set(action)
        if self._soak.box.state()["power"] != "on":
            await self._soak.do("power", on=True)

    async def _meanwhile(self, seconds: float, begin: Any, end: Callable[[], Any]) -> None:
        self._soak.reachable = False
        try:
            await begin
            await self._soak.passes(seconds)
        finally:
            await end()
            self._soak.reachable = True

    async def _cut(self, kind: str, seconds: float) -> None:
        soak = self._soak
        if kind == "SIGKILL":
            pid = soak.box.pid
            if pid is None:
                return
            os.kill(pid, signal.SIGKILL)
            while soak.box.pid == pid:
                await asyncio.sleep(0.001)
        await soak.do("power", on=False)
        soak.account.failed(soak.metered())
        await soak.passes(seconds)
        await soak.do("power", on=True)

    def _misanswer(self, action: str, how: str, times: int, delay_s: float) -> None:
        """The next `times` answers to an action are so, those after them as usual."""
        mischief, central = self._soak.central.mischief, self._soak.central
        mischief.set(action, how, delay_s if how == "normal" else 0.0)
        wrong, left = central.answer[action], times

        def hook(charger: Charger, payload: dict[str, Any]) -> Any:
            nonlocal left
            left -= 1
            self.misanswered += 1
            if left <= 0:
                mischief.set(action)
            return wrong(charger, payload)

        central.answer[action] = hook

    def frame(self, charger: Charger, frame: Frame) -> None:
        """What the central system sends may be sent once more."""
        if self._twice and frame.direction == "out" and isinstance(frame.text, str) and frame.text.startswith(f"[{RESULT},"):
            self._twice -= 1
            text, twice = frame.text, self._twice
            self._twice = 0  # the second is no reason for a third

            async def again() -> None:
                with contextlib.suppress(PilotwireError):
                    await charger.send(text)
                self._twice = twice

            charger.keep(asyncio.ensure_future(again()))
