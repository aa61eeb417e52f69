"""The test that tells a captive portal from an outage (protocol.md, "Rules for mobile clients"): a request for the
six bytes that only the server answers."""

import asyncio
import ssl
from urllib.parse import urlsplit

EXPECTED = b"chatd\n"
ANSWER_MAX = 4096
"""Bytes read of the answer: the right one is far smaller, and a wrong one need not be read to its end."""


async def is_portal(url: str, context: ssl.SSLContext | None, timeout_s: float) -> bool:
    """Whether something other than chatd answers `GET /v1/health` on the host of a `ws:` or `wss:` address.

    False when nobody answers at all: that is an outage. Never raises.
    """
    try:
        async with asyncio.timeout(timeout_s):
            answer = await _ask(url, context)
    except ssl.SSLError:
        return True
    except (OSError, TimeoutError):
        return False
    head, _, body = answer.partition(b"\r\n\r\n")
    return bool(answer) and (head.split(b" ")[1:2] != [b"200"] or body != EXPECTED)


async def _ask(url: str, context: ssl.SSLContext | None) -> bytes:
    parts = urlsplit(url)
    secure = parts.scheme == "wss"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    reader, writer = await asyncio.open_connection(host, port, ssl=(context or True) if secure else None)
    try:
        writer.write(f"GET /v1/health HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while len(answer) < ANSWER_MAX and (chunk := await reader.read(ANSWER_MAX)):
            answer += chunk
        return answer
    finally:
        writer.close()
