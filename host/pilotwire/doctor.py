"""`pilotwire doctor`: what is wrong with this computer, the port, the board on it or its network, and what to do about it.

Every check gives a `Finding`; nothing is changed on the board, but its program is stopped and started again. The parts that
are more than a line or two are in `pilotwire.diagnosis`.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import platform
import sys
from collections.abc import Iterator
from typing import Any

from pilotwire import __version__, boards, build, runtime, settings_file
from pilotwire.device import ports
from pilotwire.diagnosis import central, pilot, start
from pilotwire.diagnosis.finding import ERROR, OK, WARNING, Finding
from pilotwire.errors import PilotwireError
from pilotwire.flash.firmware_image import SUPPORTED

_MARKS = {OK: "  ok    ", WARNING: "  look  ", ERROR: "  WRONG "}
_MIN_FREE = 104 * 1024  # bytes of heap before the firmware starts
_MPY = 6 | 3 << 8  # as `sys.implementation._mpy & 0x3ff` has version 6.3
_EPOCH_2026 = 820454400  # seconds since 2000: a clock before it was never set


def host() -> Iterator[Finding]:
    """This computer: Python, the programs that build and flash."""
    version = platform.python_version()
    good = sys.version_info >= (3, 11)
    yield Finding(OK if good else ERROR, "Python", version, "" if good else "install Python 3.11 or later")
    yield Finding(OK, "pilotwire", __version__)
    for package, needed in (("esptool", True), ("mpremote", True), ("pyserial", True), ("mpflash", False)):
        try:
            yield Finding(OK, package, importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            do = "pip install --upgrade pilotwire" if needed else "needed for downloads alone: pip install 'pilotwire[download]'"
            yield Finding(ERROR if needed else WARNING, package, "not installed", do)
    try:
        mpy = runtime.compiler_mpy()
        yield Finding(OK, "mpy-cross", f"writes .mpy {mpy & 0xFF}.{mpy >> 8 & 3}")
    except PilotwireError as error:
        yield Finding(ERROR, "mpy-cross", error.why or error.what, error.do)
    try:
        build.repository()
    except PilotwireError as error:
        yield Finding(ERROR, "sources", error.why, error.do)


# On the board, in one go: everything that can be asked without changing anything.
_ASK = """
import gc, os, sys
gc.collect()
d = {'release': list(sys.implementation.version[:3]), 'machine': getattr(sys.implementation, '_machine', ''),
     'mpy': sys.implementation._mpy & 0x3ff, 'free': gc.mem_free(), 'platform': sys.platform}
try:
    import esp32
    P = esp32.Partition
    d['partitions'] = [list(p.info()[:5]) for k in (P.TYPE_APP, P.TYPE_DATA) for p in P.find(k)]
except ImportError:
    pass
try:
    import esp
    d['flash'] = esp.flash_size()
except ImportError:
    pass
try:
    s = os.statvfs('/')
    d['blocks'] = [s[1], s[2], s[3]]
except OSError as e:
    d['fs_error'] = str(e)
try:
    import time
    d['time'] = time.time()
    d['epoch'] = time.gmtime(0)[0]
except (ImportError, AttributeError):
    pass
def _text(name):
    try:
        with open(name) as f:
            return f.read()
    except OSError:
        return None
d['slot'] = _text('/slot')
d['board'] = _text('/board.json')
for s in 'ab':
    d['build_' + s] = _text('/' + s + '/build.json')
"""


def board(port: str) -> Iterator[Finding]:
    """The board on that port, over its raw REPL; then what its firmware says of its start, and the way to its central system."""
    from pilotwire.device.raw_repl import LiveBoard

    with LiveBoard(port) as live:
        told = live.json(_ASK, "d")
        settings = live.read(settings_file.PATH)
        levels = live.json(pilot.ASK, "pilot")
        roots = [data for n in range(1, 10) if (data := live.read(f"/data/root{n}.der"))]
    yield from judge(told, settings)
    with contextlib.suppress(ValueError, KeyError, TypeError):
        yield from pilot.judge(json.loads(told["board"]), levels)
    yield from start.watch(port)
    try:
        url = settings_file.load(settings or b"").get("CentralSystemURL")
    except PilotwireError:
        return  # judge() has said so
    if url:
        yield from central.look(url, roots)


def judge(told: dict[str, Any], settings: bytes | None) -> Iterator[Finding]:
    """What the board's answers mean; no I/O."""
    release = ".".join(map(str, told["release"]))
    machine = told["machine"] or told["platform"]
    good = told["mpy"] == _MPY
    yield Finding(
        OK if good else ERROR,
        "MicroPython",
        f"{release} on {machine}, reads .mpy {told['mpy'] & 0xFF}.{told['mpy'] >> 8 & 3}",
        "" if good else f"flash MicroPython {SUPPORTED} with `pilotwire flash`",
    )
    free = told["free"]
    enough = free >= _MIN_FREE
    yield Finding(
        OK if enough else WARNING, "heap", f"{free >> 10} KB free", "" if enough else "a stock image has 160 KB: flash one"
    )
    yield from _config(told)
    yield from _partitions(told)
    yield from _files(told, settings)
    yield from _clock(told)


