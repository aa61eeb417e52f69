"""Requests and answers of HTTP/1.1 (RFC 9112), as values; nothing here waits.

A parser reads one head and is thrown away, so no byte of a body passes through it.
"""

import os
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol
from urllib.parse import unquote

import httptools
import msgspec

# A browser behind a proxy sends 2 KiB.
HEAD_BYTES_MAX = 16 * 1024
HEADERS_MAX = 64
HEAD_END = b"\r\n\r\n"
# Headers of which there is one; with a second one two readers would understand a request differently.
SINGLE = frozenset({"host", "content-length", "authorization", "transfer-encoding", "upload-offset", "range"})


class BadHead(Exception):
    """Bytes that are no head of a request. `status`: of the answer."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status)
        self.status = status


class RequestBody(Protocol):
    """The bytes that follow a head."""

    length: int | None
    """Bytes, None where the request does not say."""

    async def read(self, least: int = 1) -> memoryview:
        """Return the next bytes, at least so many unless the rest is less; they stay as they are until the next call.

        None at the end.
        Raises BodyLost where the rest will not come.
        """

    def end(self) -> None:
        """Let `read` raise BodyLost from now on, also while it waits."""


class BodyLost(Exception):
    """The rest of a request will not come: the connection is lost, nothing came for long, or nobody wants it."""


@dataclass(slots=True)
class Request:
    """One request. `path` is decoded, `query` and `target` are not; names of `headers` are small.

    `peer`: the address at the other end of the connection.
    """

    method: str
    target: str
    path: str
    query: str
    headers: Mapping[str, str]
    keeps_alive: bool
    peer: str = ""
    body: RequestBody = field(init=False)

    @property
    def is_chunked(self) -> bool:
        return "transfer-encoding" in self.headers

    @property
    def length(self) -> int | None:
        """Bytes of the body, None for one in chunks."""
        return None if self.is_chunked else int(self.headers.get("content-length", "0"))


@dataclass(slots=True)
class FilePart:
    """Bytes of an open file; its descriptor is closed when they were sent, or will not be."""

    descriptor: int
    offset: int
    count: int


@dataclass(slots=True)
class Answer:
    """One answer. The length of a generated `body` is not known before, so it is sent in chunks."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | FilePart | AsyncGenerator[bytes, None] = b""

    @property
    def length(self) -> int | None:
        if isinstance(self.body, FilePart):
            return self.body.count
        return len(self.body) if isinstance(self.body, bytes) else None

    async def close(self) -> None:
        """Free what the body holds."""
        if isinstance(self.body, FilePart):
            os.close(self.body.descriptor)
        elif not isinstance(self.body, bytes):
            await self.body.aclose()


class _Error(msgspec.Struct, omit_defaults=True):
    code: str
    retry_after: int = 0
    scope: str = ""
    field: str = ""


_json = msgspec.json.Encoder()


def error(
    status: int, code: str, retry_after: int = 0, scope: str = "", field: str = "", **headers: str
) -> Answer:
    """Return the answer for a failure. `retry_after`: milliseconds, 0 for none."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if retry_after:
        named["Retry-After"] = str(-(-retry_after // 1000))
    body = _json.encode(_Error(code, retry_after, scope, field))
    return Answer(status, {"Content-Type": "application/json", "Cache-Control": "no-store", **named}, body)


class _Head:
    """The callbacks of the parser."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[tuple[str, str]] = []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.decode("ascii").lower(), value.decode("latin-1")))


def read_head(data: bytes) -> Request:
    """Return the request of a whole head, up to and with its empty line. Raises BadHead."""
    head = _Head()
    parser = httptools.HttpRequestParser(head)
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        # No protocol is offered, so the request is answered as it is (RFC 9110, 7.8).
        pass
    except (httptools.HttpParserError, UnicodeDecodeError):
        raise BadHead(HTTPStatus.BAD_REQUEST) from None
    if len(head.headers) > HEADERS_MAX:
        raise BadHead(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    headers = _joined(head.headers)
    version = parser.get_http_version()
    _check(headers, version)
    target = head.url.decode("latin-1")
    raw_path, _, query = target.partition("?")
    method = parser.get_method().decode("ascii")
    return Request(method, target, unquote(raw_path), query, headers, keeps_alive(headers, version))


def keeps_alive(headers: Mapping[str, str], version: str) -> bool:
    """Whether the peer wants to send another request (RFC 9112, 9.3). The parser forgets it where there is no body."""
    wishes = {wish.strip().lower() for wish in headers.get("connection", "").split(",")}
    return "close" not in wishes if version == "1.1" else "keep-alive" in wishes


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in pairs:
        if name not in headers:
            headers[name] = value
        elif name in SINGLE:
            raise BadHead(HTTPStatus.BAD_REQUEST)
        else:
            headers[name] += f", {value}"
    return headers


def _check(headers: Mapping[str, str], version: str) -> None:
    """Refuse what two readers could understand differently (RFC 9112, 3.2, 6.1, 6.3)."""
    is_chunked = "transfer-encoding" in headers
    coding = headers.get("transfer-encoding", "chunked").lower()
    length = headers.get("content-length", "0")
    if (
        version not in ("1.0", "1.1")
        or ("host" not in headers and version == "1.1")
        or coding != "chunked"
        or (is_chunked and (version == "1.0" or "content-length" in headers))
        or not (length.isascii() and length.isdigit() and len(length) < 20)
    ):
        raise BadHead(HTTPStatus.BAD_REQUEST)


class Chunks:
    """The decoder of a body in chunks (RFC 9112, 7.1): `feed` returns the bytes of it, `is_whole` at its end."""

    def __init__(self) -> None:
        self.is_whole = False
        self._got: list[bytes] = []
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        self._got.append(data)

    def on_message_complete(self) -> None:
        self.is_whole = True

    def on_message_begin(self) -> None:
        if self.is_whole:
            raise ValueError("bytes after the end")

    def feed(self, data: bytes | memoryview) -> bytes:
        """Return the bytes of the body in `data`. Raises ValueError for anything that is none."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as problem:
            raise ValueError(str(problem)) from None
        got, self._got = b"".join(self._got), []
        return got


_PHRASES = {status.value: status.phrase for status in HTTPStatus} | {460: "Checksum Mismatch"}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def write_head(answer: Answer, date: str, *, keeps_alive: bool) -> bytes:
    """Return the head of an answer."""
    lines = [f"HTTP/1.1 {answer.status} {_PHRASES[answer.status]}", f"Date: {date}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    if answer.length is None:
        lines.append("Transfer-Encoding: chunked")
    elif answer.status not in (204, 304) and "Content-Length" not in answer.headers:
        lines.append(f"Content-Length: {answer.length}")
    if not keeps_alive:
        lines.append("Connection: close")
    return "\r\n".join((*lines, "", "")).encode("latin-1")
