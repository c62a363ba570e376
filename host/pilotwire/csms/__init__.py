"""The development central system: OCPP 1.6J for one person, many tests and any kind of mischief.

    async with CentralSystem(port=9000) as central:
        box = await central.charger("CP1", timeout=30)
        await box.call("RemoteStartTransaction", {"idTag": "C0FFEE01"})
        await box.wait_for(lambda c: c.transactions)

`server` listens, `charger` is one identity over all its connections, `answers` is what the central
system says by itself, `transactions` its book, `schemas` the judge of every frame a charger sends.
It is not a back office: nothing is stored on disk, nobody logs in.
"""

from pilotwire.csms.charger import Charger
from pilotwire.csms.frames import CallError, Frame
from pilotwire.csms.server import CentralSystem
from pilotwire.csms.transactions import Transaction

__all__ = ["CallError", "CentralSystem", "Charger", "Frame", "Transaction"]
