"""A key and a request made by lib/ inside MicroPython, certified here, and used for TLS with a client certificate there.

The way of OCPP security profile 3: generate, SignCertificate, CertificateSigned, reconnect.
"""

import asyncio
import datetime as dt
import json
import socket
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat
from cryptography.x509.oid import NameOID

from pilotwire import runtime

_ROOT = Path(__file__).parents[2]
_LIBS = [_ROOT / "lib" / name for name in ("x509", "p256", "rsa", "steps", "iso8601")]

_REQUEST = """
import json, p256key, pem, steps, x509csr
key = steps.run(p256key.generate())
der = steps.run(x509csr.create(key, "CP-0001", "Operator"))
with open("key", "wb") as file:
    file.write(key.der())
print(json.dumps(pem.encode(der, "CERTIFICATE REQUEST")))
"""

_CONNECT = """
import sys, socket, tls, pem, steps, x509, x509chain, p256key
with open("chain.pem") as file:
    ders = list(pem.decode(file.read()))
with open("root.pem") as file:
    ders.append(next(pem.decode(file.read())))
*chain, root = [x509.parse(der) for der in ders]
with open("key", "rb") as file:
    key = file.read()
assert steps.run(p256key.parse(key)).point == chain[0].key
assert steps.run(x509chain.check(chain, [root], None)) is root
context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
context.load_verify_locations(ders[-1])
context.load_cert_chain(ders[0], key)
stream = socket.socket()
stream.connect(socket.getaddrinfo("127.0.0.1", int(sys.argv[1]))[0][-1])
stream = context.wrap_socket(stream, server_hostname="csms.example")
stream.write(b"hello")
print(stream.read(5))
"""


def name(cn: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)])


def certify(subject, public, issuer, key, *extensions) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
    for extension in extensions:
        builder = builder.add_extension(extension, True)
    return builder.sign(key, hashes.SHA256())


# req: SEC-CERT-01, SEC-CERT-02
# A key pair and a request made on the device become a client certificate that a TLS server takes.
def test_from_request_to_handshake(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("request.py").write_text(_REQUEST)
    Path("connect.py").write_text(_CONNECT)
    # a mistake in the children comes with its traceback
    child = runtime.run(["request.py"], heap=100 * 1024, path=_LIBS)
    assert child.returncode == 0, child.stdout
    request = x509.load_pem_x509_csr(json.loads(child.stdout).encode())
    assert request.is_signature_valid

    curve = ec.SECP256R1()
    root_key, server_key = ec.generate_private_key(curve), ec.generate_private_key(curve)
    ca = x509.BasicConstraints(True, None)
    root = certify(name("Root"), root_key.public_key(), name("Root"), root_key, ca)
    server = certify(
        name("csms"),
        server_key.public_key(),
        root.subject,
        root_key,
        x509.SubjectAlternativeName([x509.DNSName("csms.example")]),
    )
    mine = certify(request.subject, request.public_key(), root.subject, root_key)
    pem = Encoding.PEM
    Path("root.pem").write_bytes(root.public_bytes(pem))
    Path("chain.pem").write_bytes(mine.public_bytes(pem))
    Path("server.pem").write_bytes(server.public_bytes(pem))
    Path("server.key").write_bytes(
        server_key.private_bytes(pem, PrivateFormat.PKCS8, serialization.NoEncryption())
    )

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile="root.pem")
    context.load_cert_chain("server.pem", "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    seen = []

    async def serve() -> str:
        async def answer(reader, writer):
            seen.append(writer.get_extra_info("ssl_object").getpeercert())
            writer.write(await reader.readexactly(5))
            await writer.drain()
            writer.close()

        listener = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context, family=socket.AF_INET)
        async with listener:
            port = listener.sockets[0].getsockname()[1]
            done = await asyncio.to_thread(
                runtime.run, ["connect.py", str(port)], heap=104 * 1024, path=_LIBS
            )
        assert done.returncode == 0, done.stdout
        return done.stdout

    assert asyncio.run(serve()).strip() == "b'hello'"
    assert seen[0]["subject"] == ((("organizationName", "Operator"),), (("commonName", "CP-0001"),))
