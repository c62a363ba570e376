"""Files over http, https, ftp and ftps, in the memory of one small buffer. README.md has the whole story.

    await get("https://h/f.bin", sink, connect, secure, bytearray(1024), place)     sink.write(piece)
    await put("ftp://u:p@h/d/f", source, connect, secure, bytearray(1024))          source.readinto(piece) -> n

What fails is a TransferError. The other modules are imported for the part of a transfer that needs them.
"""

import sys


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


async def get(url, sink, connect, secure, buf, place=None, wait_s=30):
    """The file into sink.write(), from place.offset on; returns the Place. TransferError."""
    place = place or Place()
    await _run("get", url, connect, secure, buf, wait_s, sink, place)
    return place


def put(
    url, source, connect, secure, buf, size=None, method="PUT", form=None, headers=(), place=None, wait_s=30
):
    """Coroutine: `size` bytes of source.readinto() (None: to its end) to the URL; form: (field, file name)."""
    place = place or Place()
    place.size = size
    return _run("put", url, connect, secure, buf, wait_s, source, place, method, form, headers)
    return place


async def _run(job, url, connect, secure, buf, wait_s, *arguments):
    if len(buf) < 256:
        raise ValueError("buffer under 256 bytes")
    from transferwire import Wire

    wire = Wire(connect, secure, buf, wait_s)
    kind = "ftp" if url[:3].lower() == "ftp" else "http"
    try:
        client = __import__(kind + job)  # by name: httpget, httpput, ftpget, ftpput
        await wire.run(getattr(client, job)(url, wire, *arguments))  # by name: get, put
    finally:
        wire.part()
        parts = "transferwire", "transferin", "transferout", "transferfailure", "transferparse", "transferurl", "transferwords"
        for name in parts + ("ftpsession", kind + job):
            sys.modules.pop(name, None)
