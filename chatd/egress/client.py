"""The client that sends requests to one URL: the only file that knows httpx2, and imported where it is needed alone.

A request resolves the name of its host, lets the guard judge what it gave, and connects to an address that passed:
nobody asks the name again in between. It follows no redirect, uses no proxy, and reads a bounded answer in a bounded
time.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from functools import cache, partial
from typing import NamedTuple

import httpx2

from chatd import __version__
from chatd.egress.guard import Guard, Target, target_of
from chatd.egress.threads import in_thread
from chatd.env import Env

POST_S = 10.0  # the whole of a request; a receiver that does its work later answers in milliseconds
ANSWER_BYTES_MAX = 65_536  # an answer says little; more is a mistake, or an attack
RESOLVED_S = 30.0  # a name that moved is noticed soon, and not asked for at every request
ADDRESSES_MAX = 3  # of a host, tried one after the other
CONNECTIONS_MAX = 16  # of one client
IDLE_S = 55.0  # proxies in front of a receiver close after 60

# It logs each request with its URL, which may hold a secret.
for logger in ("httpx2", "httpcore2"):
    logging.getLogger(logger).setLevel(logging.WARNING)

# The addresses of (host, port).
Resolve = Callable[[str, int], Awaitable[list[str]]]


class Unreachable(Exception):
    """A request that got no whole answer; the text says why in a few words."""


class Answer(NamedTuple):
    """An answer, of whatever status. `retry_after`: the header of that name, or ""."""

    status: int
    body: bytes
    retry_after: str


async def resolved(host: str, port: int) -> list[str]:
    """Return the addresses of a host, without repetitions. Raises OSError."""
    look = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in await in_thread(look, "resolve")))


@cache
def trusted_certificates() -> ssl.SSLContext:
    """Return the authorities that this machine trusts; reading them takes some 20 ms."""
    return ssl.create_default_context()


class Client:
    """POSTs to one URL. Raises EgressRefused when it is none. Connections are kept, to addresses that were judged.

    `connections`: the most at once; a request beyond waits for one, and its time runs.
    """

    def __init__(
        self,
        url: str,
        guard: Guard,
        env: Env,
        *,
        resolve: Resolve = resolved,
        connections: int = CONNECTIONS_MAX,
    ) -> None:
        self._target = target_of(url)
        self._guard = guard
        self._env = env
        self._resolve = resolve
        self._found: tuple[float, list[str]] = (0.0, [])
        # A quarter is enough for the requests of a usual time.
        limits = httpx2.Limits(
            max_connections=connections, max_keepalive_connections=connections // 4, keepalive_expiry=IDLE_S
        )
        transport = httpx2.AsyncHTTPTransport(verify=trusted_certificates(), trust_env=False, limits=limits)
        self._client = httpx2.AsyncClient(
            transport=transport, trust_env=False, follow_redirects=False, timeout=None
        )

    async def post(
        self,
        body: bytes,
        headers: Mapping[str, str],
        timeout_s: float = POST_S,
        bytes_max: int = ANSWER_BYTES_MAX,
        path: str = "",
    ) -> Answer:
        """POST a JSON body, or another where `headers` say so. Raises EgressRefused when it may not be sent.

        `path`: another one of this origin than that of the URL, with its query. Raises Unreachable without a whole
        answer, of at most `bytes_max`, in time.
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await self._post(path or self._target.path, body, headers, bytes_max)
        except TimeoutError:
            raise Unreachable(f"no answer in {timeout_s:g} s") from None

    async def _post(self, path: str, body: bytes, headers: Mapping[str, str], bytes_max: int) -> Answer:
        why = ""
        for address in await self._addresses():
            try:
                return await self._post_to(url_at(self._target, address, path), body, headers, bytes_max)
            except httpx2.ConnectError as error:
                # Nothing was sent to this address, so the next one is tried.
                why = str(error)
        self._found = (0.0, [])
        raise Unreachable(f"no connection: {why}")

    async def _post_to(self, url: str, body: bytes, headers: Mapping[str, str], bytes_max: int) -> Answer:
        target = self._target
        request = self._client.build_request(
            "POST",
            url,
            content=body,
            headers={
                "Host": target.authority,
                "Content-Type": "application/json",
                "User-Agent": f"chatd/{__version__}",
                # What is not compressed cannot grow.
                "Accept-Encoding": "identity",
                **headers,
            },
            # The certificate is that of the name.
            extensions={"sni_hostname": target.host},
        )
        try:
            response = await self._client.send(request, stream=True)
        except httpx2.ConnectError:
            raise
        except httpx2.HTTPError as error:
            raise Unreachable(f"the answer was cut ({type(error).__name__})") from None
        try:
            content = await read(response, bytes_max)
            return Answer(response.status_code, content, response.headers.get("retry-after", ""))
        finally:
            await response.aclose()

    async def _addresses(self) -> list[str]:
        """Return the first addresses of the host that the guard permits."""
        until, found = self._found
        if self._env.monotonic() >= until:
            try:
                found = await self._resolve(self._target.host, self._target.port)
            except OSError:
                raise Unreachable("the name of the host has no address") from None
            self._found = (self._env.monotonic() + RESOLVED_S, found)
        return self._guard.permitted(found, self._target.scheme)[:ADDRESSES_MAX]

    async def close(self) -> None:
        await self._client.aclose()


def url_at(target: Target, address: str, path: str) -> str:
    host = f"[{address}]" if ":" in address else address
    return f"{target.scheme}://{host}:{target.port}{path}"


async def read(response: httpx2.Response, bytes_max: int) -> bytes:
    """Return the body of an answer as it was sent. Raises Unreachable when it is longer than an answer may be."""
    content = bytearray()
    try:
        async for piece in response.aiter_raw():
            content += piece
            if len(content) > bytes_max:
                raise Unreachable(f"the answer is longer than {bytes_max} bytes")
    except httpx2.HTTPError as error:
        raise Unreachable(f"the answer was cut ({type(error).__name__})") from None
    return bytes(content)
