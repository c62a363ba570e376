"""The FTP half: pyftpdlib in a thread. A STOR goes to the spool under the last part of its path; RETR is of the served files."""

import hmac
import logging
import threading
from pathlib import Path
from typing import Any

from pyftpdlib.authorizers import AuthenticationFailed
from pyftpdlib.filesystems import AbstractedFS, FilesystemError
from pyftpdlib.handlers import DTPHandler, FTPHandler, TLS_DTPHandler, TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from pilotwire.errors import PilotwireError
from pilotwire.relay.desk import Desk
from pilotwire.relay.spool import Refused, Upload


class _Users:
    """Who may come in: everybody where there are no users, else those; all may send and fetch, nothing more."""

    def __init__(self, desk: Desk):
        self._desk = desk

    def validate_authentication(self, username: str, password: str, handler: Any) -> None:
        users = self._desk.options.users
        known = users.get(username)
        if users and (known is None or not hmac.compare_digest(known.encode(), password.encode())):
            raise AuthenticationFailed("wrong user or password")

    def has_user(self, username: str) -> bool:
        return not self._desk.options.users or username in self._desk.options.users

    def get_home_dir(self, username: str) -> str:
        return str(self._desk.options.files or self._desk.spool.folder / "incoming")

    def has_perm(self, username: str, perm: str, path: Any = None) -> bool:
        return perm in "elrw"

    def get_perms(self, username: str) -> str:
        return "elrw"

    def get_msg_login(self, username: str) -> str:
        return "Welcome."

    def get_msg_quit(self, username: str) -> str:
        return "Bye."

    def impersonate_user(self, username: str, password: str) -> None:
        pass

    def terminate_impersonation(self, username: str) -> None:
        pass


class _Files(AbstractedFS):
    """Directories are whatever a client names; files are those that are served, by the last part of their path."""

    def _desk(self) -> Desk:
        return self.cmd_channel.desk  # type: ignore[attr-defined]

    def _served(self, path: str) -> Path | None:
        try:
            return self._desk().served(Path(path).name)
        except Refused:
            return None

    def open(self, filename, mode):
        desk, user = self._desk(), self.cmd_channel.relay_user
        try:
            if mode.startswith("r") and "+" not in mode:
                file = desk.served(Path(filename).name)
                desk.fetched(file, "ftp")
                return file.open("rb")
            if not mode.startswith("w"):
                raise FilesystemError("a file that is there can not be changed")
            return desk.begin(user, Path(filename).name, "ftp", None)
        except Refused as refused:
            desk.refused(user, "ftp", refused)
            raise FilesystemError(str(refused))

    def chdir(self, path):
        self.cwd = self.fs2ftp(path)

    def listdir(self, path):
        files = self._desk().options.files
        return sorted(f.name for f in files.iterdir() if f.is_file() and not f.name.startswith(".")) if files else []

    def isfile(self, path):
        return self._served(path) is not None

    def isdir(self, path):
        return not self.isfile(path)

    def lexists(self, path):
        return self.isfile(path)

    def getsize(self, path):
        file = self._served(path)
        if file is None:
            raise FilesystemError("there is no such file")
        return file.stat().st_size

    def getmtime(self, path):
        file = self._served(path)
        if file is None:
            raise FilesystemError("there is no such file")
        return file.stat().st_mtime


class _Data:
    """Mixed into a data connection: a file is in the spool before 226 says that it was taken."""

    def handle_error(self):
        import sys

        error = sys.exc_info()[1]
        if isinstance(error, Refused):
            me: Any = self
            me.cmd_channel.desk.refused(me.cmd_channel.relay_user, "ftp", error)
            me._resp = (f"552 {error}.", logging.getLogger("pyftpdlib").debug)
            self.close()
            return
        super().handle_error()  # type: ignore[misc]

    def close(self):
        me: Any = self
        upload = me.file_obj
        if isinstance(upload, Upload) and not me._closed:
            desk = me.cmd_channel.desk
            try:
                if me.transfer_finished and me._resp and me._resp[0].startswith("226") and not upload.closed:
                    desk.commit(upload, "ftp")
                elif not upload.closed and not (me._resp and me._resp[0].startswith("552")):
                    desk.refused(upload.user, "ftp", Refused("broken", "the connection ended before the file"))
            except Refused as refused:
                desk.refused(upload.user, "ftp", refused)
                me._resp = (f"552 {refused}.", logging.getLogger("pyftpdlib").debug)
            finally:
                desk.over(upload)
        super().close()  # type: ignore[misc]


class _PlainData(_Data, DTPHandler):
    pass


class _SecureData(_Data, TLS_DTPHandler):
    pass


class _Control:
    """Mixed into a control connection."""

    desk: Desk

    @property
    def relay_user(self) -> str:
        """Under what name the files of this client go."""
        name = self.username  # type: ignore[attr-defined]
        return name if self.desk.options.users else "anonymous"


class Server:
    """FTP on a port; tls: "" plain, "e" with AUTH TLS on demand, "i" TLS from the first byte."""

    def __init__(self, desk: Desk, port: int, tls: str = ""):
        options = desk.options
        handler: Any
        if tls:

            class Secure(_Control, TLS_FTPHandler):
                dtp_handler = _SecureData

                def handle(self):
                    if tls == "i":
                        self.secure_connection(self.ssl_context)
                        self._prot = self._pbsz = True
                    super().handle()

            handler = Secure
            handler.certfile, handler.keyfile = str(options.certificate), str(options.key or options.certificate)
            try:
                handler.ssl_context = handler.get_ssl_context()
            except Exception as error:
                raise PilotwireError("the certificate of the relay can not be used", str(error) or repr(error))
        else:

            class Plain(_Control, FTPHandler):
                dtp_handler = _PlainData

            handler = Plain
        handler.desk, handler.authorizer, handler.abstracted_fs = desk, _Users(desk), _Files
        handler.timeout = handler.dtp_handler.timeout = max(1, int(options.stall_s))
        handler.banner = "pilotwire relay ready."
        if options.passive_ports:
            handler.passive_ports = range(options.passive_ports[0], options.passive_ports[1] + 1)
        logging.getLogger("pyftpdlib").setLevel(logging.CRITICAL)
        try:
            self._server = FTPServer((options.host, port), handler, ioloop=IOLoop())
        except OSError as error:
            raise PilotwireError(f"cannot listen on port {port} for FTP", error.strerror or str(error))
        assert self._server.socket is not None
        self.port: int = self._server.socket.getsockname()[1]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ftp", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._server.ioloop.loop(timeout=0.1, blocking=False)
        self._server.close_all()
        self._server.ioloop.close()

    def close(self) -> None:
        """Ends the server and its connections; what came in half is thrown away."""
        self._stop.set()
        self._thread.join()
