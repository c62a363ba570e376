"""Counters of a relay, shown in the text format of Prometheus."""

import threading
from collections import Counter

_HELP = {
    "received_total": ("counter", "Files taken in and acknowledged."),
    "received_bytes_total": ("counter", "Their bytes."),
    "refused_total": ("counter", "Uploads that were refused or broke off, by reason."),
    "served_total": ("counter", "Files fetched, or parts of them."),
    "passed_on_total": ("counter", "Files that the store has taken."),
    "failures_total": ("counter", "Tries in which the store took nothing."),
    "waiting": ("gauge", "Files that wait for the store."),
}


class Metrics:
    """`count("received_total", via="ftp")`; any thread may."""

    def __init__(self) -> None:
        self._values: Counter[tuple[str, tuple[tuple[str, str], ...]]] = Counter()
        self._guard = threading.Lock()

    def count(self, name: str, by: int = 1, **labels: str) -> None:
        """Adds to a counter."""
        with self._guard:
            self._values[name, tuple(sorted(labels.items()))] += by

    def value(self, name: str) -> int:
        """The sum over all labels."""
        with self._guard:
            return sum(value for (known, _), value in self._values.items() if known == name)

    def text(self, waiting: int) -> str:
        """All of them, for a scrape."""
        with self._guard:
            values = dict(self._values)
        values["waiting", ()] = waiting
        out = []
        for name, (kind, text) in _HELP.items():
            out += [f"# HELP pilotwire_relay_{name} {text}", f"# TYPE pilotwire_relay_{name} {kind}"]
            found = {labels: value for (known, labels), value in values.items() if known == name} or {(): 0}
            for labels, value in sorted(found.items()):
                inside = ",".join(f'{key}="{label}"' for key, label in labels)
                out.append(f"pilotwire_relay_{name}{'{' + inside + '}' if inside else ''} {value}")
        return "\n".join(out) + "\n"
