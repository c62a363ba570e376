"""The HTTP half: GET of files with Range, PUT and POST of what chargers send, /metrics."""

import asyncio
import base64
import binascii
import hmac
from urllib.parse import unquote

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from pilotwire.relay.desk import Desk
from pilotwire.relay.options import PUBLISHER
from pilotwire.relay.spool import Refused, Upload, safe

_STATUS = {"name": 400, "form": 400, "quota": 507, "disk": 507, "stall": 408}


def application(desk: Desk) -> Starlette:
    """The routes of a relay."""

    async def metrics(_: Request) -> Response:
        return PlainTextResponse(desk.metrics.text(len(desk.spool.waiting())))

    async def fetch(request: Request) -> Response:
        try:
            file = desk.served(unquote(request.path_params["name"]))
        except Refused:
            return PlainTextResponse("there is no such file\n", 404)
        desk.fetched(file, "http")
        return FileResponse(file)

    async def take(request: Request) -> Response:
        user = authorised(request, desk.options.users)
        if user is None:
            return PlainTextResponse("who are you?\n", 401, {"WWW-Authenticate": 'Basic realm="relay"'})
        path = request.url.path
        publishes = path.startswith("/files/")
        if publishes and (user != PUBLISHER or desk.options.files is None):
            return PlainTextResponse("only the publisher may\n", 403)
        try:
            name = await _take(request, desk, user, publishes)
        except Refused as refused:
            desk.refused(user, "http", refused)
            return PlainTextResponse(f"{refused}\n", _STATUS[refused.kind], {"Connection": "close"})
        except ClientDisconnect:
            desk.refused(user, "http", Refused("broken", "the connection ended before the file"))
            return Response(status_code=400)
        return PlainTextResponse(f"{name}\n", 201)

    return Starlette(
        routes=[
            Route("/metrics", metrics),
            Route("/files/{name:path}", fetch, methods=["GET", "HEAD"]),
            Route("/{path:path}", take, methods=["PUT", "POST"]),
        ]
    )


def authorised(request: Request, users: dict[str, str]) -> str | None:
    """Who sends this; None if nobody that we know."""
    if not users:
        return "anonymous"
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    known = users.get(name)
    if scheme.lower() != "basic" or known is None or not hmac.compare_digest(known.encode(), password.encode()):
        return None
    return name


async def _take(request: Request, desk: Desk, user: str, publishes: bool) -> str:
    length = request.headers.get("content-length", "")
    kind, fields = parse_options_header(request.headers.get("content-type", ""))
    if kind == b"multipart/form-data":
        sink: _Form | _Raw = _Form(desk, user, fields.get(b"boundary", b""))
    else:
        name = unquote(request.url.path.rpartition("/")[2])
        sink = _Raw(desk.begin(user, name, "http", int(length) if length.isdigit() else None))
    try:
        chunks = request.stream().__aiter__()
        while True:
            try:
                async with asyncio.timeout(desk.options.stall_s):
                    chunk = await anext(chunks, None)
            except TimeoutError:
                raise Refused("stall", "nothing came for too long")
            if chunk is None:
                break
            if chunk:
                sink.feed(chunk)
        upload = sink.end()
        await asyncio.to_thread(desk.publish if publishes else desk.commit, upload, "http")
        return upload.name
    finally:
        if sink.upload:
            desk.over(sink.upload)


class _Raw:
    """The body is the file."""

    def __init__(self, upload: Upload):
        self.upload = upload
        self.feed = upload.write

    def end(self) -> Upload:
        return self.upload


class _Form:
    """The file is the first part of the form that has a file name."""

    def __init__(self, desk: Desk, user: str, boundary: bytes):
        if not boundary:
            raise Refused("form", "a form without a boundary")
        self.upload: Upload | None = None
        self._desk, self._user = desk, user
        self._field = self._value = b""
        self._name: str | None = None
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_header_field": self._on_field,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header,
                "on_part_data": self._on_data,
                "on_end": self._on_end,
            },
        )

    def feed(self, data: bytes) -> None:
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise Refused("form", f"the form can not be read: {error}")

    def end(self) -> Upload:
        if not self._ended:
            raise Refused("form", "the form ends too early")
        if self.upload is None:
            raise Refused("form", "the form has no file")
        return self.upload

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        if self._field.lower() == b"content-disposition":
            name = parse_options_header(self._value)[1].get(b"filename")
            self._name = None if name is None or self.upload else safe(name.decode(errors="replace"))
            if self._name:
                self.upload = self._desk.begin(self._user, self._name, "http", None)
        self._field = self._value = b""

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._name and self.upload:
            self.upload.write(data[start:end])

    def _on_end(self) -> None:
        self._ended = True
