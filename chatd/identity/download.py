"""Fetching a key set over HTTPS: bounded in bytes and seconds, no redirects, never on the event loop."""

import asyncio
import threading
from http.client import HTTPException
from typing import NoReturn
from urllib.error import URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from chatd.identity.keys import KEY_SET_BYTES_MAX

SOCKET_S = 3.0  # one connect or read; a provider answers in 0.2
TOTAL_S = 5.0  # the whole download: below the 10 s in which a phone waits for its hello
CHUNK_BYTES = 16384


class _NoRedirect(HTTPRedirectHandler):
    """A redirect could lead to plain http or into the local network."""

    def redirect_request(self, *_: object) -> NoReturn:
        raise URLError("redirects are not followed")


async def download(url: str) -> bytes:
    """The body behind `url`; OSError (TimeoutError is one) when that fails, takes or is too long."""
    given_up = threading.Event()
    try:
        async with asyncio.timeout(TOTAL_S):
            return await asyncio.to_thread(_read, url, given_up)
    except HTTPException as error:
        raise OSError(f"no HTTP answer: {error!r}") from None
    finally:
        given_up.set()


def _read(url: str, given_up: threading.Event) -> bytes:
    request = Request(url, headers={"Accept": "application/json", "User-Agent": "chatd"})  # noqa: S310 scheme checked by the configuration
    with build_opener(_NoRedirect).open(request, timeout=SOCKET_S) as response:
        content = bytearray()
        # A server that drips bytes keeps every read below SOCKET_S; the flag ends the thread all the same.
        while not given_up.is_set() and (chunk := response.read1(CHUNK_BYTES)):
            content += chunk
            if len(content) > KEY_SET_BYTES_MAX:
                raise OSError(f"longer than {KEY_SET_BYTES_MAX} bytes")
    return bytes(content)
