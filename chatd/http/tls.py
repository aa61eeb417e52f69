"""Accepting sockets and TLS handshakes. asyncio can do both, but would not count a socket before its handshake ends."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from chatd.http.pending_sockets import PendingSockets

ACCEPTS = 16  # sockets accepted in one go, so that connections are served in between
PAUSE_S = 1.0  # when there are no descriptors; as long as asyncio waits

log = logging.getLogger(__name__)


@dataclass(slots=True, frozen=True)
class TlsOptions:
    """`make` returns the protocol of an encrypted connection; `connections` is the server's set of open ones."""

    context: ssl.SSLContext
    handshake_deadline_s: float
    pending_sockets: PendingSockets
    connections: set[Any]
    make: Callable[[], asyncio.Protocol]


class TlsServer:
    """The accept loop of a listening socket; closing it leaves the socket to its owner."""

    def __init__(self, bound: socket.socket, options: TlsOptions) -> None:
        self._loop = asyncio.get_running_loop()
        self._bound = bound
        self._options = options
        self._pause: asyncio.TimerHandle | None = None
        bound.setblocking(False)
        self._resume()

    def close(self) -> None:
        """Stop accepting. Idempotent."""
        if self._pause is not None:
            self._pause.cancel()
        if self._bound.fileno() >= 0:
            self._loop.remove_reader(self._bound.fileno())

    def _resume(self) -> None:
        self._loop.add_reader(self._bound.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(ACCEPTS):
            try:
                accepted, peername = self._bound.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                log.error("cannot accept: %s", error.strerror)
                self.close()
                self._pause = self._loop.call_later(PAUSE_S, self._resume)
                return
            accepted.setblocking(False)
            Handshake(accepted, peername, self._options)


class Handshake(asyncio.Protocol):
    """One socket until its TLS handshake succeeds or fails."""

    def __init__(self, accepted: socket.socket, peername: object, options: TlsOptions) -> None:
        self._accepted = accepted
        self._options = options
        self._has_begun = False
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._task.add_done_callback(self._end)
        options.connections.add(self)
        options.pending_sockets.enter(self, peername)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give the encrypted transport to the next protocol, for the handshake succeeded."""
        self._leave()
        protocol = self._options.make()
        protocol.connection_made(transport)
        transport.set_protocol(protocol)

    def abort(self) -> None:
        """End the handshake and the connection."""
        self._task.cancel()

    shutdown = abort  # uvicorn calls it when the server stops; no close frame can be sent yet

    async def _run(self) -> None:
        self._has_begun = True
        # ssl.SSLError is an OSError, so are time-outs and resets: a failed handshake is not logged.
        with suppress(OSError):
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self,
                self._accepted,
                ssl=self._options.context,
                ssl_handshake_timeout=self._options.handshake_deadline_s,
            )

    def _end(self, task: asyncio.Task[None]) -> None:
        self._leave()
        if not self._has_begun:  # the socket has no transport that closes it
            self._accepted.close()

    def _leave(self) -> None:
        self._options.pending_sockets.leave(self)
        self._options.connections.discard(self)
