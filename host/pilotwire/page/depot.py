"""Where the wallboxes of a bench fetch firmware and leave diagnostics: a relay in a folder, with a pair of keys of its own.

    async with Depot(folder) as depot:
        box = Supervisor(..., files=depot.for_boards())
        name = await depot.bundle("0.2.0")            # the present sources, signed, under that version
        depot.view(); depot.diagnostics(name)
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Self

from pilotwire import build, bundle, keys
from pilotwire.diagnostics import report
from pilotwire.errors import PilotwireError
from pilotwire.relay.options import Options
from pilotwire.relay.relay import Relay

_MOST = 50


class Depot:
    """See the module.

    Args:
        folder: where everything lies.

    Attributes:
        url: of the relay, for locations in calls, without a slash at its end.
    """

    def __init__(self, folder: Path):
        self._files, self._received, self._keys = folder / "files", folder / "received", folder / "keys"
        self._received.mkdir(parents=True)
        self._relay = Relay(Options(folder / "spool", str(self._received), self._files, ftp_port=None))
        self.url = ""

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(keys.make, self._keys)
        await self._relay.__aenter__()
        self.url = str(self._relay.http_url)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._relay.__aexit__(*error)

    def for_boards(self) -> dict[str, bytes]:
        """What a board must have to take these bundles: {path on the board: bytes}."""
        return {keys.ON_BOARD: (self._keys / "update.pub").read_bytes()}

    async def bundle(self, version: str) -> str:
        """Puts the present sources where chargers fetch them, under another version; returns the name of the file."""
        return await asyncio.to_thread(self._bundle, version)

    def _bundle(self, version: str) -> str:
        if not version or len(version) > 20 or not all(part.isalnum() for part in version.split(".")):
            raise PilotwireError(f"{version!r} is no version", "", "write it like 0.2.0")
        name = f"pilotwire-{version}.pwb"
        if (self._files / name).exists():
            return name
        data = bundle.make(bundle.relabelled(build.files(), version), key=keys.private(self._keys / "update.key"))
        build.replace(self._files / name, data)
        return name

    def view(self) -> dict[str, Any]:
        """url, firmware: names; diagnostics: names, the newest first."""
        return {"url": self.url, "firmware": _names(self._files), "diagnostics": _names(self._received)}

    def diagnostics(self, name: str) -> dict[str, Any]:
        """A file that came in, as `pilotwire diagnostics --json` has it; PilotwireError."""
        if name not in _names(self._received):
            raise PilotwireError(f"there is no file {name!r}", "", "its name is in the list")
        return report.read((self._received / name).read_bytes()).as_json()


def _names(folder: Path) -> list[str]:
    found = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".part"]
    found.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    return [path.relative_to(folder).as_posix() for path in found[:_MOST]]
