"""The command line. Commands import what is heavy themselves, so that --help is fast.

Errors: `PilotwireError` leaves as one line on stderr, `pilotwire: what, why, what to do`, and
status 1; a wrong command line is status 2; a traceback is shown only with --debug, which may stand
anywhere on the line.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from pilotwire import __version__, arguments, board_commands, release_commands
from pilotwire.errors import PilotwireError

app = typer.Typer(
    name="pilotwire",
    help="An OCPP 1.6J wallbox firmware for the ESP32: build it, simulate it, test it.",
    no_args_is_help=True,
    add_completion=False,
    # Errors are printed by `main`, and plain help starts twice as fast and reads well in a pipe.
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="For programs: JSON on stdout.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show the firmware's log as well.")]
Root = Annotated[
    Path | None,
    typer.Option(help="Root certificates (PEM or DER) that the box trusts, for wss:// with a CA of your own."),
]
ClientCert = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Certificate of the charger, PEM or DER, for security profile 3.")
]
ClientKey = Annotated[Path | None, typer.Option(metavar="FILE", help="Its private key, PEM or DER.")]
Page = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Where the page is; 127.0.0.1:8180 or any free port if left out; `off`."),
]
Speed = Annotated[float, typer.Option(help="Factor of simulated time, 0 as fast as possible.")]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"pilotwire {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Options before the command; --debug is read by `main`."""


@app.command(short_help="Charge a car, then play with box and central system.")
def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the session.")] = False,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object on stdout; the timeline to stderr.")
    ] = False,
    speed: Speed = 80.0,
    state: Annotated[Path | None, typer.Option(help="State directory of the box.")] = None,
    boxes: Annotated[int, typer.Option(min=1, max=20, help="Wallboxes; the first plays the session.")] = 1,
    page: Page = None,
    verbose: Verbose = False,
) -> None:
    """Charge a car: wallbox, central system, page and one session, then a prompt.

    The page is not there with --once. Status 0 only if everything happened as expected.

    Example: pilotwire demo --once
    """
    from pilotwire import demo as module

    _run(
        module.run(
            once=once,
            as_json=json,
            speed=arguments.speed(speed),
            state_dir=state,
            boxes=boxes,
            page=None if once else arguments.page(page),
            verbose=verbose,
        )
    )


