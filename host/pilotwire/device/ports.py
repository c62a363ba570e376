"""Serial ports: which there are, which one is meant, and what to do when it cannot be opened.

    port = choose(None)                     # the only one that looks like an ESP32, else an error that lists them
    line = open_line("/dev/ttyUSB0")        # a pyserial object that does not reset the board

A port may also be a URL that pyserial understands, `socket://HOST:PORT` or `rfc2217://HOST:PORT`.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any, NamedTuple

from pilotwire.errors import PilotwireError

BAUD = 115200

# USB vendors of what sits between an ESP32 and its USB socket.
_VENDORS = {
    0x303A: "Espressif",
    0x10C4: "Silicon Labs CP210x",
    0x1A86: "WCH CH340/CH9102",
    0x0403: "FTDI",
    0x067B: "Prolific PL2303",
}


class Port(NamedTuple):
    """A serial port of this computer; `vid` and `pid` are None where it is no USB device."""

    device: str
    description: str
    vid: int | None
    pid: int | None

    def __str__(self) -> str:
        usb = "" if self.vid is None else f"{self.vid:04x}:{self.pid or 0:04x} "
        return f"{self.device} ({usb}{self.description})"


def found() -> list[Port]:
    """All ports of this computer, those that may be an ESP32 first."""
    from serial.tools import list_ports

    ports = []
    for info in list_ports.comports():
        text = info.description if info.description not in (None, "n/a") else ""
        text = text or _VENDORS.get(info.vid or 0, "serial port")
        ports.append(Port(info.device, text, info.vid, info.pid))
    return sorted(ports, key=lambda port: (port.vid not in _VENDORS, port.device))


def boards() -> list[Port]:
    """Ports that may be an ESP32: USB devices of the vendors whose bridges are on such boards."""
    return [port for port in found() if port.vid in _VENDORS]


def choose(asked: str | None) -> str:
    """The port to use.

    Args:
        asked: what --port said; None takes that of PILOTWIRE_PORT, else the only one that may be an ESP32.

    Raises:
        PilotwireError: it does not exist or may not be opened, or there is not exactly one to
            choose from; names the ports that were found.
    """
    asked = asked or os.environ.get("PILOTWIRE_PORT")
    if asked:
        check(asked)
        return asked
    candidates = boards()
    if len(candidates) == 1:
        check(candidates[0].device)
        return candidates[0].device
    if candidates:
        raise PilotwireError(
            "cannot choose a port",
            f"there are {len(candidates)} that may be a board: " + "; ".join(map(str, candidates)),
            "name one with --port",
        )
    raise PilotwireError(
        "no board was found",
        listed(),
        "connect it with a USB cable that carries data, or name the port with --port",
    )


def listed() -> str:
    """The ports of this computer in words."""
    ports = found()
    if not ports:
        return "this computer has no serial port"
    return "the serial ports are " + "; ".join(map(str, ports))


def check(port: str) -> None:
    """PilotwireError when the port is not there, is no serial port, or may not be opened."""
    if "://" in port or os.name == "nt":
        return
    path = Path(port)
    try:
        mode = path.stat().st_mode
    except OSError:
        raise PilotwireError(
            f"there is no port {port}", listed(), "check the cable, or name another with --port"
        )
    if not stat.S_ISCHR(mode):
        raise PilotwireError(f"{port} is no serial port", listed(), "name another with --port")
    if not os.access(path, os.R_OK | os.W_OK):
        raise denied(port)


def denied(port: str) -> PilotwireError:
    """The error for a port that this user may not open."""
    return PilotwireError(
        f"cannot open {port}",
        "permission denied",
        f"add yourself to the port's group ({_group(port)}) with "
        f"`sudo usermod -aG {_group(port)} $USER` and log in again",
    )


def _group(port: str) -> str:
    """Group that owns the port: dialout on Debian, uucp on Arch."""
    try:
        name = Path(port).group()
    except (OSError, KeyError):
        return "dialout"
    return name if name != "root" else "dialout"


def refused(port: str, error: Exception) -> PilotwireError:
    """What a failure to open a port means, as an error for a person."""
    number = getattr(error, "errno", None)
    text = str(error)
    if number in (errno.EACCES, errno.EPERM) or "Permission denied" in text:
        return denied(port)
    if number == errno.ENOENT or "No such file" in text:
        return PilotwireError(
            f"there is no port {port}", listed(), "check the cable, or name another with --port"
        )
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text or "busy" in text:
        return PilotwireError(
            f"cannot open {port}",
            "another program uses it",
            "close the serial monitor or the other pilotwire that holds it",
        )
    return PilotwireError(
        f"cannot open {port}", text.split("\n")[0].rstrip("."), "check the cable and --port"
    )


def open_line(port: str, *, baud: int = BAUD, timeout: float | None = 0.1) -> Any:
    """The port as an object of pyserial, opened without a reset of the board.

    DTR and RTS stay off: on most boards they drive EN and IO0.

    Raises:
        PilotwireError: it cannot be opened.
    """
    import serial

    try:
        options: dict[str, Any] = {"baudrate": baud, "timeout": timeout, "do_not_open": True}
        if "://" not in port:
            options["exclusive"] = True
        line = serial.serial_for_url(port, **options)
        line.dtr = line.rts = False
        line.open()
    except (OSError, ValueError) as error:  # SerialException is an OSError
        raise refused(port, error)
    return line
