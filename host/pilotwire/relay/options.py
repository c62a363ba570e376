"""What a relay is told, and the file of its users."""

from dataclasses import dataclass, field
from pathlib import Path

from pilotwire.errors import PilotwireError

PUBLISHER = "publisher"  # the user who may put files where chargers fetch them


@dataclass
class Options:
    """
    Attributes:
        spool: directory for what was taken in and not passed on yet.
        to: where it goes: a directory, or a URL that obstore knows (s3://, gs://, az://, file://).
        files: directory of what chargers may fetch; None: nothing.
        users: name -> password of those who may upload; empty: anybody, as "anonymous".
        quota: bytes that one user may have in the spool, which bounds one file as well.
        host: address to listen on; the ports are free ones where 0, and None switches a server off.
        certificate, key: PEM files; with them HTTP is HTTPS, FTP offers TLS, and `ftps_port` is FTPS from the first byte.
        passive_ports: (first, last) of FTP's data connections; None: any.
        stall_s: how long an upload may be silent.
        store: options of the store, as obstore names them (endpoint, region, credentials).
    """

    spool: Path
    to: str
    files: Path | None = None
    users: dict[str, str] = field(default_factory=dict)
    quota: int = 100 * 1024 * 1024
    host: str = "127.0.0.1"
    http_port: int | None = 0
    ftp_port: int | None = 0
    ftps_port: int | None = None
    certificate: Path | None = None
    key: Path | None = None
    passive_ports: tuple[int, int] | None = None
    stall_s: float = 60.0
    store: dict[str, str] = field(default_factory=dict)


def read_users(file: Path) -> dict[str, str]:
    """Lines NAME:PASSWORD, blank ones and those with # left out; PilotwireError."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PilotwireError(f"cannot read {file}", str(getattr(error, "strerror", None) or "it is not UTF-8 text"))
    users: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, password = line.partition(":")
        if not colon or not name or not password or name in users:
            raise PilotwireError(f"{file}, line {number}", "", "write NAME:PASSWORD, each name once")
        users[name] = password
    return users
