"""The listening socket of media, and the connections it has."""

import asyncio
import os
import socket
import ssl
from collections import Counter
from concurrent.futures import Executor
from contextlib import suppress
from email.utils import formatdate

from chatd.core.client_address import Networks, client_address, customer
from chatd.env import Env
from chatd.media.http.connection import HEAD_S, Connection, Handler
from chatd.media.http.messages import FilePart

LOOK_S = 1.0
# Connections that wait to be accepted, as `listen.backlog` has it by default; the kernel allows no more than its own.
BACKLOG = 4096
# An address may have one of so many parts of all connections when there are no more; half a company may be behind one.
SHARES = 10
# Of the loop, in which an accepted socket becomes a connection.
ACCEPT_TURNS = 5


class HttpListener:
    """The connections of one socket, which the daemon bound. At most `connections_max`: an idle one makes room.

    Where there is none, the address that has the most of them loses its oldest: nobody keeps the others out by slow
    downloads. `proxies`: whose forwarded addresses count.
    """

    def __init__(
        self, handler: Handler, env: Env, disk: Executor, connections_max: int, proxies: Networks = ()
    ) -> None:
        self.handler = handler
        self.is_draining = False
        self._env = env
        self._disk = disk
        self._connections_max = connections_max
        self._proxies = proxies
        self._connections: dict[Connection, None] = {}
        # Those of them that made room, and are over in a moment.
        self._cut: set[Connection] = set()
        self._are_over = asyncio.Event()
        self._are_over.set()
        self._server: asyncio.Server | None = None
        self._looking: asyncio.Task[None] | None = None
        self._date = (0, "")

    def __len__(self) -> int:
        return len(self._connections)

    async def start(self, bound: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Accept connections."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self),
            sock=bound,
            ssl=tls,
            ssl_handshake_timeout=HEAD_S if tls is not None else None,
            backlog=BACKLOG,
        )
        self._looking = asyncio.create_task(self._look(), name="media connections")

    async def close(self, patience_s: float) -> None:
        """Accept no more and return when all is over; what is under way is answered within this time, or cut."""
        self.is_draining = True
        if self._server is not None:
            await self._stop_accepting(self._server)
        for connection in list(self._connections):
            connection.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._are_over.wait()
        for connection in list(self._connections):
            connection.abort()
        await self._are_over.wait()
        if self._looking is not None:
            self._looking.cancel()

    async def _stop_accepting(self, server: asyncio.Server) -> None:
        """Leave the connections that nobody has accepted to the next process; those that were accepted have begun."""
        loop = asyncio.get_running_loop()
        for listening in server.sockets:
            loop.remove_reader(listening.fileno())
        for _ in range(ACCEPT_TURNS):
            await asyncio.sleep(0)
        server.close()

    def date(self) -> str:
        now_s = self._env.now_ms() // 1000
        if self._date[0] != now_s:
            self._date = (now_s, formatdate(now_s, usegmt=True))
        return self._date[1]

    async def read_file(self, part: FilePart, offset: int, count: int) -> bytes | bytearray:
        data = bytearray(count)
        try:
            # What lies in memory is here at once; a file system that cannot say so refuses.
            if os.preadv(part.descriptor, (data,), offset, os.RWF_NOWAIT) == count:
                return data
        except OSError:
            pass
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._disk, os.pread, part.descriptor, count, offset)

    def customer_of(self, peer: str, forwarded: str | None) -> str:
        return customer(client_address(peer, [forwarded] if forwarded else [], self._proxies))

    def came(self, connection: Connection) -> bool:
        is_full = len(self._connections) - len(self._cut) >= self._connections_max
        other = self._to_cut(connection) if is_full else None
        if other is not None:
            self._cut.add(other)
            other.abort()
        self._connections[connection] = None
        self._are_over.clear()
        return not is_full or other is not None

    def _to_cut(self, new: Connection) -> Connection | None:
        """Return the connection that makes room for a new one, None where each address has its share."""
        there = [one for one in self._connections if one not in self._cut]
        idle = next((one for one in there if one.is_idle), None)
        if idle is not None:
            return idle
        counts = Counter(one.customer for one in there)
        ((greedy, count),) = counts.most_common(1)
        if greedy == new.customer or count <= self._connections_max // SHARES:
            return None
        return next(one for one in there if one.customer == greedy)

    def left(self, connection: Connection) -> None:
        self._connections.pop(connection, None)
        self._cut.discard(connection)
        if not self._connections:
            self._are_over.set()

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_S)
            now = loop.time()
            for connection in list(self._connections):
                connection.look(now)
