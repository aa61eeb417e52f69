"""The listeners and connections: the other side of `create_server` and `create_connection` of a loop, and of a dialling
client."""

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

from tests.simulation.choices import Lane
from tests.simulation.loop import PROCESS, SimLoop
from tests.simulation.push_service import ServicePeer, SimPushService
from tests.simulation.transport import Link, NetworkConditions, Peer

DIAL_TICK_S = 0.001
# A handshake of TCP takes up to 40 ms.
DIAL_TICKS = 40


class SimSocket:
    """A bound socket, with the methods that a Listener calls."""

    # Neither TCP nor Unix: nothing to remove from a file system.
    family = 0

    def __init__(self, address: str) -> None:
        self.address = address

    def getsockname(self) -> tuple[str, int] | bytes:
        if self.address.startswith("unix:"):
            return self.address.removeprefix("unix:").encode()
        host, _, port = self.address.rpartition(":")
        return host, int(port)

    def listen(self, backlog: int) -> None: ...

    def fileno(self) -> int:
        return -1

    def close(self) -> None: ...


class SimServer:
    """A listening socket of one process."""

    def __init__(self, network: "Network", address: str, factory: Callable[[], Any]) -> None:
        self._network = network
        self.address = address
        self.factory = factory
        self.context = contextvars.copy_context()

    def close(self) -> None:
        if self._network.listening.get(self.address) is self:
            del self._network.listening[self.address]


class Network:
    """The connections between clients and the process that listens. `position` returns that of the disk."""

    def __init__(self, loop: SimLoop) -> None:
        self._loop = loop
        self.listening: dict[str, SimServer] = {}
        # The process at the other end, by link.
        self.links: dict[Link, object] = {}
        # The bytes of the largest write of a daemon, on links that are gone.
        self.largest = 0
        self.position: Callable[[], int] = lambda: 0
        # A service that the daemon connects to.
        self.push_service: SimPushService | None = None
        self._outside = contextvars.copy_context()

    async def listen(self, factory: Callable[[], Any], *, sock: SimSocket, **_: Any) -> SimServer:
        """Do what create_server and create_unix_server of the loop do."""
        server = self.listening[sock.address] = SimServer(self, sock.address, factory)
        return server

    async def reach(self, factory: Callable[[], Any], host: str, port: int, **_: Any) -> tuple[Any, Any]:
        """Do what create_connection of the loop does, towards the push service."""
        service = self.push_service
        if service is None:
            raise ConnectionRefusedError(f"nothing listens on {host}:{port}")
        await asyncio.sleep(DIAL_TICK_S * (1 + service.lane.pick(DIAL_TICKS)))
        peer = ServicePeer(service.connection)
        # The other end goes on when the daemon is dead.
        link = self._outside.run(Link, self._loop, service.lane, peer, NetworkConditions())
        self._forget_old()
        self.links[link] = PROCESS.get()
        protocol = factory()
        link.transport.begin(protocol, contextvars.copy_context())
        self._outside.run(peer.begin, link)
        return link.transport, protocol

    def dial(self, address: str, lane: Lane, peer: Peer, conditions: NetworkConditions) -> Link:
        """Return a connection that is being made; if it is refused, its peer is called as for a lost one."""
        link = Link(self._loop, lane, peer, conditions)
        self._loop.call_later(DIAL_TICK_S * (1 + lane.pick(DIAL_TICKS)), self._accept, link, address)
        return link

    def _accept(self, link: Link, address: str) -> None:
        server = self.listening.get(address)
        # Given up while it was dialled.
        if link.over:
            return
        if server is None:
            link.refused()
            return
        self._forget_old()
        self.links[link] = server.context.get(PROCESS)
        link.transport.position = self.position
        protocol = server.context.run(server.factory)
        link.transport.begin(protocol, server.context)
        link.opened()

    def _forget_old(self) -> None:
        for link in [link for link in self.links if link.over]:
            self.largest = max(self.largest, link.largest)
            del self.links[link]

    def crash(self, process: object) -> None:
        """Lose the machine of `process`: connected clients get a reset, nothing listens any more."""
        for address, server in list(self.listening.items()):
            if server.context.get(PROCESS) is process:
                del self.listening[address]
        for link, owner in self.links.items():
            if owner is process:
                link.reset()
