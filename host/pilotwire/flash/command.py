"""`pilotwire flash`: one board, or every board that is connected."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pilotwire import __version__, boards, build, registry, settings_file
from pilotwire.arguments import UsageError
from pilotwire.boards import CHIPS, Board
from pilotwire.device import ports
from pilotwire.errors import PilotwireError
from pilotwire.extras import Extras, with_pulses
from pilotwire.extras import files as extra_files
from pilotwire.flash import first_boot, plan, source
from pilotwire.flash.firmware_image import FirmwareImage
from pilotwire.flash.report import Report
from pilotwire.provision import setup_password


@dataclass
class Options:
    """What the command line said; see `pilotwire flash --help`."""

    board: str
    port: str | None = None
    image: Path | None = None
    settings: dict[str, str] = field(default_factory=dict)
    extras: Extras = field(default_factory=Extras)
    baud: int = 460800
    all_ports: bool = False
    erase: bool = False
    erase_ledger: bool = False
    repartition: bool = False
    trust_image: bool = False
    lines: bool = False
    production: bool = False
    wait: bool = True
    dry_run: bool = False
    as_json: bool = False


def run(options: Options) -> None:
    """Do it; PilotwireError for whatever is in the way, with nothing written unless it says so."""
    if options.all_ports and options.port:
        raise UsageError("--port and --all-ports exclude each other", "", "give one of them")
    board = boards.find(options.board)
    if board.id == "virtual":
        raise UsageError("the virtual board is not flashed", "", "start it with `pilotwire sim`")
    given = extra_files(options.extras)
    if options.extras.pulses is not None:
        board = replace(board, text=with_pulses(board.text, options.extras.pulses))
    report = Report(as_json=options.as_json)
    with report:
        image = source.load(
            CHIPS[board.chip],
            options.image,
            trust=options.trust_image,
            say=report.say,
            progress=report.progress,
        )
        if image.warning:
            report.warn(image.warning)
        made = build.files(lines=options.lines)
        if options.production:
            made = build.production(made)
        files = plan.device_files(board, made | given)
        if options.dry_run:
            _dry_run(board, image, files, options, report)
            return
        if not options.all_ports:
            _one(ports.choose(options.port), board, image, files, options, report)
            return
    _all(board, image, files, options)


def _all(board: Board, image: FirmwareImage, files: dict[str, bytes], options: Options) -> None:
    found = ports.boards()
    if not found:
        raise PilotwireError("no board was found", ports.listed(), "connect the boards by USB")
    failed = []
    for port in found:
        with Report(as_json=options.as_json, port=port.device) as report:
            report.say(f"== {port}")
            try:
                _one(port.device, board, image, files, options, report)
            except PilotwireError as error:
                failed.append(port.device)
                report.say(f"failed: {error}", level="error")
    if failed:
        raise PilotwireError(
            f"{len(failed)} of {len(found)} boards were not flashed", ", ".join(failed), "see above"
        )


def _one(
    port: str,
    board: Board,
    image: FirmwareImage,
    files: dict[str, bytes],
    options: Options,
    report: Report,
) -> None:
    from pilotwire.flash.writer import Session

    report.port = port
    with Session(port, options.baud, report) as session:
        if session.chip != board.chip:
            other = CHIPS[session.chip].name if session.chip in CHIPS else session.chip
            fitting = [b.id for b in boards.known() if b.chip == session.chip and b.id != "virtual"]
            do = f"boards with it: {', '.join(fitting)}" if fitting else "see `pilotwire boards`"
            raise PilotwireError(
                f"{board.id} is not what is connected to {port}",
                f"its chip is {other}, not {CHIPS[board.chip].name}",
                do,
            )
        size = f"{session.flash_bytes >> 20} MB" if session.flash_bytes else "unknown"
        report.say(f"{port}: {session.chip_text}, MAC {session.mac}, flash {size}")
        settings, password = _settings(options)
        planned = plan.make(
            board,
            image,
            files | settings,
            before=session.table,
            flash_bytes=session.flash_bytes,
            erase=options.erase,
            erase_ledger=options.erase_ledger,
        )
        _confirmed(planned, options, port)
        for loss in planned.losses:
            report.say(f"gone will be {loss}")
        session.write(planned)
    said = _first_boot(port, options, report)
    _summary(board, port, session.mac, image, options, password, said, report)


def _settings(options: Options) -> tuple[dict[str, bytes], str]:
    """The settings file of one board, and the password of its set-up mode: each board has its own."""
    values = {"SetupPassword": setup_password(), **options.settings}
    return {settings_file.PATH: settings_file.dump(registry.lean(values))}, values["SetupPassword"]


def _confirmed(planned: plan.Plan, options: Options, port: str) -> None:
    """Refuse what would lose something and was not asked for."""
    given = {"--repartition": options.repartition, "--erase-ledger": options.erase_ledger}
    missing = [flag for flag in planned.needs if not given[flag]]
    if missing:
        raise PilotwireError(
            f"nothing was written to {port}",
            "the flash has another partition table, and these would be lost: " + "; ".join(planned.losses),
            f"if that is meant, add {' '.join(missing)}",
        )


def _first_boot(port: str, options: Options, report: Report) -> dict[str, Any] | None:
    if not options.wait:
        return None
    report.say("written and verified; waiting for the firmware")
    return first_boot.watch(port)


def _summary(
    board: Board,
    port: str,
    mac: str,
    image: FirmwareImage,
    options: Options,
    password: str,
    said: dict[str, Any] | None,
    report: Report,
) -> None:
    network = "pilotwire-" + mac.replace(":", "")[-6:].upper()
    account = {
        "board": board.id,
        "port": port,
        "mac": mac,
        "micropython": image.version,
        "pilotwire": __version__ if said is None else said["version"],
        "settings": sorted(options.settings),
        "started": said is not None,
        "setup": {"network": network, "password": password},
    }
    if options.as_json:
        print(json.dumps({"event": "done", **account}), flush=True)
        return
    report.say("")
    what = f"pilotwire {account['pilotwire']}, MicroPython {image.version}"
    if said is None:
        report.say(f"{board.id} on {port} is written and verified ({what}); its start was not watched")
    else:
        report.say(f"{board.id} on {port} is a wallbox: {what}")
        now = "in set-up mode" if "setup" in said else said.get("registered") or "not yet registered"
        report.say(f"  it runs slot {said.get('slot')}, {now}")
    report.say(f"  set-up mode: network {network}, password {password}  (write it on the housing)")
    if not options.settings.get("CentralSystemURL"):
        report.say(f"  next: join that network with a phone, or pilotwire provision --port {port}")
    report.say(f"  look: pilotwire monitor --port {port}")


def _dry_run(
    board: Board, image: FirmwareImage, files: dict[str, bytes], options: Options, report: Report
) -> None:
    files = files | _settings(options)[0]
    planned = plan.make(board, image, files, erase=options.erase, erase_ledger=options.erase_ledger)
    if options.as_json:
        account = {
            "event": "plan",
            "board": board.id,
            "erase": [{"offset": r.offset, "size": r.size, "what": r.what} for r in planned.erases],
            "write": [{"offset": r.offset, "size": r.size, "what": r.what} for r in planned.writes],
            "partitions": [p.__dict__ for p in planned.partitions],
            "files": {name: len(data) for name, data in sorted(files.items())},
        }
        print(json.dumps(account), flush=True)
        return
    for region in planned.erases:
        report.say(f"would erase {region.offset:#9x} {region.size:8} bytes  {region.what}")
    for region in planned.writes:
        report.say(f"would write {region.offset:#9x} {region.size:8} bytes  {region.what}")
    for part in planned.partitions:
        report.say(f"  partition {part.offset:#9x} {part.size:8} bytes  {part.name}")
    report.say(f"  {len(files)} files, {sum(map(len, files.values()))} bytes")
