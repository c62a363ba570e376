"""Certificates over OCPP: installed, listed, deleted, asked for, signed, renewed, by a small authority of `cryptography`."""

import asyncio
import functools
import hashlib
import itertools
import json
import random
from pathlib import Path

import pytest
from cryptography import x509
from ocpp16 import certificate_files, certificate_rules, own_certificate, security_log
from paper_charger import compact_schemas, ocpp_bench  # noqa: F401 (a fixture)
from small_ca import Ca, make_key, pem, utc

CENTRAL, MAKER = "CentralSystemRootCertificate", "ManufacturerRootCertificate"
T0 = utc(ocpp_bench.T0)
_MOST_TURNS = 2000


class Bench(ocpp_bench.Bench):
    """Calls that a job answers, and jobs that send."""

    async def ask(self, action, payload):
        """The payload of the answer."""
        before = len(self.replies)
        self.cp.receive(json.dumps([2, f"cs-{before}", action, payload]), self.clock.ms)
        await self.turns(lambda: len(self.replies) > before)
        return self.replies[before][2]

    async def turns(self, condition):
        """Steps of jobs until something holds."""
        for _ in range(_MOST_TURNS):
            self.exchange()
            if condition():
                return
            await asyncio.sleep(0)
        raise AssertionError("it did not come to it")

    async def install(self, kind, text):
        return (await self.ask("InstallCertificate", {"certificateType": kind, "certificate": text}))["status"]

    async def ids(self, kind):
        return await self.ask("GetInstalledCertificateIds", {"certificateType": kind})

    async def csr(self):
        """Asks for a request by ExtendedTriggerMessage and returns it."""
        self.cp.reconnect = False  # as Connection does
        before = len(self.payloads("SignCertificate"))
        answer = await self.ask("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
        assert answer == {"status": "Accepted"}
        await self.turns(lambda: len(self.payloads("SignCertificate")) > before)
        return x509.load_pem_x509_csr(self.payloads("SignCertificate")[-1]["csr"].encode())

    async def signed(self, *chain):
        text = "".join(chain)
        return (await self.ask("CertificateSigned", {"certificateChain": text}))["status"]

    async def stream(self, text, sizes=(512,)):
        """Hands the text of a CALL over as the connection does with a large one; the CALLRESULT or CALLERROR."""
        data = text.encode()
        reader, before = self.cp.rpc.large(data[:96]), len(self.replies)
        for size in itertools.cycle(sizes):
            reader.take(memoryview(data)[:size])
            data = data[size:]
            if not data:
                break
        self.cp.receive(reader.end(), self.clock.ms)
        await self.turns(lambda: len(self.replies) > before)
        return self.replies[before]

    def left(self):
        """Files of a message that is over."""
        return [path.name for path in Path("data").glob("offered*")]

    def identity(self):
        """What it would be known by: its certificate, DER, or PEM where others follow it, and the key."""
        ders, key = own_certificate.identity(self.cp, self.clock.utc())
        ders = list(ders)
        return ders[0] if len(ders) == 1 else "".join(map(pem, ders)), key

    def events(self):
        return [name for _, _, name, _ in security_log.records(self.cp, False)]


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """Function: settings -> a charger that is accepted, and whose central system takes every request."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()

    def start(**settings):
        settings = {"CentralSystemURL": "wss://h", "ChargePointSerialNumber": "SN-1", "CpoName": "Operator"} | settings
        bench = Bench(events=3, **settings)
        bench.answers["SignCertificate"] = lambda payload: {"status": "Accepted"}
        bench.connect()
        bench.run(1)
        bench.sent.clear()
        return bench

    return start


@pytest.fixture(scope="module")
def root():
    return Ca("Root", T0)


def run(test):
    """Runs an async test."""

    @functools.wraps(test)
    def wrapped(**fixtures):
        asyncio.run(test(**fixtures))

    return wrapped


# req: SEC-CERT-04, SEC-CERT-06, SEC-CERT-07
@pytest.mark.parametrize("kind", [CENTRAL, MAKER])
@pytest.mark.parametrize("key", ["p256", "p384", "rsa2048", "rsa4096"])
@run
async def test_install_list_delete(bench, kind, key):
    b, ca = bench(), Ca("Some Root", T0, kind=key)
    other = MAKER if kind == CENTRAL else CENTRAL
    assert await b.ids(kind) == {"status": "NotFound"}
    assert await b.install(kind, ca.pem) == "Accepted"
    assert await b.install(kind, ca.pem) == "Accepted", "the same once more is no second one"
    found = await b.ids(kind)
    (ids,) = found["certificateHashData"]
    certificate = x509.load_der_x509_certificate(ca.der)
    assert ids["serialNumber"] == f"{certificate.serial_number:x}"
    assert ids["issuerNameHash"] == hashlib.sha256(certificate.issuer.public_bytes()).hexdigest()
    assert await b.ids(other) == {"status": "NotFound"}
    wrong = {**ids, "serialNumber": "1"}
    for data, status in [
        (wrong, "NotFound"),
        ({**ids, "hashAlgorithm": "SHA512"}, "NotFound"),
        ({k: v.upper() for k, v in ids.items()}, "Accepted"),
        (ids, "NotFound"),
    ]:
        assert await b.ask("DeleteCertificate", {"certificateHashData": data}) == {"status": status}
    assert await b.ids(kind) == {"status": "NotFound"}
    assert b.events().count("ReconfigurationOfSecurityParameters") == 2


def broken(ca):
    der = bytearray(ca.der)
    der[-3] ^= 1
    return pem(bytes(der))


# req: SEC-CERT-04, SEC-EVT-02
@pytest.mark.parametrize(
    "make",
    [
        lambda: "no certificate",
        lambda: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        lambda: Ca("Old", T0, days=(-9, -1)).pem,
        lambda: Ca("Early", T0, days=(1, 9)).pem,
        lambda: Ca("Leaf", T0, ca=False).pem,
        lambda: Ca("Weak", T0, kind="rsa1024").pem,
        lambda: Ca("Weak", T0, kind="p192").pem,
        lambda: broken(Ca("Broken", T0)),
        lambda: broken(Ca("Broken", T0, kind="rsa2048")),
    ],
    ids=["text", "no-der", "old", "early", "no-ca", "rsa1024", "p192", "broken", "broken-rsa"],
)
@run
async def test_a_root_that_is_none(bench, make):
    b, text = bench(), make()
    assert await b.install(MAKER, text) == "Rejected"
    assert "InvalidCentralSystemCertificate" not in b.events()
    assert await b.install(CENTRAL, text) == "Rejected"
    assert b.events()[-1] == "InvalidCentralSystemCertificate"
    await b.turns(lambda: b.payloads("SecurityEventNotification"))
    assert await b.ids(CENTRAL) == {"status": "NotFound"}


# req: SEC-CERT-04
@run
async def test_the_store_is_full(bench):
    b = bench()
    roots = [Ca(f"Root {n}", T0) for n in range(5)]
    most = b.cp.settings.get("CertificateStoreMaxLength")
    for n, ca in enumerate(roots):
        status = await b.install(CENTRAL if n % 2 else MAKER, ca.pem)
        assert status == ("Accepted" if n < most else "Rejected")
    assert await b.install(MAKER, roots[0].pem) == "Accepted", "it is there"


# req: SEC-CERT-04
@run
async def test_a_disk_that_is_full(bench, root, monkeypatch):
    b = bench()

    def full(name, data):
        raise OSError(28)

    monkeypatch.setattr(b.store, "write", full)
    assert await b.install(CENTRAL, root.pem) == "Failed"


# req: SEC-CERT-07
@run
async def test_what_is_in_use_stays(bench, root):
    from binascii import crc32

    b = bench()
    await b.install(CENTRAL, root.pem)
    await b.install(CENTRAL, Ca("Second", T0).pem)
    used, second = (await b.ids(CENTRAL))["certificateHashData"]
    b.cp.root = crc32(root.der)
    assert await b.ask("DeleteCertificate", {"certificateHashData": used}) == {"status": "Failed"}
    assert await b.ask("DeleteCertificate", {"certificateHashData": second}) == {"status": "Accepted"}
    # our own certificate is no root
    request = await b.csr()
    mine = root.sign(request.public_key(), "SN-1")
    assert await b.signed(pem(mine)) == "Accepted"
    certificate = certificate_files.certificate(b.cp, "client.der")
    ids = {"hashAlgorithm": "SHA256", "issuerNameHash": used["issuerNameHash"], "issuerKeyHash": used["issuerKeyHash"]}
    ids["serialNumber"] = certificate.serial
    assert await b.ask("DeleteCertificate", {"certificateHashData": ids}) == {"status": "NotFound"}


# req: SEC-CERT-07, SEC-PROF-06
@run
async def test_the_last_root_stays_while_tls_is_a_must(bench, root):
    b = bench(SecurityProfile="2")
    assert await b.install(CENTRAL, root.pem) == "Accepted"
    assert await b.install(CENTRAL, Ca("Second", T0).pem) == "Accepted"
    first, second = (await b.ids(CENTRAL))["certificateHashData"]
    assert await b.ask("DeleteCertificate", {"certificateHashData": first}) == {"status": "Accepted"}
    assert await b.ask("DeleteCertificate", {"certificateHashData": second}) == {"status": "Failed"}


# req: SEC-CERT-05
# With the additional check one root has to sign the next; the old one vouches until a connection hung on the new one.
@run
async def test_the_additional_root_check(bench, root):
    from binascii import crc32

    b = bench(AdditionalRootCertificateCheck="true")
    assert await b.install(CENTRAL, root.pem) == "Accepted"
    assert await b.install(CENTRAL, Ca("Stranger", T0).pem) == "Rejected"
    assert b.events()[-1] == "InvalidCentralSystemCertificate"
    following = Ca("Root", T0, parent=root)
    assert await b.install(CENTRAL, following.pem) == "Accepted"
    assert [der for _, der in certificate_files.roots(b.cp, "root")] == [root.der, following.der]
    b.cp.root = crc32(root.der)
    certificate_rules.settle(b.cp)
    assert len(list(certificate_files.roots(b.cp, "root"))) == 2, "the old one had to vouch"
    b.cp.root = crc32(following.der)
    certificate_rules.settle(b.cp)
    assert list(certificate_files.roots(b.cp, "root")) == [("root1.der", following.der)]
    assert await b.install(MAKER, Ca("Maker", T0).pem) == "Accepted", "of the others nothing is asked"


# req: SEC-CERT-01, SEC-CERT-08
@run
async def test_a_request(bench):
    b = bench()
    first, second = await b.csr(), await b.csr()
    assert first.is_signature_valid and first.subject.rfc4514_string() == "CN=SN-1,O=Operator"
    assert first.signature_hash_algorithm.name == "sha256" and first.public_key().curve.name == "secp256r1"
    assert first.public_key() != second.public_key(), "a new key for each"
    assert all(len(p["csr"]) <= 5500 for p in b.payloads("SignCertificate"))
    key = b.store.read("csr.key")
    secret = key[7:39].hex()
    assert secret not in json.dumps([b.sent, b.replies, b.lines])


# req: SEC-CERT-01
@run
async def test_a_request_that_is_rejected(bench, root):
    b = bench()
    await b.install(CENTRAL, root.pem)
    b.answers["SignCertificate"] = lambda payload: {"status": "Rejected"}
    request = await b.csr()
    await b.turns(lambda: b.store.read("csr.key") is None)
    assert await b.signed(pem(root.sign(request.public_key(), "SN-1"))) == "Rejected"
    b.run(600)
    assert len(b.payloads("SignCertificate")) == 1


# req: SEC-CERT-08
@run
async def test_no_request_without_an_operator(bench):
    b = bench(CpoName="")
    answer = await b.ask("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
    assert answer == {"status": "Rejected"} and any("CpoName" in line for line in b.lines)


# req: SEC-CERT-02
# With the whole chain, or without its root; it is in use at the next connection, which profile 3 makes at once.
@pytest.mark.parametrize("profile", ["2", "3"])
@pytest.mark.parametrize("length", [1, 2, 3])
@run
async def test_a_certificate(bench, root, profile, length):
    b = bench(SecurityProfile=profile)
    await b.install(CENTRAL, root.pem)
    sub = Ca("Sub", T0, parent=root)
    request = await b.csr()
    key = b.store.read("csr.key")
    mine = (root if length == 1 else sub).sign(request.public_key(), "SN-1")
    chain = [pem(mine), sub.pem, root.pem][:length]
    assert await b.signed(*chain) == "Accepted"
    assert b.cp.reconnect == (profile == "3")
    cert, used = b.identity()
    assert used == key and b.store.read("csr.key") is None
    assert cert == (mine if length == 1 else "".join(chain))
    assert await b.signed(*chain) == "Rejected", "nothing is asked for any more"


# req: SEC-CERT-02, SEC-EVT-02
@pytest.mark.parametrize(
    "make, said",
    [
        (lambda root, key: "nonsense", "no CERTIFICATE"),
        (lambda root, key: pem(root.leaf("SN-1")[1]), "key"),
        (lambda root, key: pem(root.sign(key, "SN-2")), "CN"),
        (lambda root, key: pem(root.sign(key, "SN-1", o=None)), "O"),
        (lambda root, key: pem(root.sign(key, "SN-1", days=(-9, -1))), "expired"),
        (lambda root, key: pem(Ca("Root", T0).sign(key, "SN-1")), "signature"),
        (lambda root, key: pem(Ca("Other", T0).sign(key, "SN-1")), "untrusted"),
        (lambda root, key: broken_leaf(root, key), "signature"),
    ],
    ids=["nonsense", "key", "cn", "no-o", "expired", "other-key-of-root", "stranger", "broken"],
)
@run
async def test_a_certificate_that_is_none(bench, root, make, said):
    b = bench(SecurityProfile="3")
    await b.install(CENTRAL, root.pem)
    request = await b.csr()
    assert await b.signed(make(root, request.public_key())) == "Rejected"
    assert not b.cp.reconnect and b.store.read("client.der") is None
    (text,) = [text for _, _, name, text in security_log.records(b.cp, False) if name.startswith("InvalidCharge")]
    assert said in text
    # and the right one may still come
    assert await b.signed(pem(root.sign(request.public_key(), "SN-1", o="Somebody Else"))) == "Accepted"


def broken_leaf(root, key):
    der = bytearray(root.sign(key, "SN-1"))
    der[-3] ^= 1
    return pem(bytes(der))


def call(action, key, text, **more):
    """The text of a CALL with certificates in it."""
    return json.dumps([2, "12345678-1234-1234-1234-123456789012", action, more | {key: text}])


def signed(text):
    return call("CertificateSigned", "certificateChain", text)


# req: SEC-CERT-02, J-WS-04
# As long a chain as the standard allows; one character more is too many.
@run
async def test_the_longest_chain(bench, root):
    b = bench()
    assert b.cp.settings.get("CertificateSignedMaxChainSize") == 10000
    await b.install(CENTRAL, root.pem)
    keys = [make_key("rsa4096"), make_key("rsa4096")]  # each takes a second, so they take turns
    chain = [Ca("Sub 5", T0, parent=root, key=keys[1])]
    for n in (4, 3, 2, 1):
        chain.insert(0, Ca(f"Sub {n}", T0, parent=chain[0], key=keys[n % 2]))
    for more, answer in ((1, "Rejected"), (0, "Accepted")):
        request = await b.csr()
        mine = chain[0].sign(request.public_key(), "SN-1")
        text = pem(mine) + "".join(ca.pem for ca in chain)
        assert 9000 < len(text) < 10000
        padded = text + "\n" * (10000 + more - len(text))
        assert (await b.stream(signed(padded)))[2] == {"status": answer}
        assert not b.left()
    assert b.events().count("InvalidChargePointCertificate") == 1
    assert b.identity()[0] == text


# req: SEC-CERT-02, SEC-CERT-04
# However JSON writes the text, and wherever the network cuts it; what stands between the blocks is passed over.
@pytest.mark.parametrize("seed", range(6))
@run
async def test_any_way_to_write_it(bench, root, seed):
    rng = random.Random(seed)
    b = bench()
    between = rng.choice(("", "subject=CN = R\u00f6mer \u20ac \U0001d11e\n", '"quoted" \\ \r\n\t'))
    line = rng.choice(("\n", "\r\n", "", "\n\n \t"))
    sizes = [rng.randint(1, rng.choice((3, 40, 700))) for _ in range(20)]

    def written(text):
        ways = {"/": ["/", "\\/", "\\u002f"], "+": ["+", "\\u002B"], "=": ["=", "\\u003d"], "\n": ["\\n", "\\u000A"]}
        return "".join(rng.choice(ways.get(c, [json.dumps(c, ensure_ascii=rng.random() < 0.5)[1:-1]])) for c in text)

    def message(action, key, text, more=""):
        gap = rng.choice(("", " ", "\n  "))
        members = [f'"{key}"{gap}:{gap}"{written(text)}"', *([more] if more else [])]
        rng.shuffle(members)
        return f'[2,{gap}"{key}",{gap}"{action}",{gap}{{{gap}' + f"{gap},{gap}".join(members) + f"{gap}}}{gap}]"

    install = message(
        "InstallCertificate", "certificate", between + root.pem.replace("\n", line), f'"certificateType":"{CENTRAL}"'
    )
    assert (await b.stream(install, sizes))[2] == {"status": "Accepted"}
    sub = Ca("Sub", T0, parent=root)
    request = await b.csr()
    chain = between.join(one.replace("\n", line) for one in (pem(sub.sign(request.public_key(), "SN-1")), sub.pem, root.pem))
    answer = await b.stream(message("CertificateSigned", "certificateChain", between + chain), sizes)
    assert answer[:3] == [3, "certificateChain", {"status": "Accepted"}] and not b.left()


# req: SEC-CERT-02, SEC-CERT-04, J-FMT-03, J-ERR-02
# Wrong JSON, a wrong type, no certificate at all, or a connection that is cut in the middle: nothing is lost by it.
@run
async def test_broken_messages(bench, root):
    b = bench()
    await b.install(CENTRAL, root.pem)
    request = await b.csr()
    good = signed(pem(root.sign(request.public_key(), "SN-1")) + "\n" * 2000)
    install = call("InstallCertificate", "certificate", Ca("Other", T0).pem, certificateType=CENTRAL)
    before = dict(b.store.files)
    for wrong, expected in (
        (good[:-1], "GenericError"),
        (good[:-3], "GenericError"),
        (good[:1500], "GenericError"),
        (good.replace("\\n", "\\x", 1), "GenericError"),
        (good.replace("\\n", "\\u00g0", 1), "GenericError"),
        (good + "x" * 3000, "GenericError"),
        (good[:-2] + ',"x":"' + "y" * 3000 + '"}]', "GenericError"),
        (good.replace("certificateChain", "x" * 3000), "GenericError"),
        (good.replace("certificateChain", "chain"), "GenericError"),  # too large to be looked at as a whole
        (signed("x" * 9000), {"status": "Rejected"}),
        (signed(""), {"status": "Rejected"}),
        (signed(5), "TypeConstraintViolation"),
        (signed(None), "OccurenceConstraintViolation"),
        (call("CertificateSigned", "chain", "x"), "OccurenceConstraintViolation"),
        (signed(pem(root.leaf("SN-1")[1])[:-30]), {"status": "Rejected"}),
        (signed(root.pem * 11), {"status": "Rejected"}),
        (install.replace(CENTRAL, "Root"), "PropertyConstraintViolation"),
        (install.replace("certificateType", "type"), "OccurenceConstraintViolation"),
        (install.replace('"-----BEGIN', '"' + " " * 5000 + "-----BEGIN"), "PropertyConstraintViolation"),
        (install.replace("BEGIN", "B"), {"status": "Rejected"}),
    ):
        reply = await b.stream(wrong)
        assert reply[2] == expected, wrong[:300]
        b.cp.rpc.large(good[:96].encode()).take(good[:1200].encode())  # and no more of it
    assert b.store.files == before
    assert (await b.stream(good))[2] == {"status": "Accepted"} and not b.left()


# req: SEC-CERT-02
# A second message while the first one is looked at does not get in its way.
@run
async def test_two_at_once(bench, root):
    b = bench()
    await b.install(CENTRAL, root.pem)
    request = await b.csr()
    before = len(b.replies)
    first = signed(pem(root.sign(request.public_key(), "SN-1")))
    for unique, text in (("first", first), ("other", signed(root.pem))):
        b.cp.receive(text.replace("12345678-1234-1234-1234-123456789012", unique), b.clock.ms)
    await b.turns(lambda: len(b.replies) == before + 2)
    assert [reply[1:] for reply in b.replies[before:]] == [["other", {"status": "Rejected"}], ["first", {"status": "Accepted"}]]


# req: SEC-CERT-02
# Another request is made while the answer to the first one is looked at: no certificate ever gets another one's key.
@run
async def test_a_request_meanwhile(bench, root):
    b = bench()
    await b.install(CENTRAL, root.pem)
    request, before = await b.csr(), len(b.replies)
    b.cp.receive(signed(pem(root.sign(request.public_key(), "SN-1"))), b.clock.ms)
    b.store.write("csr.key", other := root.leaf("SN-1")[0])
    await b.turns(lambda: len(b.replies) > before)
    assert b.replies[-1][2] == {"status": "Rejected"}
    assert b.store.read("csr.key") == other and b.store.read("client.der") is None


# req: SEC-CERT-02
# What nobody has asked for is not written down.
@run
async def test_nothing_was_asked_for(bench, root, monkeypatch):
    b = bench()
    await b.install(CENTRAL, root.pem)
    monkeypatch.setattr(b.store, "write", lambda name, data: pytest.fail(f"wrote {name}"))
    assert await b.signed(root.pem) == "Rejected" and not b.left()


# req: SEC-CERT-02, SEC-CERT-03
# One whose time is to come waits; of two that are valid the newest is used; the old one goes after a month.
@run
async def test_renewal(bench, root):
    b = bench(SecurityProfile="3")
    b.cp.settings.set("HeartbeatInterval", "0")
    await b.install(CENTRAL, root.pem)

    async def renew(days):
        request = await b.csr()
        der = root.sign(request.public_key(), "SN-1", days=days)
        assert await b.signed(pem(der)) == "Accepted"
        return der

    def used():
        return b.identity()[0]

    first = await renew((-60, 20))
    assert used() == first and b.cp.reconnect
    second = await renew((2, 90))
    assert used() == first and not b.cp.reconnect
    b.sent.clear()
    b.clock.base += 3 * 86400
    assert used() == second
    own_certificate.daily(b.cp)
    assert len(list(own_certificate.pairs(b.cp))) == 2
    b.clock.base += 30 * 86400
    own_certificate.daily(b.cp)
    assert [b.store.read(f"{name}.der") for name, _ in own_certificate.pairs(b.cp)] == [second]
    b.sent.clear()
    b.exchange()
    assert not b.payloads("SignCertificate")
    b.clock.base += 30 * 86400
    b.run(0)
    await b.turns(lambda: b.payloads("SignCertificate"))


# req: SEC-CERT-02
# Whatever a cut leaves, a pair that was in use still is one; and the answer of the central system may come again.
@run
async def test_cuts(bench, root):
    b = bench(SecurityProfile="3")
    await b.install(CENTRAL, root.pem)
    request = await b.csr()
    old = root.sign(request.public_key(), "SN-1", days=(-2, 50))
    assert await b.signed(pem(old)) == "Accepted"
    request = await b.csr()
    mine = root.sign(request.public_key(), "SN-1")
    new = pem(mine)
    before = dict(b.store.files)
    operations = [(name, getattr(b.store, name)) for name in ("write", "remove")]
    for count in range(5):
        b.store.files = dict(before)
        left = count

        def limited(operation):
            def wrapped(*args):
                nonlocal left
                if left == 0 and args[0].startswith(("client", "csr")):
                    raise OSError(5)
                left -= args[0].startswith(("client", "csr"))
                return operation(*args)

            return wrapped

        for name, operation in operations:
            setattr(b.store, name, limited(operation))
        status = await b.signed(new)
        for name, operation in operations:
            setattr(b.store, name, operation)
        assert status in ("Accepted", "Rejected")
        cert, key = b.identity()
        assert cert and own_certificate.own(b.cp, b.clock.utc())[1].key == key[-65:]
        if b.store.read("csr.key"):
            assert await b.signed(new) == "Accepted"
        assert b.identity()[0] == mine
