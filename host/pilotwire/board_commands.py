"""The commands for a board in the hand: boards, flash, provision, upload, monitor, repl, calibrate, doctor, test, stubs.

Apart from `cli`, which only adds them; like there, what is heavy is imported when it is used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pilotwire import arguments

Json = Annotated[bool, typer.Option("--json", help="For programs: JSON on stdout.")]
Port = Annotated[
    str | None, typer.Option(help="Serial port; left out, PILOTWIRE_PORT or the only one that may be a board.")
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting, repeatable.")
]
Roots = Annotated[
    list[Path] | None,
    typer.Option(
        "--root",
        metavar="FILE",
        help="Root certificate that the central system is verified with, PEM or DER; repeatable.",
    ),
]
ClientCert = Annotated[Path | None, typer.Option(metavar="FILE", help="Certificate of this charger, PEM or DER.")]
ClientKey = Annotated[Path | None, typer.Option(metavar="FILE", help="Its private key, PEM or DER.")]
Tags = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Tags, one a line, that may charge before the central system sends a list."),
]
Tag = Annotated[list[str] | None, typer.Option(help="A tag more, as the reader tells it; repeatable.")]
Pulses = Annotated[int | None, typer.Option("--pulses-per-kwh", metavar="N", min=10, max=10000, help="Pulses of the meter.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `pilotwire`."""
    for command, short in _SHORT.items():
        # What follows `test` is pytest's: -k, paths, --junitxml and so on.
        more = {"allow_extra_args": True, "ignore_unknown_options": True} if command is test else None
        app.command(short_help=short, context_settings=more)(command)


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
    roots: Roots = None,
    client_cert: ClientCert = None,
    client_key: ClientKey = None,
    tags: Tags = None,
    tag: Tag = None,
    pulses: Pulses = None,
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
    production: Annotated[
        bool, typer.Option("--production", help="The serial line can not stop it, and a crash restarts (no prompt).")
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

    Example: pilotwire flash esp32-devkitc --settings cp1.toml
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
        "production": production,
        "wait": not no_wait,
        "dry_run": dry_run,
        "as_json": json,
    }

    from pilotwire import provision as provisioning
    from pilotwire.extras import Extras
    from pilotwire.flash import command

    checked = provisioning.gather(settings, given)
    extras = Extras(roots or [], client_cert, client_key, tags, pulses, tag or [])
    command.run(command.Options(settings=checked, extras=extras, **options))


def provision(
    port: Port = None,
    set_: Settings = None,
    settings: Annotated[
        Path | None, typer.Option(help="TOML file of settings, lines like MaxCurrent = 16.")
    ] = None,
    roots: Roots = None,
    client_cert: ClientCert = None,
    client_key: ClientKey = None,
    tags: Tags = None,
    tag: Tag = None,
    pulses: Pulses = None,
    out: Annotated[
        Path | None, typer.Option(help="Write a TOML file for `flash --settings` in place of a board.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show everything there is to set.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Show what is set on the board.")] = False,
    json: Json = False,
) -> None:
    """Set network, central system, identity and more: on a live board, or for flashing.

    Asks for what a wallbox needs when nothing is given. Secrets come from a prompt, the file, or the
    environment (PILOTWIRE_WIFI_KEY); they are not shown. --list shows everything there is to set.

    Example: pilotwire provision --set ChargePointId=CP1 --set MaxCurrent=16
    """
    from pilotwire import provision as module
    from pilotwire.extras import Extras

    extras = Extras(roots or [], client_cert, client_key, tags, pulses, tag or [])
    if list_:
        module.show_options(json)
    elif show:
        module.show(port, as_json=json)
    else:
        values = module.gather(settings, arguments.settings(set_ or []))
        if out is not None and extras:
            raise arguments.UsageError(
                "certificates, tags and pulses do not fit into a TOML file", "", "give them to `flash` or to a live board"
            )
        if out is not None:
            module.to_file(out, values or module.ask({}))
            print(out)
        else:
            questions = not values and not extras
            module.run(port, values, extras, questions=questions, as_json=json)


def upload(
    port: Port = None,
    via: Annotated[str, typer.Option(help="mpremote or ampy.")] = "mpremote",
    lines: Annotated[
        bool, typer.Option("--lines", help="Keep line numbers in tracebacks (9 % larger).")
    ] = False,
    soft: Annotated[
        bool, typer.Option("--soft", help="Start only the interpreter again, not the chip; faster.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on until Ctrl-C, and send whenever a source has changed.")
    ] = False,
    json: Json = False,
) -> None:
    """Compile the sources, send what has changed to the board, and restart it.

    Example: pilotwire upload --watch
    """
    from pilotwire import upload as module

    if via not in module.VIA:
        raise arguments.UsageError(f"unknown way {via!r}", "", f"it is {' or '.join(module.VIA)}")
    module.run(port, via=via, lines=lines, as_json=json, soft=soft, again=watch)


