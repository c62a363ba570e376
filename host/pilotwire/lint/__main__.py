"""Runs every check, prints what they found, and exits 1 if something must be done."""

import subprocess
import sys

from pilotwire import build
from pilotwire.errors import PilotwireError
from pilotwire.lint import arrows, device, types
from pilotwire.lint.findings import Finding, Source, device_sources


def main() -> int:
    root = build.repository()
    running = types.start(root)
    ruff = subprocess.Popen(
        [sys.executable, "-m", "ruff", "check", "--quiet", "--output-format", "concise", "."],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    parsed = list(device_sources(root))
    sources = [s for s in parsed if isinstance(s, Source)]
    findings = [f for f in parsed if isinstance(f, Finding)]
    findings += arrows.check(sources)
    users = list(device_sources(root, ("firmware", "lib", "boards", "tests")))
    used = device.names_used(s for s in users if isinstance(s, Source))
    for source in sources:
        findings += device.check(source, used)
    for kind, process in running.items():
        findings += types.findings(root, kind, process)
    for finding in sorted(findings):
        print(finding)
    output, _ = ruff.communicate()
    print(output, end="")
    errors = sum(not f.warning for f in findings) + output.count("\n")
    print(f"lint: {errors} errors" if errors else f"lint: {len(sources)} device files and all of the host, ok")
    return 1 if errors else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PilotwireError as error:
        print(f"pilotwire: {error}", file=sys.stderr)
        sys.exit(1)
