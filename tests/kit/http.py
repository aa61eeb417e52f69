"""One HTTP exchange by hand: tests of routes need no client library."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def request(
    url: str, method: str = "GET", *, content: Any = None, headers: dict[str, str] | None = None
) -> Answer:
    """Ask `url` once on a fresh connection; `content` is sent as JSON. Raises OSError when nobody listens."""
    parts = urlsplit(url)
    body = b"" if content is None else json.dumps(content).encode()
    lines = [f"{method} {parts.path or '/'} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if content is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return await exchange(url, "\r\n".join([*lines, "", ""]).encode() + body)


async def exchange(url: str, raw: bytes) -> Answer:
    """Send these bytes and read the answer until the server closes."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
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
