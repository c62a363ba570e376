"""Where both servers of a relay meet: begins, ends and counts what they take in and give out."""

from collections.abc import Callable
from pathlib import Path

from pilotwire.relay.metrics import Metrics
from pilotwire.relay.options import Options
from pilotwire.relay.spool import Refused, Spool, Upload, safe


class Desk:
    """
    Args:
        options, spool, metrics: of the relay.
        tell: called with (sentence, data) for the log; from any thread.
        came: called when a file has been acknowledged; from any thread.

    Attributes:
        active: uploads that come in now, for who shows their progress.
    """

    def __init__(
        self,
        options: Options,
        spool: Spool,
        metrics: Metrics,
        tell: Callable[[str, dict], None],
        came: Callable[[], None],
    ):
        self.options, self.spool, self.metrics = options, spool, metrics
        self.active: set[Upload] = set()
        self._tell, self._came = tell, came

    def begin(self, user: str, name: str, via: str, size: int | None) -> Upload:
        """An upload begins; Refused."""
        upload = self.spool.begin(user, name, size)
        self.active.add(upload)
        self._tell(f"{user} sends {upload.name}", {"via": via, "user": user, "name": upload.name})
        return upload

    def commit(self, upload: Upload, via: str) -> None:
        """It is whole; once this returns it may be acknowledged. Refused."""
        upload.commit()
        self.metrics.count("received_total", via=via)
        self.metrics.count("received_bytes_total", upload.received, via=via)
        data = {"via": via, "user": upload.user, "name": upload.name, "bytes": upload.received}
        self._tell(f"{upload.name} of {upload.user} is there, {upload.received} bytes", data)
        self._came()

    def publish(self, upload: Upload, via: str) -> None:
        """The same for a file that chargers may fetch: it takes the place of the one with its name."""
        assert self.options.files
        upload.publish(self.options.files)
        self._tell(f"{upload.name} may be fetched, {upload.received} bytes", {"via": via, "name": upload.name})

    def over(self, upload: Upload) -> None:
        """An upload has ended, well or not."""
        upload.close()
        self.active.discard(upload)

    def refused(self, user: str, via: str, refused: Refused) -> None:
        """An upload was not taken."""
        self.metrics.count("refused_total", reason=refused.kind)
        self._tell(f"nothing taken of {user}: {refused}", {"via": via, "user": user, "level": "warning"})

    def served(self, name: str) -> Path:
        """The file that chargers know by this name; Refused if there is none."""
        if self.options.files is not None and "/" not in name and not name.startswith("."):
            file = self.options.files / safe(name)
            if file.is_file():
                return file
        raise Refused("name", "there is no such file")

    def fetched(self, file: Path, via: str) -> None:
        """A file, or a part of it, is given out."""
        self.metrics.count("served_total", via=via)
        self._tell(f"{file.name} is fetched", {"via": via, "name": file.name})
