"""FTP and FTPS, passive mode only: RETR and STOR of one file, resumed with REST."""

from ftpparts import Replies, extended_port, passive_port, refusal, size, wants_reuse
from transfer import TransferError
from transferurl import decode
from transferwire import fill, restart, store

_REUSE = (
    "the server wants the data connection to resume the TLS session of the control connection, which MicroPython "
    "can not do: switch session reuse off there (vsftpd: require_ssl_reuse=NO)"
)


async def get(url, sink, wire, place):
    """See transfer.get."""
    session = _Session(url, wire)
    try:
        await session.login()
        path = session.path
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
        await session.passive()
        skip = 0
        if offset and await session.command(b"REST %d" % offset) != 350:
            skip = offset  # passed over: what is there must not be written again
        await session.begin(b"RETR " + path)
        view = wire.view
        lost = None
        try:
            while True:
                wire.step("the file")
                n = await wire.read(session.data, view)
                if not n:
                    break
                passed = min(skip, n)
                skip -= passed
                if n > passed:
                    store(sink, view[passed:n], place)
        except TransferError as e:
            if e.kind not in ("short", "tls"):
                raise
            lost = e
        await wire.close(session.data)
        try:
            await session.finish(lost)
        except TransferError as e:
            # control connections die of idleness during long transfers; the size tells that all is here
            if e.kind not in ("short", "stall") or lost or total is None or place.offset != total:
                raise
        if skip or total is not None and place.offset != total:
            raise TransferError("short", "the file ends at %d bytes" % place.offset)
        place.size = place.offset
    finally:
        await session.close()


async def put(url, source, wire, place, method, form, headers):
    """See transfer.put; method, form and headers are for HTTP."""
    session = _Session(url, wire)
    try:
        await session.login()
        offset = 0
        if place.offset and hasattr(source, "seek"):
            # what has arrived of an earlier try may be less than was sent
            there = (await session.about())[0] or 0
            if there <= place.offset and (place.size is None or there <= place.size):
                offset = there
        await session.passive()
        if offset and await session.command(b"REST %d" % offset) != 350:
            offset = 0
        if place.offset and hasattr(source, "seek"):
            source.seek(offset)
        place.offset = offset
        await session.begin(b"STOR " + session.path)
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
        await wire.close(session.data)
        await session.finish(lost)
    finally:
        await session.close()


class _Session:
    def __init__(self, url, wire):
        path = url.path.rpartition(";type=")
        path = path[0] if path[1] else path[2]
        self.path = decode(path[1:])  # relative to the directory after the login, as RFC 1738 has it; //: absolute
        self.data = None
        self._url = url
        self._wire = wire
        self._control = None
        self._replies = Replies()
        self._text = b""
        self._doing = ""

    async def reply(self, times=1):
        # code of the next reply that is no "wait" (1xx but 150 and 125)
        wire = self._wire
        wire.step("the reply to " + self._doing, times)
        view = wire.view[:256]
        while True:
            got = self._replies.reply()
            if got:
                code, self._text = got
                if code == 421:
                    raise TransferError("server", "%s closes: %s" % (self._url.where, self._url.clean(self._text)))
                return code
            n = await wire.read(self._control, view)
            if not n:
                raise TransferError("short", "connection closed in place of the reply to " + self._doing)
            self._replies.received(view[:n])

    async def command(self, line):
        # the argument of some is a secret, so that errors show the verb alone
        self._doing = line.partition(b" ")[0].decode()
        if b"\r" in line or b"\n" in line or b"\0" in line:
            raise TransferError("url", "line break in the argument of " + self._doing)
        if self._replies.pending:
            raise TransferError("server", "a reply that belongs to no command")
        self._wire.step("sending " + self._doing)
        await self._wire.write(self._control, line + b"\r\n")
        return await self.reply()

    def refused(self, code):
        if wants_reuse(code, self._text) and self._url.tls:
            return TransferError("tls", _REUSE)
        return refusal(self._url, code, self._text, self._doing)

    async def must(self, line, *codes):
        code = await self.command(line)
        if code not in codes:
            raise self.refused(code)
        return code

    async def login(self):
        url = self._url
        wire = self._wire
        self._control = await wire.open(url.host, url.port, url.tls == "i")
        self._doing = "the connection"
        code = await self.reply()
        while code == 120:  # ready in n minutes
            code = await self.reply()
        if code != 220:
            raise self.refused(code)
        if url.tls == "e":
            code = await self.command(b"AUTH TLS")
            if code != 234:
                raise TransferError("tls", "%s has no TLS: %d %s" % (url.where, code, url.clean(self._text)))
            if self._replies.pending:
                raise TransferError("tls", "data before TLS began")  # slipped in by a third party
            self._control = await wire.secure(self._control, url.host)
        user = b"anonymous" if url.user is None else url.user
        code = await self.command(b"USER " + user)
        if code == 331:
            code = await self.command(b"PASS " + (b"anonymous@" if url.user is None else url.password or b""))
        if code not in (230, 202):
            raise self.refused(code)
        if url.tls:
            await self.must(b"PBSZ 0", 200)
            await self.must(b"PROT P", 200)
        await self.must(b"TYPE I", 200)

    async def about(self):
        # (size or None, time of modification or "")
        total = mark = None
        if await self.command(b"SIZE " + self.path) == 213:
            total = size(self._text)
        if await self.command(b"MDTM " + self.path) == 213 and len(self._text) < 32:
            mark = self._url.clean(self._text)
        return total, mark or ""

    async def passive(self):
        # always to the host of the control connection: the address that PASV tells is often one behind a NAT
        url = self._url
        if await self.command(b"EPSV") == 229:
            port = extended_port(self._text)
        else:
            await self.must(b"PASV", 227)
            port = passive_port(self._text)
        self.data = await self._wire.open(url.host, port)

    async def begin(self, line):
        await self.must(line, 150, 125)
        if self._url.tls:
            # only now: some servers begin TLS after this reply
            try:
                self.data = await self._wire.secure(self.data, self._url.host)
            except TransferError as e:
                await self._wire.close(self.data)
                await self.finish(e)

    async def finish(self, lost):
        # the reply after the data says why they ended, better than the connection can
        try:
            code = await self.reply(2)
        except TransferError as e:
            raise lost or e
        if code not in (226, 250):
            raise self.refused(code)
        if lost:
            raise lost

    async def close(self):
        wire = self._wire
        await wire.close(self.data)
        await wire.close(self._control)
