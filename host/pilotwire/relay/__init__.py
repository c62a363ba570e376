"""The relay: serves files to chargers, takes in what they upload, and passes it on to a directory or an object store.

    async with Relay(Options(spool=Path("spool"), to="s3://bucket/chargers")) as relay:
        relay.http_url, relay.ftp_url

What was acknowledged lies in the spool until the store has it, so nothing is lost when either goes down. The spool is the only
state, and locked by the relay that works on it: any number of relays, each with a spool of its own, stand before one store.
"""

from pilotwire.relay.options import Options
from pilotwire.relay.relay import Relay

__all__ = ["Options", "Relay"]
