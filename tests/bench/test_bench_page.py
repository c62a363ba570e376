"""The bench of the page, a quarter of a minute of it: what it must keep up with, whatever the machine does meanwhile."""

import asyncio
import shutil

import pytest

from pilotwire.bench import page


@pytest.mark.exhaustive
@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no chromium here: `make apt` installs it")
def test_twenty_wallboxes_and_fifty_messages_a_second_do_not_pile_up():
    measured = asyncio.run(page.measure(minutes=0.25))
    assert measured.messages > 0 and measured.frames_per_second > 0 and measured.update_ms > 0
    # Lists are bounded: the page does not grow with what goes by.
    assert measured.nodes < 20_000
    assert measured.heap_after < 40_000_000
