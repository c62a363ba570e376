"""Command line of `make soak`."""

import argparse
import asyncio
import sys
from pathlib import Path

from pilotwire.demo import print_table
from pilotwire.errors import PilotwireError
from pilotwire.soak.run import soak


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Exit status 0 if every Wh was billed once, 1 if not."""
    parser = argparse.ArgumentParser(prog="python -m pilotwire.soak", description="Everything at once; then the account.")
    parser.add_argument("--minutes", type=float, default=3, help="of real time; a chapter that has begun is ended")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--chapter", type=int, default=1, help="to begin with, to see one again that has failed")
    options = parser.parse_args()
    log = Path("build") / f"soak-{options.seed}.log"
    again = f"make soak MINUTES={options.minutes:g} SEED={options.seed}"
    try:
        summary = asyncio.run(soak(options.seed, options.minutes * 60, log, options.chapter, _progress))
    except PilotwireError as error:
        print(f"pilotwire: {error}\nonce more: {again}", file=sys.stderr)
        return 1
    print_table(f"Soak, seed {options.seed}: every Wh was billed once", summary | {"once more": again})
    return 0


if __name__ == "__main__":
    sys.exit(main())