def _config(told: dict[str, Any]) -> Iterator[Finding]:
    do = "flash the board with `pilotwire flash BOARD`"
    try:
        config = json.loads(told["board"] or "")
        name, flash_mb = config["id"], config["flash_mb"]
    except (ValueError, KeyError, TypeError):
        yield Finding(ERROR, "board.json", "there is none" if not told["board"] else "it cannot be read", do)
        return
    yield Finding(OK, "board.json", name)
    if "flash" not in told:
        return
    there = told["flash"] >> 20
    fits = there >= flash_mb
    yield Finding(OK if fits else ERROR, "flash", f"{there} MB", "" if fits else f"{name} needs {flash_mb} MB: {do}")


def _partitions(told: dict[str, Any]) -> Iterator[Finding]:
    if "partitions" not in told:
        return
    found = {row[4]: row for row in told["partitions"]}
    missing = [name for name in ("vfs", "ledger") if name not in found]
    if missing:
        do = "write our partition table with `pilotwire flash BOARD --repartition`"
        yield Finding(ERROR, "partitions", f"no {' and no '.join(missing)}", do)
        return
    tables = [{p.name: (p.offset, p.size) for p in boards.partitions(mb)} for mb in (4, 8)]
    ours = any(all(tuple(found[n][2:4]) == table[n] for n in ("vfs", "ledger")) for table in tables)
    sizes = ", ".join(f"{name} {row[3] >> 10} KB" for name, row in found.items())
    yield Finding(OK if ours else WARNING, "partitions", sizes, "" if ours else "they are not where `pilotwire flash` puts them")


def _files(told: dict[str, Any], settings: bytes | None) -> Iterator[Finding]:
    if "fs_error" in told:
        yield Finding(ERROR, "file system", told["fs_error"], "flash the board again; its ledger stays")
        return
    size, blocks, free = told["blocks"]
    roomy = free * 10 >= blocks
    do = "" if roomy else "flash the board again: it then holds only what it needs; its ledger stays"
    yield Finding(OK if roomy else WARNING, "file system", f"{free * size >> 10} of {blocks * size >> 10} KB free", do)
    slot = (told["slot"] or "a")[:1]
    slot = slot if slot in ("a", "b") else "a"
    about = told.get(f"build_{slot}")
    try:
        version = json.loads(about or "")
        text = f"{slot}: pilotwire {version['version']}, build {version['hash']}"
        fits = version["mpy"] == told["mpy"]
        do = "" if fits else "it is compiled for another MicroPython: `pilotwire upload`"
        yield Finding(OK if fits else ERROR, "slot", text, do)
    except (ValueError, KeyError, TypeError):
        yield Finding(ERROR, "slot", f"{slot}: there is no app in it", "send it with `pilotwire upload`")
    yield from _settings(settings, wired='"lan"' in (told["board"] or ""))


def _settings(settings: bytes | None, wired: bool) -> Iterator[Finding]:
    do = "`pilotwire provision` asks for what is missing"
    if settings is None:
        yield Finding(WARNING, "settings", "nothing is set", do)
        return
    try:
        values = settings_file.load(settings)
    except PilotwireError as error:
        yield Finding(ERROR, "settings", error.why, do)
        return
    needed = ["CentralSystemURL", "ChargePointId"] + ["WifiSsid"] * (not wired)
    missing = [name for name in needed if not values.get(name)]
    if missing:
        yield Finding(WARNING, "settings", f"not set: {', '.join(missing)}", do)
    else:
        yield Finding(OK, "settings", f"{values['ChargePointId']} at {values['CentralSystemURL']}")


def _clock(told: dict[str, Any]) -> Iterator[Finding]:
    if "time" not in told:
        return
    seconds = told["time"] - (946684800 if told.get("epoch") == 1970 else 0)
    set_ = seconds >= _EPOCH_2026
    text = "set" if set_ else "not set since power was switched on"
    yield Finding(OK if set_ else WARNING, "clock", text, "" if set_ else "it is set by the central system: look at the network")


def run(port: str | None, *, host_only: bool, as_json: bool) -> None:
    """`pilotwire doctor`; PilotwireError (status 1) when something is wrong.

    Args:
        port: None to find it.
        host_only: do not look for a board.
        as_json: the findings as a JSON array.
    """
    findings = list(host())
    if not host_only:
        try:
            chosen = ports.choose(port)
            findings.append(Finding(OK, "port", chosen))
            findings += board(chosen)
        except PilotwireError as error:
            why = ", ".join(part for part in (error.what, error.why) if part)
            findings.append(Finding(ERROR, "board", why, error.do))
    if as_json:
        print(json.dumps([finding._asdict() for finding in findings], indent=2))
    else:
        for finding in findings:
            print(f"{_MARKS[finding.level]}{finding.about:<12} {finding.text}")
            if finding.do:
                print(f"{'':8}{'':<12} -> {finding.do}")
    wrong = [finding.about for finding in findings if finding.level == ERROR]
    if wrong:
        raise PilotwireError(f"something is wrong: {', '.join(wrong)}", "", "see above")
