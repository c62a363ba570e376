"""vsftpd and nginx as Debian has them, on free ports of the loopback, from a folder of their own.

`apt-get install vsftpd nginx-light libnginx-mod-http-dav-ext`; vsftpd needs root for its chroot.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

VSFTPD = shutil.which("vsftpd", path=os.environ.get("PATH", "") + ":/usr/sbin")
NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
needs_vsftpd = pytest.mark.skipif(
    not VSFTPD or os.geteuid() != 0, reason="vsftpd is not installed, or this is not root, which its chroot needs"
)
needs_nginx = pytest.mark.skipif(not NGINX, reason="nginx is not installed")


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


VSFTPD_TLS = {
    "ssl_enable": "YES",
    "allow_anon_ssl": "YES",
    "force_anon_data_ssl": "YES",
    "force_anon_logins_ssl": "YES",
    "ssl_ciphers": "HIGH",
    "require_ssl_reuse": "NO",
}


@contextlib.contextmanager
def nginx(folder: Path, certificate, locations: str = ""):
    """nginx that serves folder/root and takes PUT under /up/; yields its ports of HTTP and HTTPS."""
    port, secure = free_port(), free_port()
    (folder / "root").mkdir()
    (folder / "nginx.conf").write_text(f"""
daemon off; master_process off; pid {folder}/pid; error_log stderr; user root;
events {{ worker_connections 64; }}
http {{
    access_log off; client_body_temp_path {folder}/body; client_max_body_size 1m; root {folder}/root;
    proxy_temp_path {folder}/a; fastcgi_temp_path {folder}/b; uwsgi_temp_path {folder}/c; scgi_temp_path {folder}/d;
    server {{
        listen 127.0.0.1:{port}; listen 127.0.0.1:{secure} ssl;
        ssl_certificate {certificate.certificate}; ssl_certificate_key {certificate.key};
        location /up/ {{ dav_methods PUT; create_full_put_path on; }}
        {locations}
        location /moved/ {{ return 301 https://127.0.0.1:{secure}/f.bin; }}
    }}
}}
""")
    assert NGINX
    with running([NGINX, "-p", str(folder), "-c", "nginx.conf"], port):
        yield port, secure
