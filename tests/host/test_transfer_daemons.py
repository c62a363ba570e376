"""lib/transfer against vsftpd and nginx as Debian has them: `apt-get install vsftpd nginx-light libnginx-mod-http-dav-ext`.

They run on free ports of the loopback from a folder of their own; vsftpd needs root for its chroot.
"""

import base64
import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
from transfer_client import compile_client, content, fetch, sha

from pilotwire.bench.certificates import Authority

pytestmark = pytest.mark.exhaustive

VSFTPD = shutil.which("vsftpd", path=os.environ.get("PATH", "") + ":/usr/sbin")
NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
needs_vsftpd = pytest.mark.skipif(
    not VSFTPD or os.geteuid() != 0, reason="vsftpd is not installed, or this is not root, which its chroot needs"
)
needs_nginx = pytest.mark.skipif(not NGINX, reason="nginx is not installed")


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> Path:
    return compile_client(tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    authority = Authority(folder)
    (folder / "root.der").write_bytes(authority.der)
    return authority.issue("server", ips=["127.0.0.1"], kind="rsa"), str(folder / "root.der")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(command: list[str], port: int):
    """The program, from when it listens on `port`."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                assert process.poll() is None, process.stdout.read()
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


@contextlib.contextmanager
def vsftpd(folder: Path, certificate, **options):
    """vsftpd for anonymous users, whose root is folder/root; yields its port."""
    port = free_port()
    (folder / "root/up").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "root/up").chmod(0o777)
    for parent in [folder, *folder.parents][:3]:  # pytest's folders are closed to the user that vsftpd becomes
        parent.chmod(0o755)
    settings = {
        "listen": "YES",
        "listen_address": "127.0.0.1",
        "listen_port": port,
        "background": "NO",
        "seccomp_sandbox": "NO",
        "local_enable": "NO",
        "anonymous_enable": "YES",
        "no_anon_password": "NO",
        "anon_root": folder / "root",
        "secure_chroot_dir": folder / "empty",
        "write_enable": "YES",
        "anon_upload_enable": "YES",
        "anon_other_write_enable": "YES",
        "anon_umask": "022",
        "rsa_cert_file": certificate.certificate,
        "rsa_private_key_file": certificate.key,
        **options,
    }
    file = folder / "vsftpd.conf"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    assert VSFTPD
    with running([VSFTPD, str(file)], port):
        yield port


_TLS = {
    "ssl_enable": "YES",
    "allow_anon_ssl": "YES",
    "force_anon_data_ssl": "YES",
    "force_anon_logins_ssl": "YES",
    "ssl_ciphers": "HIGH",
    "require_ssl_reuse": "NO",
}


@needs_vsftpd
@pytest.mark.parametrize(
    "scheme, options",
    [("ftp", {}), ("ftps", _TLS), ("ftpis", {**_TLS, "implicit_ssl": "YES"}), ("ftp", {"pasv_address": "10.1.2.3"})],
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
    with vsftpd(tmp_path, files, **{**_TLS, "require_ssl_reuse": "YES"}) as port:
        (tmp_path / "root/f.bin").write_bytes(content(100_000))
        for job, path in (("get", "/f.bin"), ("put", "/up/x.bin")):
            got = fetch(client, job, f"ftps://127.0.0.1:{port}{path}", n=100_000, root=root)
            [(kind, text)] = got["errors"]
            assert kind == "tls"
            assert "session reuse" in text and "require_ssl_reuse=NO" in text


@needs_nginx
def test_nginx(client, certificate, tmp_path):
    files, root = certificate
    port, secure = free_port(), free_port()
    (tmp_path / "root").mkdir()
    (tmp_path / "root/f.bin").write_bytes(content(100_000))
    digest = base64.b64encode(hashlib.sha1(b"p@ss:/word").digest()).decode()
    (tmp_path / "users").write_text("test:{SHA}" + digest + "\n")
    (tmp_path / "nginx.conf").write_text(f"""
daemon off; master_process off; pid {tmp_path}/pid; error_log stderr; user root;
events {{ worker_connections 64; }}
http {{
    access_log off; client_body_temp_path {tmp_path}/body; client_max_body_size 1m; root {tmp_path}/root;
    proxy_temp_path {tmp_path}/a; fastcgi_temp_path {tmp_path}/b; uwsgi_temp_path {tmp_path}/c; scgi_temp_path {tmp_path}/d;
    server {{
        listen 127.0.0.1:{port}; listen 127.0.0.1:{secure} ssl;
        ssl_certificate {files.certificate}; ssl_certificate_key {files.key};
        location /up/ {{ dav_methods PUT; create_full_put_path on; }}
        location /private/ {{ alias {tmp_path}/root/; auth_basic x; auth_basic_user_file {tmp_path}/users; }}
        location /moved/ {{ return 301 https://127.0.0.1:{secure}/f.bin; }}
    }}
}}
""")
    assert NGINX
    with running([NGINX, "-p", str(tmp_path), "-c", "nginx.conf"], port):
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
