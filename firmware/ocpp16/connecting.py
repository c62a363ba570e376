# Cold: one attempt to connect, from the address to the open WebSocket, and what its success means.
import asyncio
import gc

import cold

_PROTOCOL = "ocpp1.6"
_MAX_MESSAGE = 16384
_OPEN_MS = 30000  # from the first byte to the end of the handshake


async def connect(cp, link, log):
    """A WebSocket to the central system; OSError, ValueError, asyncio.TimeoutError."""
    heads = []  # the first piece of the answer to the handshake, in which a Date usually is
    # asyncio.wait_for would stay in RAM.
    limit = asyncio.create_task(_cancel_later(asyncio.current_task()))
    try:
        return await _open(cp, link, log, heads)
    except asyncio.CancelledError:
        raise asyncio.TimeoutError
    finally:
        limit.cancel()
        cp.clock.lend(None)
        if heads and cp.clock.utc() is None:
            cold.call("ocpp16.timekeeping", "heard", cp, heads[0])


async def _open(cp, link, log, heads):
    # Names are not looked up while a car charges: that blocks for seconds when the network is down.
    link.busy = any([c.energised for c in cp.connectors])
    cp.root = cp.context = None
    tls, host, port, path, shown, headers = cold.call("ocpp16.address", "of", cp)
    if tls:
        stream = await cold.call("ocpp16.opening", "secure", cp, link, log, host, port)
    else:
        stream = await link.connect(host, port)
    gc.collect()  # what opened it is free again, and the next cold module is as large

    def hear(data):
        if not heads:
            heads.append(data)

    # Cold, too: 6 KB that the TLS handshake can use. It lives as long as the WebSocket does.
    job = cold.run("wsclient", "connect", stream, host, path, _PROTOCOL, headers, _MAX_MESSAGE, shown, hear, cp.rpc.large)
    return await job


async def _cancel_later(task):
    await asyncio.sleep_ms(_OPEN_MS)
    task.cancel()


def worked(cp):
    """It came up: what was changed stays (SEC-PROF-03). Not in ocpp16.security_trial, since memory is scarcest just then."""
    cp.failures = 0
    cp.flaw = None
    cp.store.remove("trial")  # see ocpp16.security_trial
    if cp.settings.get("AdditionalRootCertificateCheck"):
        cold.call("ocpp16.certificate_rules", "settle", cp)
