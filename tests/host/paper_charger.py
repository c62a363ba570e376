"""The charge point of tests/firmware/ocpp_bench.py under CPython, and a central system that books what it is told."""

import asyncio

import pytest
from stand_ins import module, nor  # noqa: F401 (for those who import this)

from pilotwire import schemas

ocpp_bench = module("ocpp_bench", "tests/firmware/ocpp_bench.py")


@pytest.fixture(autouse=True)
def compact_schemas(tmp_path, monkeypatch):
    """The build makes them; the charger reads them beside its code. To be imported by a test that uses this module.

    Cold modules stay loaded: to forget them matters on the chip, and here costs more than what the tests do.
    """
    import cold
    from ocpp16 import schema

    monkeypatch.setattr(asyncio, "sleep_ms", lambda ms: asyncio.sleep(0), raising=False)  # MicroPython's; jobs begin with one
    monkeypatch.setattr(cold, "drop", lambda name: None)
    monkeypatch.setattr(cold, "_restore", lambda before: None)

    path = tmp_path / "schemas.txt"
    path.write_text(schemas.generate())
    monkeypatch.setattr(schema, "_FILE", str(path))


class CentralSystem:
    """Books transactions; a Start or Stop that it has seen before gets the same answer, and is counted."""

    def __init__(self):
        self.starts = {}  # what makes a Start the same -> id
        self.stops = {}  # id -> payload
        self.again = 0

    def start(self, payload):
        key = tuple(sorted(payload.items()))
        self.again += key in self.starts
        number = self.starts.setdefault(key, len(self.starts) + 1)
        return {"transactionId": number, "idTagInfo": {"status": "Accepted"}}

    def stop(self, payload):
        number = payload["transactionId"]
        if number in self.stops:
            assert self.stops[number] == payload, "two Stops of one transaction differ"
            self.again += 1
        self.stops[number] = payload
        return {}
