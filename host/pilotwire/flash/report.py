"""What a person sees while a board is flashed: a progress bar on a terminal, plain lines in a pipe, or events as JSON."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

_EVERY_S = 5  # between two lines of progress in a pipe


class Report:
    """Says what happens; `json` prints one object per line instead.

    Use it as a context manager: a bar that was begun ends with it.
    """

    def __init__(self, *, as_json: bool = False, port: str = ""):
        self.as_json, self.port = as_json, port
        self._bar: Any = None
        self._task: Any = None
        self._what = ""
        self._said = 0.0

    def __enter__(self) -> Report:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_bar()

    def say(self, text: str, **data: Any) -> None:
        """One line."""
        self._end_bar()
        if self.as_json:
            line = {"event": "info", "port": self.port, "text": text, **data}
            print(json.dumps(line, default=str), flush=True)
        else:
            print(text, flush=True)

    def warn(self, text: str) -> None:
        """One line that is not to be overlooked."""
        self.say(f"note: {text}", level="warning")

    def progress(self, what: str, done: int, total: int) -> None:
        """`done` of `total` bytes of `what`; total 0 where it is not known."""
        if self.as_json:
            return
        if not sys.stdout.isatty():
            self._plain(what, done, total)
            return
        if self._bar is None or what != self._what:
            self._end_bar()
            self._begin_bar(what, total)
        bar: Any = self._bar
        bar.update(self._task, completed=done, total=total or None)

    def _plain(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what != self._what:
            self._what, self._said = what, now
        elif total and done < total and now - self._said >= _EVERY_S:
            self._said = now
            print(f"{what}: {100 * done // total} %", flush=True)

    def _begin_bar(self, what: str, total: int) -> None:
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        self._what = what
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, transient=True)
        self._task = self._bar.add_task(what, total=total or None)
        self._bar.start()

    def _end_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        self._what = ""
