"""FTP and FTPS, passive mode only: RETR and STOR of one file, resumed with REST."""

from ftpreply import Replies, extended_port, passive_port, size
from transfer import TransferError, clean
from transferwire import fill, restart, seek, store


async def get(text, wire, sink, place):
    """See transfer.get."""
    session = _Session(wire)
    try:
        await session.begin(text)
        total, mark = await session.about()
        offset = place.offset
        if offset and (
            place.mark and mark and mark != place.mark
            or total is not None and (total < offset or place.size is not None and total != place.size)
        ):
            restart(sink, place)
            offset = 0
        place.size = total
        place.mark = mark or place.mark
        if offset and offset == total:
            return
        skip = await session.transfer(b"RETR ", offset)
        view = wire.view
        lost = None
        try:
            # The size is the end: what comes after it may fail where the file is whole. A control connection dies of
            # idleness in a long transfer, and the end of a TLS stream does not always come through.
            while place.offset != total:
                wire.step("the file")
                n = await wire.read(session.data, view)
                if not n:
                    break
                passed = min(skip, n)
                skip -= passed
                if n > passed:
                    n = n if total is None else min(n, passed + total - place.offset)
                    store(sink, view[passed:n], place)
        except TransferError as e:
            if e.kind not in ("short", "tls"):
                raise
            lost = e
        if total is None or place.offset != total:
            await session.finish(lost)
        if skip or total is not None and place.offset != total:
            raise TransferError("short", "the file ends at %d bytes" % place.offset)
        place.size = place.offset
    finally:
        await session.close()


async def put(text, wire, source, place, method, form, headers):
    """See transfer.put; method, form and headers are for HTTP."""
    session = _Session(wire)
    try:
        await session.begin(text)
        offset = 0
        if place.offset and hasattr(source, "seek"):
            # what has arrived of an earlier try may be less than what was sent
            there = (await session.about())[0] or 0
            offset = there if there <= place.offset else 0
            seek(source, offset)
            place.offset = offset
        skip = await session.transfer(b"STOR ", offset)
        if skip:
            seek(source, 0)
            place.offset = 0
        lost = None
        try:
            while True:
                wire.step("sending the file")
                n = fill(source, wire.view, place)
                if not n:
                    break
                await wire.write(session.data, wire.view[:n])
        except TransferError as e:
            if e.kind not in ("short", "tls"):
                raise
            lost = e
        try:
            await session.finish(lost)
        except TransferError:
            # MicroPython ends TLS without a close_notify, which vsftpd takes for a cut. Has it all the same?
            if lost or not session.tls or session.code != 426 or (await session.about())[0] != place.offset:
                raise
    finally:
        await session.close()


class _Session:
    """Control and data connection; errors show the verb of a command, since its argument may be secret."""

    def __init__(self, wire):
        self.wire = wire
        self.replies = Replies()
        self.control = self.data = None
        self.doing = ""
        self.code = 0
        self.tls = ""
        self._text = b""

    async def begin(self, text):
        wire = self.wire
        url = wire.url(text)
        self.tls = url.tls
        self.path = url.file()
        login = url.port, url.user, url.password
        url = None
        await wire.part("ftplogin").login(self, *login)
        wire.part()

    async def reply(self, times=1):
        # code of the next reply
        wire = self.wire
        wire.step("the reply to " + self.doing, times)
        view = wire.view[:256]
        while True:
            got = self.replies.reply()
            if got:
                self.code = code = got[0]
                self._text = got[1]
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
        return self.wire.part("ftprefusal").refusal(self.wire, code, self._text, self.doing, self.tls)

    async def must(self, line, *codes):
        code = await self.command(line)
        if code not in codes:
            raise self.refused(code)

    async def about(self):
        # (size or None, time of modification or "")
        total = None
        mark = ""
        if await self.command(b"SIZE " + self.path) == 213:
            total = size(self._text)
        if await self.command(b"MDTM " + self.path) == 213 and len(self._text) < 32:
            mark = clean(self._text, ())
        return total, mark

    async def transfer(self, verb, offset):
        # opens `data`; bytes to pass over, if the server can not begin at the offset
        wire = self.wire
        # to the host of the control connection: the address in the answer to PASV is often one behind a NAT
        if await self.command(b"EPSV") == 229:
            port = extended_port(self._text)
        else:
            await self.must(b"PASV", 227)
            port = passive_port(self._text)
        self.data = await wire.open(port)
        skip = 0
        if offset and await self.command(b"REST %d" % offset) != 350:
            skip = offset
        await self.must(verb + self.path, 150, 125)
        if self.tls:  # only now: vsftpd begins TLS after this reply
            data = self.data
            self.data = None
            try:
                self.data = await wire.secure(data)
            except TransferError as e:
                await self.finish(e)
        return skip

    async def finish(self, lost):
        # the reply after the data says better than their connection why they ended
        await self.wire.close(self.data)
        self.data = None
        try:
            code = await self.reply(2)
        except TransferError as e:
            raise lost or e
        if code not in (226, 250):
            raise self.refused(code)
        if lost:
            raise lost

    async def close(self):
        await self.wire.close(self.data)
        await self.wire.close(self.control)
