"""lib/transfer against vsftpd and nginx, see transfer_daemons."""

import base64
import hashlib
import os
from pathlib import Path

import pytest
from transfer_client import compile_client, content, fetch, sha
from transfer_daemons import VSFTPD_TLS, needs_nginx, needs_vsftpd, nginx, vsftpd

from pilotwire.bench.certificates import Authority

pytestmark = pytest.mark.exhaustive


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> Path:
    return compile_client(tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    authority = Authority(folder)
    (folder / "root.der").write_bytes(authority.der)
    return authority.issue("server", ips=["127.0.0.1"], kind="rsa"), str(folder / "root.der")

@needs_vsftpd
@pytest.mark.parametrize(
    "scheme, options",
    [("ftp", {}), ("ftps", VSFTPD_TLS), ("ftpis", {**VSFTPD_TLS, "implicit_ssl": "YES"}), ("ftp", {"pasv_address": "10.1.2.3"})],
    ids=["plain", "explicit", "implicit", "nat"],
)
def test_vsftpd(client, certificate, tmp_path, scheme, options):
    files, root = certificate
    with vsftpd(tmp_path, files, **options) as port:
        (tmp_path / "root/f.bin").write_bytes(content(100_000))
        url, more = f"{scheme}://127.0.0.1:{port}", {"root": root} if options.get("ssl_enable") else {}
        got = fetch(client, "get", url + "/f.bin", **more)
        assert (got["errors"], got["sha"]) == ([], sha(content(100_000)))
        got = fetch(client, "get", url + "/f.bin", offset=70_000, mark=got["mark"], known=100_000, **more)
        assert (got["errors"], got["sha"]) == ([], sha(content(100_000)[70_000:]))
        got = fetch(client, "put", url + "/up/x.bin", n=100_000, **more)
        assert (got["errors"], (tmp_path / "root/up/x.bin").read_bytes() == content(100_000)) == ([], True)
        os.truncate(tmp_path / "root/up/x.bin", 40_000)
        got = fetch(client, "put", url + "/up/x.bin", n=100_000, offset=60_000, **more)
        assert (got["errors"], (tmp_path / "root/up/x.bin").read_bytes() == content(100_000)) == ([], True)
        got = fetch(client, "get", url + "/none", **more)
        assert got["errors"][0][0] == "missing"
        got = fetch(client, "get", url.replace("//", "//a:secret1@") + "/f.bin", **more)
        assert got["errors"][0][0] == "auth" and "secret1" not in got["errors"][0][1]


# A data connection that does not resume the control connection's session is refused by default.
@needs_vsftpd
def test_vsftpd_that_wants_session_reuse(client, certificate, tmp_path):
    files, root = certificate
    with vsftpd(tmp_path, files, **{**VSFTPD_TLS, "require_ssl_reuse": "YES"}) as port:
        (tmp_path / "root/f.bin").write_bytes(content(100_000))
        for job, path in (("get", "/f.bin"), ("put", "/up/x.bin")):
            got = fetch(client, job, f"ftps://127.0.0.1:{port}{path}", n=100_000, root=root)
            [(kind, text)] = got["errors"]
            assert kind == "tls"
            assert "session reuse" in text and "require_ssl_reuse=NO" in text


@needs_nginx
def test_nginx(client, certificate, tmp_path):
    files, root = certificate
    digest = base64.b64encode(hashlib.sha1(b"p@ss:/word").digest()).decode()
    (tmp_path / "users").write_text("test:{SHA}" + digest + "\n")
    more_locations = f"location /private/ {{ alias {tmp_path}/root/; auth_basic x; auth_basic_user_file {tmp_path}/users; }}"
    with nginx(tmp_path, files, more_locations) as (port, secure):
        (tmp_path / "root/f.bin").write_bytes(content(100_000))
        for url, more in ((f"http://127.0.0.1:{port}", {}), (f"https://127.0.0.1:{secure}", {"root": root})):
            got = fetch(client, "get", url + "/f.bin", **more)
            assert (got["errors"], got["sha"], got["mark"][0]) == ([], sha(content(100_000)), '"')
            part = fetch(client, "get", url + "/f.bin", offset=70_000, mark=got["mark"], known=100_000, **more)
            assert (part["errors"], part["sha"]) == ([], sha(content(100_000)[70_000:]))
            other = fetch(client, "get", url + "/f.bin", offset=70_000, mark='"other"', known=100_000, **more)
            assert (other["errors"], other["sha"], other["restarts"]) == ([], sha(content(100_000)), 1)
            all_there = fetch(client, "get", url + "/f.bin", offset=100_000, **more)
            assert (all_there["errors"], all_there["n"]) == ([], 0)
            for unknown in (False, True):
                got = fetch(client, "put", url + f"/up/a/{unknown}.bin", n=100_000, unknown=unknown, **more)
                assert got["errors"] == []
                assert (tmp_path / f"root/up/a/{unknown}.bin").read_bytes() == content(100_000)
            assert fetch(client, "get", url + "/none", **more)["errors"][0][0] == "missing"
            login = url.replace("//", "//test:p%40ss%3A%2Fword@")
            assert fetch(client, "get", login + "/private/f.bin", **more)["errors"] == []
            assert fetch(client, "get", url + "/private/f.bin", **more)["errors"][0][0] == "auth"
            # 2 MB are over its limit: it answers at once, and closes
            got = fetch(client, "put", url + "/up/big.bin", n=2_000_000, **more)
            assert got["errors"][0][0] == "full", got["errors"]
            assert fetch(client, "put", url + "/x", n=10, **more)["errors"][0][0] == "refused"
        got = fetch(client, "get", f"http://127.0.0.1:{port}/moved/", root=root)
        assert (got["errors"], got["sha"]) == ([], sha(content(100_000)))
