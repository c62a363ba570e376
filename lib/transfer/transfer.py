"""Files over http, https, ftp and ftps, in the memory of one small buffer. README.md has the whole story.

    await get("https://h/f.bin", sink, connect, bytearray(1024), place)     sink.write(piece)
    await put("ftp://u:p@h/d/f", source, connect, bytearray(1024))          source.readinto(piece) -> n

What fails is a TransferError. Cold: the parts for the scheme are imported for one transfer and let go.
"""

import sys

_PARTS = ("transferurl", "transferwire", "httpparts", "httpget", "httpput", "ftpparts", "ftpclient")


class TransferError(Exception):
    """`kind`, one word of the table in README.md, and `text` in words, without any secret."""

    def __init__(self, kind, text):
        super().__init__(kind, text)
        self.kind = kind
        self.text = text


class Place:
    """How far a transfer is: hand it in again to go on; `mark` is the server's version of the file."""

    def __init__(self, offset=0, mark="", size=None):
        self.offset = offset
        self.mark = mark
        self.size = size  # of the whole file; None: not known (yet)


async def get(url, sink, connect, buf, place=None, secure=None, wait_s=30):
    """The file into sink.write(), from place.offset on; returns the Place. TransferError."""
    place = place or Place()
    try:
        url, client, wire = _begin(url, "get", connect, secure, buf, wait_s)
        await wire.run(client.get(url, sink, wire, place))
    finally:
        _end()
    return place


async def put(
    url, source, connect, buf, size=None, method="PUT", form=None, headers=(), place=None, secure=None, wait_s=30
):
    """`size` bytes of source.readinto() (None: to its end) to the URL; form: (field, file name)."""
    place = place or Place()
    place.size = size
    try:
        url, client, wire = _begin(url, "put", connect, secure, buf, wait_s)
        await wire.run(client.put(url, source, wire, place, method, form, headers))
    finally:
        _end()
    return place


def _begin(url, job, connect, secure, buf, wait_s):
    if len(buf) < 256:
        raise ValueError("buffer under 256 bytes")
    from transferurl import parse
    from transferwire import Wire

    url = parse(url)
    name = "ftpclient" if url.ftp else "http" + job
    return url, __import__(name), Wire(connect, secure, buf, wait_s)


def _end():
    # Another transfer that runs now keeps what it has imported.
    for name in _PARTS:
        sys.modules.pop(name, None)
