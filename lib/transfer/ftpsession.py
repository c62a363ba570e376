"""FTP and FTPS, passive mode only: commands and their replies. ftpget and ftpput carry files by it."""

from transfer import TransferError

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_LINE = const(1024)
_REPLY = const(16384)  # bytes of all lines of one reply


class Session:
    """Control and data connection; errors show the verb of a command, since its argument may be secret."""

    def __init__(self, wire):
        self.wire = wire
        self.replies = Replies()
        self.control = self.data = None
        self.doing = ""
        self.code = 0
        self.tls = ""
        self.text = b""

    async def begin(self, text):
        wire = self.wire
        port, *login = self.address(text)
        await wire.part("ftpgreeting").greet(self, port)
        await wire.part("ftplogin").login(self, *login)
        wire.part()

    def address(self, text):
        """(port, user, password) of a URL. No coroutine: what else is known of a URL lives no longer than this."""
        url = self.wire.url(text)
        self.tls = url.tls
        self.path = url.file()
        return url.port, url.user, url.password

    async def reply(self, times=1):
        # code of the next reply
        wire = self.wire
        wire.step("the reply to " + self.doing, times)
        view = wire.view[:256]
        while True:
            got = self.replies.reply()
            if got:
                self.code = code = got[0]
                self.text = got[1]
                if code == 421:
                    raise self.refused(code)
                return code
            n = await wire.read(self.control, view)
            if not n:
                raise TransferError("short", "connection closed in place of the reply to " + self.doing)
            self.replies.received(view[:n])

    async def command(self, line):
        self.doing = line.partition(b" ")[0].decode()
        if self.replies.pending:
            raise TransferError("server", "a reply that belongs to no command")
        self.wire.step("sending " + self.doing)
        await self.wire.write(self.control, line + b"\r\n")
        return await self.reply()

    def refused(self, code):
        return self.wire.part("ftprefusal").refusal(self.wire, code, self.text, self.doing, self.tls)

    async def must(self, line, *codes):
        code = await self.command(line)
        if code not in codes:
            raise self.refused(code)

    def about(self):
        """Coroutine: (size or None, time of modification or "") of the file."""
        return self.wire.part("ftpdata").about(self)

    async def transfer(self, verb, offset):
        """Open `data`; bytes to pass over, if the server can not begin at the offset."""
        wire = self.wire
        skip = await wire.part("ftpdata").begin(self, verb, offset)
        if self.tls:  # only now: vsftpd begins TLS after the reply to the verb
            securing = wire.secure(self.data)
            self.data = None  # that closes it when it fails
            try:
                self.data = await securing
            except TransferError as e:
                await self.finish(e)
        wire.part()
        return skip

    def finish(self, lost):
        """Coroutine: close `data`, and see what became of the file; lost: what has failed already, or None."""
        return self.wire.part("ftpend").finish(self, lost)

    async def close(self):
        await self.wire.close(self.data)
        await self.wire.close(self.control)


class Replies:
    """Replies of RFC 959 without I/O: received(data), then reply() -> (code, last line's text) or None.

    Call reply() until it is None before the next received(): that bounds what is kept."""

    def __init__(self):
        self._data = b""
        self._code = None  # of a reply of several lines, of which the last is still to come
        self._total = 0

    @property
    def pending(self):
        """Has anything arrived after the last reply?"""
        return bool(self._data)

    def received(self, data):
        """More bytes of the control connection."""
        self._data += bytes(data)

    def reply(self):
        """The next reply, or None until it is whole; TransferError."""
        while True:
            end = self._data.find(b"\n")
            if end > _LINE or end < 0 and len(self._data) > _LINE:
                raise TransferError("server", "reply with a line over %d bytes" % _LINE)
            if end < 0:
                return None
            line = self._data[:end].rstrip()
            self._data = self._data[end + 1 :]
            self._total += end + 1
            if self._total > _REPLY:
                raise TransferError("server", "reply over %d bytes" % _REPLY)
            code = line[:3]
            if len(code) == 3 and code.isdigit():
                code = int(code)
                mark = line[3:4]
            else:
                code = 0
            if self._code is None:
                if not 100 <= code < 600 or mark not in b" -":
                    raise TransferError("server", "the server does not speak FTP")
                if mark == b"-":
                    self._code = code
                    continue
            elif code != self._code or mark == b"-" or mark not in b" ":
                continue  # inside a reply any text may stand
            self._code = None
            self._total = 0
            return code, line[4:]
