"""Large orders of a central system for the charge point of tests/firmware/ocpp_bench.py, given as the network gives them."""

import json

_PER_MESSAGE = 100
_PIECE = 512


def check(holds, what):
    """An assert that is there at -O3 as well."""
    if not holds:
        raise ValueError(what)


def answer(bench, message):
    """What it says to a message, piece by piece, as the connection sends it; the last piece."""
    bench.cp.receive(message, bench.clock.ms)
    frame = bench.cp.next_frame(bench.clock.ms)
    last = frame
    check(frame, message)
    if not isinstance(frame, str):
        for piece in frame:
            last = piece
    return last


def call(bench, action, payload):
    return answer(bench, json.dumps([2, "1", action, payload]))


# -- SendLocalList


def entries(first, count):
    info = {"expiryDate": "2036-11-22T10:00:00.000Z", "status": "ConcurrentTx"}
    for k in range(count):
        number = first + k * 37 % count
        info["parentIdTag"] = f"PARENT-OF-THE-{number:06d}"
        text = json.dumps({"idTag": f"Authorization-{number:06d}", "idTagInfo": info})
        yield ("," + text if k else text).encode()


def send(bench, total):
    """In messages of a hundred at most; each comes in pieces, as from the network."""
    for first in range(0, total, _PER_MESSAGE):
        kind = "Differential" if first else "Full"
        head = json.dumps([2, "12345678-1234-1234-1234-123456789012", "SendLocalList"])[:-1]
        head += f', {{"listVersion": {first + 1}, "updateType": "{kind}", "localAuthorizationList": ['
        head = head.encode()
        reader = bench.cp.rpc.large(head)
        reader.take(head)
        arrived = b""
        for entry in entries(first, min(_PER_MESSAGE, total - first)):
            arrived += entry
            if len(arrived) >= _PIECE:
                reader.take(memoryview(arrived)[:_PIECE])
                arrived = arrived[_PIECE:]
        reader.take(arrived + b"]}]")
        frame, reader = reader.end(), None
        said = answer(bench, frame)
        check('"Accepted"' in said, said)


# -- charging profiles


def install(bench, count):
    for k in range(count):
        periods = [{"startPeriod": 3600 * j, "limit": 6 + (7 * j + k) % 26} for j in range(24)]
        schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": periods, "duration": 3600 * (24 - k)}
        schedule["startSchedule"] = f"2026-11-20T{k:02d}:00:00Z"
        purpose = ("ChargePointMaxProfile", "TxDefaultProfile")[k % 2]
        what = {"chargingProfileId": k, "stackLevel": k // 2 % 9, "chargingProfilePurpose": purpose}
        what.update(chargingProfileKind="Recurring", recurrencyKind="Daily", chargingSchedule=schedule)
        number = k % 2 if k < 18 else 0
        if k >= 18:  # all levels are taken
            what.update(chargingProfilePurpose="TxDefaultProfile", stackLevel=k - 18)
        said = call(bench, "SetChargingProfile", {"connectorId": number, "csChargingProfiles": what})
        check('"Accepted"' in said, said)
    check(bench.cp.profiles.installed == count, count)
