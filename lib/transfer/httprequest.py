"""The head of an HTTP/1.1 request, and the frame of a form with one file, without I/O."""

from binascii import b2a_base64, hexlify
from os import urandom

from transfer import TransferError


def get(url, place):
    """(port, TLS, request) to GET a Url from place.offset on."""
    lines = []
    if place.offset:
        lines.append("Range: bytes=%d-" % place.offset)
        if place.mark:
            lines.append("If-Range: " + place.mark)
    return url.port, url.tls, request("GET", url, lines)


def put(url, place, method, field, headers):
    """(port, TLS, request, bytes before the file, bytes after it); field: (field, file name) of a form, or None."""
    before = after = b""
    lines = list(headers)
    if field:
        line, before, after = form(*field)
        lines.append(line)
    elif method == "POST":
        lines.append("Content-Type: application/octet-stream")
    # a raw PUT says no type: it would not fit what older signed URLs were signed for
    if place.size is None:
        lines.append("Transfer-Encoding: chunked")
    else:
        lines.append("Content-Length: %d" % (len(before) + place.size + len(after)))
    return url.port, url.tls, request(method, url, lines), before, after


def request(method, url, lines=()):
    """Bytes of the head for a transferurl.Url; TransferError when a line would break it."""
    out = [method + " " + url.path + " HTTP/1.1", "Host: " + url.authority]
    out.append("User-Agent: micropython-transfer\r\nAccept-Encoding: identity\r\nConnection: close")
    if url.user is not None:
        login = b2a_base64(url.user + b":" + (url.password or b""))
        out.append("Authorization: Basic " + login.decode().strip())
    for line in lines:
        for c in line:
            if not " " <= c <= "~":
                raise TransferError("url", "header with a character that it may not have")
        out.append(line)
    out.append("\r\n")
    return "\r\n".join(out).encode()


def form(field, name):
    """(Content-Type line, bytes before the file, bytes after it) of multipart/form-data."""
    for c in field + name:
        if c in '"\\' or c < " ":
            raise TransferError("url", "bad file name for a form")
    edge = "----" + hexlify(urandom(12)).decode()
    before = '--%s\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n' % (edge, field, name)
    before += "Content-Type: application/octet-stream\r\n\r\n"
    line = "Content-Type: multipart/form-data; boundary=" + edge
    return line, before.encode(), ("\r\n--%s--\r\n" % edge).encode()
