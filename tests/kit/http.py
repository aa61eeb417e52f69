"""One HTTP exchange made by hand: tests of routes need no client library."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    status: int
    # Names in lower case.
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def request(
    url: str,
    method: str = "GET",
    *,
    content: Any = None,
    headers: dict[str, str] | None = None,
    socket_path: Path | None = None,
) -> Answer:
    """Send one request to `url` on a fresh connection; `content` is sent as JSON, bytes as they are. `headers` are
    added to the usual ones, or replace them. Raises OSError when no listener is there.

    `socket_path` is the Unix socket to connect to, instead of host and port of the URL.
    """
    parts = urlsplit(url)
    body = content if isinstance(content, bytes) else b"" if content is None else json.dumps(content).encode()
    described = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    usual = {"Host": parts.netloc, "Connection": "close", **(described if content is not None else {})}
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{name}: {value}" for name, value in (usual | (headers or {})).items()]
    raw = "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", ""]).encode() + body
    if socket_path is not None:
        return await _exchange(raw, await asyncio.open_unix_connection(str(socket_path)))
    return await exchange(url, raw)


async def exchange(url: str, raw: bytes) -> Answer:
    """Send these bytes to the host of `url`, whether or not they are HTTP, and read until the server closes."""
    parts = urlsplit(url)
    return await _exchange(raw, await asyncio.open_connection(parts.hostname, parts.port))


async def _exchange(raw: bytes, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> Answer:
    reader, writer = streams
    try:
        writer.write(raw)
        answer = await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
    return _parsed(answer)


def _parsed(answer: bytes) -> Answer:
    head, _, body = answer.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Answer(int(status_line.split()[1]), headers, body)
