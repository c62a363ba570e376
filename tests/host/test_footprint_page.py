"""The page of the footprint says what the figures say."""

import json

import pytest

from pilotwire import build, footprint_page
from pilotwire.errors import PilotwireError


def figure(name, value, budget=None, peer=None, unit="B"):
    return {name: {"name": name, "value": value, "unit": unit, "budget": budget, "peer": peer}}


def test_page_is_up_to_date():
    docs = build.repository() / "docs"
    figures = footprint_page.load(docs / "bench.json")
    assert (docs / "footprint.md").read_text() == footprint_page.page(figures), "run `make footprint`"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (figure("heap_accepted_bytes", 81_000, 81_920, 12_300), "| 81,000 B | 81,920 | 61,440 | 12,300 (MicroOcpp, C++) | holds"),
        (figure("heap_accepted_bytes", 82_000, 81_920), "| 82,000 B | 81,920 | 61,440 |  | **does not hold** |"),
        (figure("heap_peak_bytes", None, 1), "| does not pass in any heap that was tried |"),
        ({}, "| Peak of anything below | not measured |"),
        (figure("heap_peak_update_bytes", 120 * 1024), "bar [120]"),
        (figure("heap_peak_update_bytes", 120 * 1024), '"KB" 0 --> 128'),
        (figure("warm_bytes app", 3020), "| `app` | 3,020 |"),
        (figure("warm_bytes outlet", 0), "Part of others: `outlet`."),
        (figure("mpy_bytes app", 9000), "| `app` | 9,000 |"),
    ],
)
def test_told(given, told):
    assert told in footprint_page.page(given)


def test_no_figures(tmp_path):
    (tmp_path / "bench.json").write_text(json.dumps({"a": 1}))
    for name in ("bench.json", "none.json"):
        with pytest.raises(PilotwireError, match="run `make bench`"):
            footprint_page.load(tmp_path / name)
