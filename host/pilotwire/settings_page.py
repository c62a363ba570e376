"""`make docs`: docs/settings.md, from the registry of settings."""

import sys

from pilotwire import build, registry

_ACCESS = {
    "rw": "read, write",
    "ro": "read",
    "wo": "write only",
    "local": "not by OCPP",
    "secret": "not by OCPP, never shown",
}
_HEAD = """# Settings

Made by `make docs` from `firmware/settings.txt`, the one registry of settings. Those that OCPP reads and writes have the
standard's own names. `pilotwire provision` sets all but the read-only ones; `pilotwire sim --set NAME=VALUE` does for the
virtual wallbox.

| Name | Type | OCPP | Values | Default |
|---|---|---|---|---|
"""


def page() -> str:
    """The page, as it should lie in docs/."""
    rows = [
        f"| {option.name} | {option.type} | {_ACCESS[option.access]} | {option.allowed} | {option.default or ' '} |"
        for option in registry.options().values()
    ]
    return _HEAD + "\n".join(rows) + "\n"


def main() -> int:
    (build.repository() / "docs" / "settings.md").write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
