"""What an older version left on the flash, read by this one: no transaction is lost by an update, nor by the way back.

formats/N.json has what the version of formats N wrote: two transactions that nobody was told of, a third that was running when
the supply failed, a reservation, an availability that waits, an update that waits. Every version reads the formats of the one
before it, and writes those until it is confirmed. So whoever raises a version byte first keeps the file of the version before it,
as `left_behind` makes it, drops the older ones, and then changes the table below.
"""

import base64
import json
import re
import zlib
from pathlib import Path

import pytest
from paper_charger import CentralSystem, compact_schemas, ocpp_bench  # noqa: F401 (a fixture)

from pilotwire import build

_FOLDER = Path(__file__).with_name("formats")
# Every stored format by its module: the version that is written. Raised here when it is raised there.
FORMATS = {
    "firmware/ocpp16/authorization_cache.py": 1,
    "firmware/ocpp16/availability.py": 1,
    "firmware/ocpp16/firmware_request.py": 1,
    "firmware/ocpp16/reservations.py": 1,
    "firmware/ocpp16/security_events.py": 1,
    "firmware/ocpp16/transactions.py": 1,
    "firmware/port/storage.py": 1,
    "lib/ledger/ledgersectors.py": 1,
    "lib/log/flashlog.py": 1,
}
_VERSION = re.compile(r"^_VERSION = (?:const\()?(?:b\"\\x)?(\d+)", re.M)
_OFFLINE = {"AllowOfflineTxForUnknownId": "true", "MeterValueSampleInterval": "30", "TransactionMessageAttempts": "100"}


def left_behind():
    """What the present version leaves."""
    b = ocpp_bench.Bench(connectors=2, sectors=8, **_OFFLINE)
    b.connect()
    assert b.call("ReserveNow", _reservation()) == {"status": "Accepted"}
    b.disconnect()
    for tag, wh in (("A", 300), ("B", 700)):
        b.plug()
        b.present(tag)
        b.charge(wh)
        b.run(61)
        b.present(tag)
        b.unplug()
    b.plug()
    b.present("C")
    b.charge(500)
    b.answers["StartTransaction"] = lambda payload: "InternalError"
    b.connect()
    assert b.call("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}) == {"status": "Scheduled"}
    files = {name: base64.b64encode(data).decode() for name, data in b.store.files.items() if name != "settings"}
    flash = base64.b64encode(zlib.compress(bytes(b.nor._bytes), 9)).decode()
    return {"flash": flash, "files": files}


def _reservation():
    return {"connectorId": 2, "expiryDate": "2030-01-01T00:00:00Z", "idTag": "D", "reservationId": 7}


def test_table_of_versions():
    found = {}
    for folder in ("firmware", "lib"):
        for path in sorted((build.ROOT / folder).rglob("*.py")):
            if match := _VERSION.search(path.read_text("utf-8")):
                found[path.relative_to(build.ROOT).as_posix()] = int(match[1])
    # records of transactions.py
    written_elsewhere = {f"firmware/ocpp16/{name}.py" for name in ("delivered", "journal", "recovery")}
    assert {name: n for name, n in found.items() if name not in written_elsewhere} == FORMATS
    assert all(found[name] == FORMATS["firmware/ocpp16/transactions.py"] for name in written_elsewhere)


@pytest.mark.parametrize("name", sorted(path.stem for path in _FOLDER.glob("*.json")))
def test_everything_is_found(name):
    kept = json.loads((_FOLDER / f"{name}.json").read_text())
    b = ocpp_bench.Bench(connectors=2, sectors=8, **_OFFLINE)
    central = CentralSystem()
    b.answers["StartTransaction"], b.answers["StopTransaction"] = central.start, central.stop
    b.nor._bytes[:] = zlib.decompress(base64.b64decode(kept["flash"]))
    for file, data in kept["files"].items():
        b.store.files[file] = base64.b64decode(data)
    b.start()
    b.connect()
    b.run(2)
    assert b.cp.transactions.queued == b.cp.transactions.refused == 0
    starts = [dict(key) for key in central.starts]
    assert [start["idTag"] for start in starts] == ["A", "B", "C"]
    stops = list(central.stops.values())
    assert [stop["meterStop"] - start["meterStart"] for start, stop in zip(starts, stops, strict=True)][:2] == [300, 700]
    assert stops[2]["reason"] == "PowerLoss" and set(central.stops) == {1, 2, 3}
    assert [entry[0] for entry in b.cp.reservations] == [7]
    assert (b.cp.inoperative | b.cp.scheduled) & 2
