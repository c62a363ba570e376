"""The local list as a central system sends it, at its largest, to a box that charges meanwhile, within its memory."""

from pilotwire import registry


def entry(number: int) -> dict:
    """An entry of maximal size."""
    return {
        "idTag": f"Authorization-{number:06d}",
        "idTagInfo": {
            "expiryDate": "2036-11-22T10:00:00.000Z",
            "parentIdTag": f"PARENT-OF-THE-{number:06d}",
            "status": "ConcurrentTx",
        },
    }


# req: LAL-06
# As many entries as SendLocalListMaxLength promises, and a second message of as many, while a car charges.
async def test_largest(bench):
    charger = await bench.start(heap=104 * 1024)
    await bench.charge()
    most = int(registry.find("SendLocalListMaxLength").default)
    for start in (0, most):
        payload = {
            "listVersion": start + 1,
            "updateType": "Differential" if start else "Full",
            "localAuthorizationList": [entry(start + i * 7 % most) for i in range(most)],
        }
        assert await charger.call("SendLocalList", payload) == {"status": "Accepted"}
    assert await charger.call("GetLocalListVersion", {}) == {"listVersion": most + 1}
