"""The safety step allocates nothing: on the chip a collection in it would take ten times as long as the step may."""

import json

import pytest
import webassembly

from pilotwire import build

_TEST = {"fake_board": "tests/firmware/fake_board.py", "step_script": "tests/host/step_script.py"}


def files():
    """All modules of the device under their own names, and those of the test, as for the chip: without asserts."""
    root = build.repository()
    paths = {name.removesuffix(".py"): path for name, path in build.sources(root).items()}
    paths |= {name: root / path for name, path in _TEST.items()}
    flags = ("-O3",)
    return {f"/a/{name}.mpy": build.compile_module(path, f"{name}.py", flags) for name, path in paths.items()}


# Run where integers have the 31 bits that they have on the chip, with the collector off: gc.mem_alloc() must not move over some
# thousands of steps of a box with two connectors, through every state, every fault of theirs and every part a board can have.
@pytest.mark.exhaustive  # fetches MicroPython for WebAssembly from npm, the first time
def test_the_safety_step_allocates_nothing():
    said = webassembly.run(["from step_script import play", "play()"], files())
    lines = [line for line in said.splitlines() if line.startswith("@ {")]
    assert lines, said
    seen = json.loads(lines[-1][2:])
    assert seen["broken"] == "None"
    assert seen["steps"] > 4000 and seen["cut"] and seen["tested"] and seen["one_phase"]
    assert set(seen["states"]) == {"A", "B1", "B2", "C1", "C2", "D1", "D2", "E", "F"}
    wanted = {"emergency", "open_pe", "rcd", "weld", "no_close", "short", "diode", "over_current", "temperature", "cable", "lock"}
    assert wanted <= set(seen["faults"])
    assert seen["notices"] > 0, "this interpreter would not show an integer that does not fit"
    assert seen["grown"] == 0, f"steps that allocate: {seen['where']}"
