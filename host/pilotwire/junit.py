"""Reports of scenarios as JUnit XML, which every CI system reads: one suite per file, one case per line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from pilotwire.errors import PilotwireError
from pilotwire.player import Report
from pilotwire.scenario import Step

# XML 1.0 has no way to write these.
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass
class Suite:
    """One scenario that was played: `seconds` are real ones, `timeline` is what happened."""

    name: str
    steps: list[Step]
    report: Report
    seconds: float
    timeline: str = ""


def document(suites: list[Suite]) -> bytes:
    """The XML of all of them; a line that was not reached is a skipped case."""
    root = ElementTree.Element("testsuites", name="pilotwire")
    for suite in suites:
        report, failed = suite.report, suite.report.failed
        left_out = len(suite.steps) - len(report.played) - (failed is not None)
        element = ElementTree.SubElement(
            root, "testsuite", name=suite.name, tests=str(len(suite.steps)), failures=str(int(failed is not None)),
            errors="0", skipped=str(left_out), time=f"{suite.seconds:.3f}",
        )  # fmt: skip
        for k, step in enumerate(suite.steps):
            case = ElementTree.SubElement(
                element, "testcase", classname=suite.name, name=_text(f"line {step.number}: {step.text}")
            )
            if k < len(report.played):
                case.set("time", f"{report.seconds[k]:.3f}")
            elif step is failed:
                failure = ElementTree.SubElement(case, "failure", message=_text(report.error))
                failure.text = _text(step.text)
            else:
                ElementTree.SubElement(case, "skipped", message=f"line {failed.number if failed else 0} failed")
        ElementTree.SubElement(element, "system-out").text = _text(suite.timeline)
    ElementTree.indent(root)
    return ElementTree.tostring(root, "utf-8", xml_declaration=True)


def write(path: Path, suites: list[Suite]) -> None:
    """Writes them to a file; PilotwireError if it cannot be written."""
    try:
        path.write_bytes(document(suites))
    except OSError as error:
        raise PilotwireError(f"cannot write {path}", (error.strerror or str(error)).lower()) from None


def _text(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