@app.command(short_help="A virtual wallbox.")
def sim(
    csms: Annotated[str, typer.Option(help="URL of the central system, ws:// or wss://.")],
    id: Annotated[str, typer.Option(help="Identity of the charger.")],
    state: Annotated[Path, typer.Option(help="State directory: flash, cable, car, meter.")],
    control: Annotated[str, typer.Option(help="HOST:PORT of the control socket.")] = "127.0.0.1:0",
    connectors: Annotated[int, typer.Option(min=1, max=2, help="Connectors of the box.")] = 1,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting, repeatable.")
    ] = None,
    root: Root = None,
    client_cert: ClientCert = None,
    client_key: ClientKey = None,
    speed: Speed = 1.0,
    heap: Annotated[str, typer.Option(help="Heap of the firmware in chip bytes.")] = "112K",
    page: Page = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Run a virtual wallbox until Ctrl-C; it is driven over its control socket and its page.

    Its AuthorizationKey may be in PILOTWIRE_AUTHORIZATION_KEY; SecurityProfile is one of the settings.

    Example: pilotwire sim --csms ws://127.0.0.1:9000 --id CP1 --state /tmp/cp1
    """
    settings = _settings(set_)
    settings["CentralSystemURL"] = arguments.csms_url(csms)
    settings["ChargePointId"] = arguments.charger_id(id)
    options = {
        "settings": settings,
        "connectors": connectors,
        "speed": arguments.speed(speed),
        "heap": arguments.heap_bytes(heap),
        "control": arguments.address(control),
        "files": _files(root, client_cert, client_key),
    }

    from pilotwire import commands

    _run(commands.sim(state, options, page=arguments.page(page), as_json=json, verbose=verbose))


@app.command(short_help="A central system for development, with its page.")
def csms(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port, 0 for a free one.")] = 9000,
    certificate: Annotated[Path | None, typer.Option(metavar="FILE", help="PEM of the server's certificate: wss.")] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="PEM of its key, if it is not in there.")] = None,
    client_ca: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM of who signs chargers' certificates, for profile 3.")
    ] = None,
    password: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            envvar="PILOTWIRE_AUTHORIZATION_KEY",
            show_envvar=False,
            help="AuthorizationKey that chargers must have, for profiles 1 and 2; better in PILOTWIRE_AUTHORIZATION_KEY.",
        ),
    ] = None,
    page: Page = None,
    json: Json = False,
) -> None:
    """Run the development central system and its page until Ctrl-C; ends with a summary.

    With --client-ca a charger must have a certificate, or else the password if there is one.

    Example: pilotwire csms --port 9000 --certificate server.pem --key server.key
    """
    from pilotwire import commands
    from pilotwire.csms import credentials

    ssl = credentials.server_tls(certificate, key, client_ca, demand=not password)
    wanted = credentials.authorization_key(password) if password else None
    _run(commands.csms(host, port, ssl=ssl, password=wanted, page=arguments.page(page), as_json=json))


@app.command(short_help="Takes in what chargers upload, and serves them files.")
def relay(
    to: Annotated[str, typer.Option(help="Where files go: a directory, s3://, gs:// or az://.")],
    spool: Annotated[Path, typer.Option(help="Directory for what waits; one for each relay.")] = Path("spool"),
    files: Annotated[Path | None, typer.Option(help="Directory that chargers may fetch from.")] = None,
    users: Annotated[Path | None, typer.Option(help="File of NAME:PASSWORD lines; else anybody may.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    http: Annotated[int, typer.Option(min=-1, max=65535, help="Port, 0 for a free one, -1 for none.")] = 8080,
    ftp: Annotated[int, typer.Option(min=-1, max=65535, help="Port of FTP, with TLS on demand.")] = 2121,
    ftps: Annotated[int, typer.Option(min=-1, max=65535, help="Port of FTP with TLS at once.")] = -1,
    certificate: Annotated[Path | None, typer.Option(help="PEM: HTTPS, and TLS for FTP.")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM of the certificate's key.")] = None,
    passive_ports: Annotated[str | None, typer.Option(help="FIRST-LAST of FTP's data connections.")] = None,
    quota: Annotated[str, typer.Option(help="What a user may have in the spool.")] = "100M",
    store: Annotated[
        list[str] | None, typer.Option("--store", metavar="KEY=VALUE", help="An option of the store, repeatable.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="End when one file has been passed on.")] = False,
    json: Json = False,
) -> None:
    """Take in what chargers upload over HTTP and FTP, pass it on, and serve files to them.

    Example: pilotwire relay --to s3://bucket/chargers --users users.txt --files bundles
    """
    from pilotwire.relay import Options, command
    from pilotwire.relay.options import read_users

    options = Options(
        spool=spool,
        to=to,
        files=files,
        users=read_users(users) if users else {},
        quota=arguments.size(quota),
        host=host,
        http_port=None if http < 0 else http,
        ftp_port=None if ftp < 0 else ftp,
        ftps_port=None if ftps < 0 else ftps,
        certificate=certificate,
        key=key,
        passive_ports=arguments.port_range(passive_ports) if passive_ports else None,
        store=arguments.settings(store or []),
    )
    _run(command.run(options, once=once, as_json=json))


@app.command(short_help="A diagnostics file, readably.")
def diagnostics(
    file: Annotated[Path, typer.Argument(help="Diagnostics file of a charger, - for stdin.")],
    json: Json = False,
) -> None:
    """Show a diagnostics file readably: resets, errors, queue, wear, and what happened when.

    Example: pilotwire diagnostics CP1-diagnostics-20261122T100000Z.jsonl
    """
    from pilotwire.diagnostics import show

    show.run(file, as_json=json)


@app.command(short_help="Scenario files, headless, with a report.")
def play(
    files: Annotated[list[Path], typer.Argument(help="Scenario files; each gets a new box.")],
    csms: Annotated[
        str | None, typer.Option(help="URL of a central system; our own if left out.")
    ] = None,
    id: Annotated[str, typer.Option(help="Identity of the charger.")] = "CP1",
    state: Annotated[Path | None, typer.Option(help="State directory of the box.")] = None,
    connectors: Annotated[int, typer.Option(min=1, max=2, help="Connectors of the box.")] = 1,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting, repeatable.")
    ] = None,
    root: Root = None,
    client_cert: ClientCert = None,
    client_key: ClientKey = None,
    junit: Annotated[Path | None, typer.Option(help="Write a report in JUnit XML there, for CI.")] = None,
    speed: Speed = 60.0,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Play scenario files without a person; status 0 only if every line held.

    The box's AuthorizationKey may be in PILOTWIRE_AUTHORIZATION_KEY.

    Example: pilotwire play examples/scenarios/first-session.scn --speed 100
    """
    from pilotwire import play as module

    settings = _settings(set_)
    settings["ChargePointId"] = arguments.charger_id(id)
    if csms is not None:
        settings["CentralSystemURL"] = arguments.csms_url(csms)
    options = {
        "settings": settings,
        "connectors": connectors,
        "speed": arguments.speed(speed),
        "files": _files(root, client_cert, client_key),
    }
    _run(module.play(files, state, options, as_json=json, verbose=verbose, junit=junit))


release_commands.register(app)
board_commands.register(app)


def _settings(items: list[str] | None) -> dict[str, str]:
    """--set items, and the key of the environment, as the firmware's registry has them; UsageError."""
    from pilotwire import registry

    variable = registry.find("AuthorizationKey").variable
    held = {"AuthorizationKey": os.environ[variable]} if variable in os.environ else {}
    return registry.check(held | arguments.settings(items or []))


def _files(root: Path | None, client_cert: Path | None, client_key: Path | None) -> dict[str, bytes]:
    """Certificates as the firmware keeps them; PilotwireError."""
    from pilotwire.extras import Extras, files

    return arguments.root_files(root) | files(Extras(client_cert=client_cert, client_key=client_key))


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Runs a command to its end; Ctrl-C and SIGTERM cancel it, so that it can clean up."""

    async def cancellable() -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await work

    try:
        asyncio.run(cancellable())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def main() -> None:
    """Entry point of `pilotwire`."""
    debug = "--debug" in sys.argv
    arguments_ = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        app(arguments_, prog_name="pilotwire")
    except PilotwireError as error:
        if debug:
            raise
        print(f"pilotwire: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, arguments.UsageError) else 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        from pilotwire.timeline import abandon

        abandon(sys.stdout)
        sys.exit(1)


if __name__ == "__main__":
    main()
