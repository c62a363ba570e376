"""Commands of FTP and their replies. Imported by each part that gives any: between two parts the session does without."""

from transfer import TransferError

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_LINE = const(1024)
_REPLY = const(16384)  # bytes of all lines of one reply


async def reply(session, times=1):
    """Code of the next reply."""
    wire = session.wire
    wire.step("the reply to " + session.doing, times)
    replies = Replies(session.rest)
    view = wire.view[:256]
    while True:
        got = replies.reply()
        if got:
            session.code, session.text = code, _ = got
            session.rest = replies.rest
            if code == 421:
                raise session.refused(code)
            return code
        n = await wire.read(session.control, view)
        if not n:
            raise TransferError("short", "connection closed in place of the reply to " + session.doing)
        replies.received(view[:n])


async def command(session, line):
    """Send a command; code of its reply."""
    session.doing = line.partition(b" ")[0].decode()
    if session.rest:
        raise TransferError("server", "a reply that belongs to no command")
    session.wire.step("sending " + session.doing)
    await session.wire.write(session.control, line + b"\r\n")
    return await reply(session)


async def must(session, line, *codes):
    """The same; TransferError if the code is another."""
    code = await command(session, line)
    if code not in codes:
        raise session.refused(code)


class Replies:
    """Replies of RFC 959 without I/O: received(data), then reply() -> (code, last line's text) or None.

    Call reply() until it is None before the next received(): that bounds what is kept, `rest`."""

    def __init__(self, rest=b""):
        self.rest = rest
        self._code = None  # of a reply of several lines, of which the last is still to come
        self._total = 0

    def received(self, data):
        """More bytes of the control connection."""
        self.rest += bytes(data)

    def reply(self):
        """The next reply, or None until it is whole; TransferError."""
        while True:
            end = self.rest.find(b"\n")
            if end > _LINE or end < 0 and len(self.rest) > _LINE:
                raise TransferError("server", "reply with a line over %d bytes" % _LINE)
            if end < 0:
                return None
            line = self.rest[:end].rstrip()
            self.rest = self.rest[end + 1 :]
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
