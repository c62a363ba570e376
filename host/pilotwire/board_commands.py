"""The commands for a board in the hand: boards, flash, provision, upload, monitor, repl, doctor.

Apart from `cli`, which only adds them; like there, what is heavy is imported when it is used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pilotwire import arguments

Json = Annotated[bool, typer.Option("--json", help="For programs: JSON on stdout.")]
Port = Annotated[
    str | None, typer.Option(help="Serial port; left out, the only one that may be a board.")
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting, repeatable.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to `pilotwire`."""
    for command in (boards, flash):
        app.command()(command)


def boards(json: Json = False) -> None:
    """List the boards that can be flashed; more are added as boards/<name>/board.json.

    Example: pilotwire boards
    """
    from pilotwire import boards as module

    module.show(json)


def flash(
    board: Annotated[str, typer.Argument(help="Name of a board, or path of a board.json.")],
    port: Port = None,
    image: Annotated[
        Path | None, typer.Option(help="MicroPython image; left out, from cache or micropython.org.")
    ] = None,
    set_: Settings = None,
    settings: Annotated[
        Path | None, typer.Option(help="TOML file of settings, as `provision` writes it.")
    ] = None,
    baud: Annotated[int, typer.Option(min=9600, max=4_000_000, help="Bits per second.")] = 460800,
    all_ports: Annotated[
        bool, typer.Option("--all-ports", help="Every board that is connected, one after the other.")
    ] = False,
    erase: Annotated[
        bool, typer.Option("--erase", help="Erase what is not written as well, but not the ledger.")
    ] = False,
    erase_ledger: Annotated[
        bool, typer.Option("--erase-ledger", help="Erase the ledger: transactions not delivered are lost.")
    ] = False,
    repartition: Annotated[
        bool, typer.Option("--repartition", help="Replace another partition table and what it held.")
    ] = False,
    trust_image: Annotated[
        bool, typer.Option("--trust-image", help="Take an image that has changed since its first use.")
    ] = False,
    lines: Annotated[
        bool, typer.Option("--lines", help="Keep line numbers in tracebacks (9 % larger).")
    ] = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Do not wait for the firmware's first report.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be written where; no board is needed.")
    ] = False,
    json: Json = False,
) -> None:
    """Turn an ESP32 into a wallbox: MicroPython, partition table and files in one run of esptool.

    The board's files and settings are replaced, its ledger stays. Ends when the firmware has
    reported itself.

    Example: pilotwire flash esp32-devkitc --set WifiSsid=home --set ChargePointId=CP1
    """
    given = arguments.settings(set_ or [])
    options = {
        "board": board,
        "port": port,
        "image": image,
        "baud": baud,
        "all_ports": all_ports,
        "erase": erase,
        "erase_ledger": erase_ledger,
        "repartition": repartition,
        "trust_image": trust_image,
        "lines": lines,
        "wait": not no_wait,
        "dry_run": dry_run,
        "as_json": json,
    }

    from pilotwire import provision as provisioning
    from pilotwire.flash import command

    checked = provisioning.gather(settings, given)
    command.run(command.Options(settings=checked, **options))