def monitor(
    port: Port = None,
    seconds: Annotated[float | None, typer.Option(help="End after that time.")] = None,
    json: Json = False,
) -> None:
    """Show the serial log of a board until Ctrl-C; waits for it when it is reset or unplugged.

    Example: pilotwire monitor --port /dev/ttyUSB0
    """
    from pilotwire import monitor as module

    module.run(port, as_json=json, seconds=seconds)


def repl(port: Port = None) -> None:
    """Talk to MicroPython on the board; mpremote does it. Ctrl-] ends it, Ctrl-D starts the firmware.

    Ctrl-C stops the firmware; its watchdog restarts the board eight seconds later.

    Example: pilotwire repl --port /dev/ttyUSB0
    """
    import subprocess
    import sys

    from pilotwire.device import ports

    chosen = ports.choose(port)
    done = subprocess.run([sys.executable, "-m", "mpremote", "connect", chosen, "resume", "repl"])
    raise typer.Exit(done.returncode)


def calibrate(
    high: Annotated[int, typer.Option(help="mV that a voltmeter shows at CP: steady +12 V (X1).")],
    low: Annotated[int, typer.Option(help="The same at steady -12 V (F).")],
    connector: Annotated[int, typer.Option(min=1, max=2, help="Which one.")] = 1,
    port: Port = None,
) -> None:
    """Have a running charger measure its pilot and write the calibration into its board.json.

    Nothing may be plugged in. docs/bring-up.md says how the two figures are found.

    Example: pilotwire calibrate --high 12040 --low=-11950
    """
    from pilotwire import calibrate as module

    print(module.run(port, connector=connector, high_mv=high, low_mv=low))


def doctor(
    port: Port = None,
    host: Annotated[bool, typer.Option("--host", help="Look at this computer alone.")] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend a damaged file system; settings are kept, the ledger is not touched.")
    ] = False,
    board: Annotated[str | None, typer.Option(help="With --repair: which board it is, if that is lost.")] = None,
    baud: Annotated[int, typer.Option(min=9600, max=4_000_000, help="With --repair: bits per second.")] = 460800,
    json: Json = False,
) -> None:
    """Find out what is wrong with this computer, the board or its network, and what to do about it.

    Status 1 if something is wrong. The board's program is stopped and started again, and its start is watched.

    Example: pilotwire doctor --port /dev/ttyUSB0
    """
    from pilotwire import doctor as module

    if repair:
        from pilotwire.diagnosis import repair as mending

        mending.run(port, board, baud=baud, as_json=json)
        return
    module.run(port, host_only=host, as_json=json)


def test(
    context: typer.Context,
    port: Annotated[
        str | None, typer.Option(help="Serial port of a board; left out, MicroPython on this computer.")
    ] = None,
) -> None:
    """Run the firmware's tests in MicroPython: on this computer, or on a board. The rest of the line is pytest's.

    A board's program is stopped and its contactors are opened first; nothing of the tests stays on its flash.
    Tests that need stand-ins of the chip are left out there, and say so.

    Example: pilotwire test --port /dev/ttyUSB0 -k pilot
    """
    from pilotwire.devicetest import command

    raise typer.Exit(command.run(port, context.args))


def stubs(
    folder: Annotated[
        Path | None, typer.Argument(help="Where the editor opens the sources; the repository if left out.")
    ] = None,
) -> None:
    """Teach the editor MicroPython: stubs of the chip's modules, and settings for VS Code and pyright.

    What else .vscode/settings.json has stays.

    Example: pilotwire stubs
    """
    from pilotwire import stubs as module

    for path in module.write(folder):
        print(path)


# In the order and the words of `pilotwire --help`.
_SHORT = {
    boards: "Boards that can be flashed.",
    flash: "From a bare ESP32 to a wallbox, in one run.",
    provision: "Network, central system, identity, certificates.",
    upload: "Send what has changed to a board.",
    monitor: "The serial log of a board.",
    repl: "MicroPython's prompt on a board.",
    calibrate: "Have a charger measure its pilot.",
    doctor: "What is wrong, and what to do about it.",
    stubs: "Teach the editor MicroPython.",
    test: "The firmware's tests, here or on a board.",
}
