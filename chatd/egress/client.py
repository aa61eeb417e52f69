"""The client that sends requests to one URL, imported where it is needed alone.

A request resolves the name of its host, lets the guard judge what it gave, and connects to an address that passed:
nobody asks the name again in between. It follows no redirect, uses no proxy, and reads a bounded answer in a bounded
time.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from functools import cache, partial

from chatd import __version__
from chatd.egress.connection import Answer as Answer
from chatd.egress.connection import Connection
from chatd.egress.connection import Unreachable as Unreachable
from chatd.egress.guard import Guard, target_of
from chatd.egress.threads import in_thread
from chatd.env import Env

POST_S = 10.0  # the whole of a request; a receiver that does its work later answers in milliseconds
ANSWER_BYTES_MAX = 65_536  # an answer says little; more is a mistake, or an attack
RESOLVED_S = 30.0  # a name that moved is noticed soon, and not asked for at every request
ADDRESSES_MAX = 3  # of a host, tried one after the other
CONNECTIONS_MAX = 16  # of one client
IDLE_S = 55.0  # proxies in front of a receiver close after 60
PLAIN = re.compile(r"[ -~]*")  # characters of a header

# The addresses of (host, port).
Resolve = Callable[[str, int], Awaitable[list[str]]]


async def resolved(host: str, port: int) -> list[str]:
    """Return the addresses of a host, without repetitions. Raises OSError."""
    look = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in await in_thread(look, "resolve")))


@cache
def trusted_certificates() -> ssl.SSLContext:
    """Return the authorities that this machine trusts; reading them takes some 20 ms."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


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
        self._target = target = target_of(url)
        self._tls = trusted_certificates() if target.scheme == "https" else None
        self._guard = guard
        self._env = env
        self._resolve = resolve
        # The addresses that passed, and until when they are not asked for again.
        self._addresses: list[str] = []
        self._resolved_until = 0.0
        self._slots = asyncio.Semaphore(connections)
        # A quarter is enough for the requests of a usual time.
        self._idle_max = connections // 4
        self._idle: list[Connection] = []
        self._used = set[Connection]()
        # What is not compressed cannot grow.
        self._head = (
            f"Host: {target.authority}\r\nUser-Agent: chatd/{__version__}\r\n"
            "Accept: */*\r\nAccept-Encoding: identity\r\nConnection: keep-alive\r\n"
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
        request = self._request(path or self._target.path, headers, body)
        try:
            async with asyncio.timeout(timeout_s):
                addresses = await self._permitted()
                async with self._slots:
                    connection = await self._connection(addresses)
                    return await self._asked(connection, request, bytes_max)
        except TimeoutError:
            raise Unreachable(f"no answer in {timeout_s:g} s") from None

    async def close(self) -> None:
        """Close all connections; requests under way get no answer."""
        for connection in (*self._idle, *self._used):
            connection.abort()
        self._idle.clear()

    def _request(self, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        fields = {"Content-Type": "application/json", **headers, "Content-Length": str(len(body))}
        if not all(map(PLAIN.fullmatch, fields.values())):
            raise Unreachable("a header has a character that none may have")
        lines = "".join([f"{name}: {value}\r\n" for name, value in fields.items()])
        return f"POST {path} HTTP/1.1\r\n{self._head}{lines}\r\n".encode() + body

    async def _permitted(self) -> list[str]:
        """Return the first addresses of the host that the guard permits."""
        target = self._target
        if self._env.monotonic() >= self._resolved_until:
            try:
                found = await self._resolve(target.host, target.port)
            except (OSError, UnicodeError):
                # The latter for a name that can be none, as one of two dots in a row.
                raise Unreachable("the name of the host has no address") from None
            self._resolved_until = self._env.monotonic() + RESOLVED_S
            self._addresses = []
            self._addresses = self._guard.permitted(found, target.scheme)[:ADDRESSES_MAX]
        # Raises for none.
        return self._addresses or self._guard.permitted((), target.scheme)

    async def _connection(self, addresses: list[str]) -> Connection:
        """Return a connection to the first of these addresses that has one."""
        why = ""
        for address in addresses:
            if kept := self._kept(address):
                return kept
            connection = Connection(address)
            try:
                await connection.open(self._target.port, self._tls, self._target.host)
            except OSError as error:
                # Nothing was sent to this address, so the next one is tried.
                why = str(error) if isinstance(error, ssl.SSLError) else "nobody takes one"
            else:
                return connection
        self._resolved_until = 0.0
        raise Unreachable(f"no connection: {why}")

    def _kept(self, address: str) -> Connection | None:
        """Return a connection to an address that can be used again; those that are no use are closed."""
        since = self._env.monotonic() - IDLE_S
        for connection in [one for one in self._idle if not one.is_open or one.idle_since <= since]:
            connection.abort()
            self._idle.remove(connection)
        found = next((one for one in self._idle if one.address == address), None)
        if found is not None:
            self._idle.remove(found)
        return found

    async def _asked(self, connection: Connection, request: bytes, bytes_max: int) -> Answer:
        self._used.add(connection)
        try:
            return await connection.post(request, bytes_max)
        finally:
            self._used.discard(connection)
            if len(self._idle) >= self._idle_max:
                connection.abort()
            if connection.is_open:
                connection.idle_since = self._env.monotonic()
                self._idle.append(connection)
