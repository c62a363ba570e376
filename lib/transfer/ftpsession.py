"""FTP and FTPS, passive mode only: what lasts as long as a session; its parts give commands."""

from transfer import TransferError


class Session:
    """Control and data connection; errors show the verb of a command, since its argument may be secret."""

    def __init__(self, wire):
        self.wire = wire
        self.control = self.data = None
        self.doing = ""
        self.code = 0
        self.tls = ""
        self.text = self.rest = b""  # of the last reply, and what came after it

    async def begin(self, text):
        wire = self.wire
        port, *login = self.address(text)
        self.control = await wire.open(port, self.tls == "i")
        self.doing = "the connection"
        wire.part()
        wire.step("the reply to the connection")
        self.rest = bytes(wire.view[: await wire.read(self.control, wire.view[:256])])  # the wait for it may be long
        await wire.part("ftplogin").greeted(self)
        if self.tls == "e":
            securing = wire.secure(self.control)
            self.control = None  # that closes it when it fails
            self.control = await securing
        await wire.part("ftplogin").login(self, *login)
        wire.part()

    def address(self, text):
        """(port, user, password) of a URL. No coroutine: what else is known of a URL lives no longer than this."""
        url = self.wire.part("transferparse").url(self.wire, text)
        self.tls = url.tls
        self.path = url.file()
        return url.port, url.user, url.password

    def refused(self, code):
        return self.wire.part("ftprefusal").refusal(self.wire, code, self.text, self.doing, self.tls)

    def about(self):
        """Coroutine: (size or None, time of modification or "") of the file."""
        return self.wire.part("ftpabout").about(self)

    async def transfer(self, verb, offset):
        """Open `data`; bytes to pass over, if the server can not begin at the offset."""
        skip = await self.wire.part("ftpdata").begin(self, verb, offset)
        if self.tls:  # only now: vsftpd begins TLS after the reply to the verb
            securing = self.wire.secure(self.data)
            self.data = None  # as above
            try:
                self.data = await securing
            except TransferError as e:
                await self.finish(e)
        self.wire.part()
        return skip

    def finish(self, lost):
        """Coroutine: close `data`, and see what became of the file; lost: what has failed already, or None."""
        return self.wire.part("ftpend").finish(self, lost)

    async def close(self):
        await self.wire.close(self.data)
        await self.wire.close(self.control)
