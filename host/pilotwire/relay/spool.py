"""What was taken in and not passed on yet: one directory per upload, moved as a whole, so that it is there or is not.

    spool/lock                          held by the relay that works on it
    spool/incoming/ID/USER/NAME         being written; thrown away at a start
    spool/ready/ID/USER/NAME            acknowledged; USER/NAME is its key in the store

IDs sort by time. All methods may be called from any thread.
"""

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shutil
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from pilotwire.errors import PilotwireError

_LONGEST = 200  # bytes of a name


class Refused(Exception):
    """An upload that is not taken: `kind` is "name", "quota" or "disk"."""

    def __init__(self, kind: str, text: str):
        super().__init__(text)
        self.kind = kind


@dataclass(frozen=True)
class Entry:
    """One file that waits: its directory, its key in the store, the file itself."""

    folder: Path
    key: str
    file: Path


def safe(name: str) -> str:
    """The last part of what a client calls a file, fit to be one; Refused if nothing is left of it."""
    name = re.split(r"[/\\]", name)[-1]
    name = "".join(c if c.isprintable() and c not in '<>:"|?*' else "_" for c in name).strip()
    if name.startswith("."):
        name = "_" + name[1:]
    name = name.encode()[:_LONGEST].decode(errors="ignore")
    if not name.strip("_"):
        raise Refused("name", "this is no name of a file")
    return name


class Spool:
    """The spool of one relay; PilotwireError if another relay works on it."""

    def __init__(self, folder: Path, quota: int):
        self.folder, self.quota = folder, quota
        self._used: dict[str, int] = defaultdict(int)
        self._guard = threading.Lock()
        try:
            (folder / "ready").mkdir(parents=True, exist_ok=True)
            self._lock = (folder / "lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PilotwireError(f"{folder} is in use", "another relay works on it", "give each relay a spool of its own")
        except OSError as error:
            raise PilotwireError(f"cannot use {folder} as the spool", error.strerror or str(error))
        shutil.rmtree(folder / "incoming", ignore_errors=True)
        (folder / "incoming").mkdir()
        for entry in self.waiting():
            self._used[entry.key.partition("/")[0]] += entry.file.stat().st_size

    def close(self) -> None:
        """Lets another relay have the spool."""
        self._lock.close()

    def begin(self, user: str, name: str, size: int | None = None) -> "Upload":
        """A file begins to come in; Refused if it can not be taken."""
        return Upload(self, safe(user), safe(name), size)

    def waiting(self) -> list[Entry]:
        """What is to be passed on, the oldest first."""
        found = []
        for folder in sorted((self.folder / "ready").iterdir()):
            with contextlib.suppress(FileNotFoundError):  # passed on meanwhile
                found += [Entry(folder, f"{user.name}/{f.name}", f) for user in folder.iterdir() for f in user.iterdir()]
        return found

    def done(self, entry: Entry) -> None:
        """The store has it."""
        size = entry.file.stat().st_size
        # Renamed first: half a directory in `ready` would be passed on again.
        gone = self.folder / "incoming" / entry.folder.name
        entry.folder.rename(gone)
        sync(self.folder / "ready")
        self.take(entry.key.partition("/")[0], -size)
        shutil.rmtree(gone, ignore_errors=True)

    def take(self, user: str, size: int) -> None:
        """Counts bytes of a user; Refused beyond the quota."""
        with self._guard:
            if size > 0 and self._used[user] + size > self.quota:
                raise Refused("quota", f"over {self.quota} bytes for {user}")
            self._used[user] += size


class Upload:
    """A file that comes in; `write` and then `commit`, or `close` to throw it away. Looks like a file to pyftpdlib."""

    def __init__(self, spool: Spool, user: str, name: str, size: int | None):
        if size is not None and size > spool.quota:
            raise Refused("quota", f"{size} bytes are over the quota of {spool.quota}")
        self.user, self.name, self.size = user, name, size
        self.received = 0
        self.closed = False
        self._spool = spool
        self.id = f"{time.time_ns():020}-{secrets.token_hex(4)}"
        self._folder = spool.folder / "incoming" / self.id
        try:
            (self._folder / user).mkdir(parents=True)
            self._file = (self._folder / user / name).open("xb")
        except OSError as error:
            raise _disk(error)

    def write(self, data: bytes) -> int:
        """Takes a piece; Refused over quota or on a full disk."""
        self._spool.take(self.user, len(data))
        self.received += len(data)
        try:
            return self._file.write(data)
        except OSError as error:
            raise _disk(error)

    def commit(self) -> None:
        """Whole and on disk when this returns: now it may be acknowledged; Refused if it is not."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            sync(self._folder / self.user)
            sync(self._folder)
            self._folder.rename(self._spool.folder / "ready" / self._folder.name)
            sync(self._spool.folder / "ready")
        except OSError as error:
            raise _disk(error)
        self.closed = True

    def publish(self, folder: Path) -> None:
        """Puts the whole file into a directory in the place of the one with its name; Refused if that can not be."""
        copy = folder / f".{self.id}"
        try:
            self._file.flush()
            shutil.copyfile(self._file.name, copy)
            with copy.open("rb") as file:
                os.fsync(file.fileno())
            copy.replace(folder / self.name)
            sync(folder)
        except OSError as error:
            copy.unlink(missing_ok=True)
            raise _disk(error)

    def close(self) -> None:
        """Throws away what was not committed."""
        if not self.closed:
            self.closed = True
            self._file.close()
            self._spool.take(self.user, -self.received)
            shutil.rmtree(self._folder, ignore_errors=True)


def sync(folder: Path) -> None:
    """Names in a directory survive a power cut from here on."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _disk(error: OSError) -> Refused:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return Refused("disk", "no space left" if full else f"cannot be stored: {error.strerror}")
