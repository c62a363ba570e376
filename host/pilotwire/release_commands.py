"""The commands from sources to a charger far away: build, keys, publish.

Apart from `cli`, which only adds them; like there, what is heavy is imported when it is used.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from pilotwire import arguments

Json = Annotated[bool, typer.Option("--json", help="For programs: JSON on stdout.")]
Lines = Annotated[bool, typer.Option("--lines", help="Keep line numbers in tracebacks (9 % larger).")]
Key = Annotated[Path | None, typer.Option(help="Private key that signs; this user's if left out.")]
Unsigned = Annotated[
    bool, typer.Option("--unsigned", help="Without signature: for boxes set up with UnsignedFirmware=true only.")
]
Image = Annotated[
    Path | None, typer.Option(help="MicroPython image to go with it, for a board with two slots for one.")
]
Version = Annotated[
    str | None, typer.Option("--as", metavar="VERSION", help="Another version than that of the sources.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to `pilotwire`."""
    for command, short in _SHORT.items():
        app.command(short_help=short)(command)


def build(
    board: Annotated[
        str | None, typer.Argument(help="virtual for its flash image; with --bundle a board, or all of them.")
    ] = None,
    lines: Lines = False,
    production: Annotated[
        bool, typer.Option("--production", help="The serial line can not stop it, and a crash restarts (no prompt).")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Where to; build/virtual if left out.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="Write a bundle for updates (.pwb) there.")] = None,
    key: Key = None,
    unsigned: Unsigned = False,
    image: Image = None,
    as_: Version = None,
) -> None:
    """Compile the firmware: the flash image of the virtual board, or a signed bundle for updates.

    Example: pilotwire build --bundle firmware.pwb
    """
    from pilotwire import build as module

    if bundle is None:
        if board != "virtual":
            raise arguments.UsageError(
                "no bundle was asked for" if board is None else f"unknown board {board!r}",
                "",
                "known boards: virtual; or add --bundle FILE",
            )
        name = "production" if production else "virtual"
        print(module.virtual(out or module.work() / name, lines=lines, closed=production))
        return

    from pilotwire import publish as publishing

    data = publishing.make(board, image, key=key, unsigned=unsigned, version=as_, lines=lines)
    publishing.say(data, publishing.put(data, bundle.name, str(bundle.parent)), False)


def keys(
    out: Annotated[Path | None, typer.Option(help="Folder for the pair; this user's if left out.")] = None,
) -> None:
    """Make the pair of keys that signs firmware; the public one goes into every board flashed from then on.

    Example: pilotwire keys
    """
    from pilotwire import keys as module

    private, public = module.make(out)
    print(f"{private}  keep it secret, and a copy of it: without it no board can be updated")
    print(f"{public}  fingerprint {module.fingerprint(public.read_bytes())}")


def publish(
    where: Annotated[
        str, typer.Argument(help="Folder, URL of a relay (HTTP PUT), or of an object store (s3://...).")
    ],
    bundle: Annotated[
        Path | None, typer.Option(help="A bundle that was built; left out, one is built of the sources.")
    ] = None,
    board: Annotated[str | None, typer.Option(help="Build it for this board only.")] = None,
    key: Key = None,
    unsigned: Unsigned = False,
    image: Image = None,
    as_: Version = None,
    to: Annotated[
        str | None, typer.Option(metavar="CHARGER", help="Run a central system and tell this charger to take it.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address that it listens on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port of it.")] = 9000,
    signer: Annotated[
        Path | None,
        typer.Option(metavar="PEM", help="Certificate below the maker's root: --to by SignedUpdateFirmware (profile 1 on)."),
    ] = None,
    signer_key: Annotated[Path | None, typer.Option(metavar="PEM", help="Its private key.")] = None,
    json: Json = False,
) -> None:
    """Build and sign a bundle and put it where chargers fetch it; prints its URL and SHA-256.

    Example: pilotwire publish http://relay:8080/firmware/ --to CP1
    """
    from pilotwire import publish as module
    from pilotwire.errors import PilotwireError

    if (signer is None) != (signer_key is None) or (signer is not None and to is None):
        raise arguments.UsageError("a signer is a certificate and its key", "", "give --to, --signer and --signer-key")
    vouches = module.Signer.read(signer, signer_key) if signer and signer_key else None
    if bundle is None:
        data = module.make(board, image, key=key, unsigned=unsigned, version=as_)
    else:
        try:
            data = bundle.read_bytes()
        except OSError as error:
            raise PilotwireError(f"cannot read {bundle}", (error.strerror or str(error)).lower())
    url = module.put(data, module.name_of(data), where)
    module.say(data, url, json)
    if to is not None:
        asyncio.run(module.update(url, arguments.charger_id(to), host, port, json, data, vouches))


# In the words of `pilotwire --help`.
_SHORT = {
    build: "Compile the firmware.",
    keys: "Keys that sign firmware.",
    publish: "Put a signed bundle where chargers fetch it.",
}
