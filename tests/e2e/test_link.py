"""The way to the central system over TLS: verified, its failures told apart, and no name looked up while a car charges."""

import contextlib
import ssl

import pytest

from pilotwire.bench.certificates import Authority
from pilotwire.csms import CentralSystem


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@contextlib.asynccontextmanager
async def secured(bench, issued):
    """A central system that speaks TLS takes the place of the bench's own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    async with CentralSystem(ssl=context, on_event=bench.note, clock=bench._clock) as central:
        bench.central = central
        yield central.url.replace("127.0.0.1", "localhost")


async def logged(bench, *parts):
    for _ in range(600):
        if any(all(part in line for part in parts) for line in bench.log(parts[0])):
            return
        await bench.passes(0.1)
    raise AssertionError(f"the log has no line with {parts}")


# req: J-URL-02, SEC-TLS-02
# A session over verified TLS.
async def test_a_session_over_tls(bench, root):
    bench.files({"/data/root1.der": root.der})
    async with secured(bench, root.issue("good")) as url:
        charger = await bench.start(url=url)
        await bench.charge()
        await bench.passes(130)
        await bench.do("tag", id="C0FFEE01")
        await bench.leave()
        await bench.told(lambda c: c.statuses[1][-1] == "Available")
        assert len(charger.meter_values) >= 2 and charger.connections == 1
        assert not bench.log("not verified")
        (transaction,) = charger.transactions.values()
        assert (transaction.starts, transaction.stops) == (1, 1)
        await bench.stop()


# req: J-URL-02
async def test_without_a_root_it_says_so(bench, root):
    async with secured(bench, root.issue("good")) as url:
        await bench.start(url=url)
        await logged(bench, "no root1.der", "not verified")
        await bench.stop()


# req: SEC-TLS-02, J-TLS-01
# Each failure is said with its kind and what to do, and it is tried again.
@pytest.mark.parametrize(
    "label, options, said",
    [
        ("expired", {"days": (-9, -1)}, "TLS, date"),
        ("stranger", {"names": ["example.org"]}, "TLS, host"),
        ("other", None, "TLS, chain"),
    ],
    ids=["date", "host", "chain"],
)
async def test_a_bad_certificate(bench, root, tmp_path, label, options, said):
    bench.files({"/data/root1.der": root.der})
    issued = root.issue(label, **options) if options else Authority(tmp_path / "other").issue("good")
    async with secured(bench, issued) as url:
        await bench.start(url=url, wait=False)
        await logged(bench, said, url)
        await logged(bench, "next try in")
        await bench.stop()


# The clock of the chip starts in 2000; a certificate that is not valid yet by it makes us ask the server for its Date.
async def test_the_date_of_the_server_is_asked_for(bench, root):
    bench.files({"/data/root1.der": root.der})
    async with secured(bench, root.issue("future", days=(1, 9))) as url:
        await bench.start(url=url, wait=False)
        await logged(bench, "clock unknown: using the date of localhost")
        await logged(bench, "TLS, date")
        assert bench.box.state()["time_utc"] is None or not bench.box.state()["online"]
        await bench.stop()
