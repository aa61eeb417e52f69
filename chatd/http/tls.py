"""Accepting sockets and shaking hands for TLS: the loop would do both, but count nobody before the hands are shaken."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from chatd.http.pending_sockets import PendingSockets

ACCEPTS = 16  # in one go: whoever is connected already gets his turn in between
PAUSE_S = 1.0  # without descriptors, as asyncio waits

log = logging.getLogger(__name__)


@dataclass(slots=True, frozen=True)
class TlsOptions:
    """`make` gives the protocol of an encrypted connection; `connections` is the server's set of live ones."""

    context: ssl.SSLContext
    handshake_deadline_s: float
    pending_sockets: PendingSockets
    connections: set[Any]
    make: Callable[[], asyncio.Protocol]


class TlsServer:
    """Accepts on a listening socket until it is closed, which leaves the socket to its owner."""

    def __init__(self, bound: socket.socket, options: TlsOptions) -> None:
        self._loop = asyncio.get_running_loop()
        self._bound = bound
        self._options = options
        self._pause: asyncio.TimerHandle | None = None
        bound.setblocking(False)
        self._resume()

    def close(self) -> None:
        """Accept nobody any more. Idempotent."""
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
    """One socket until its handshake is over, one way or the other."""

    def __init__(self, accepted: socket.socket, peername: object, options: TlsOptions) -> None:
        self._accepted = accepted
        self._options = options
        self._has_begun = False
        self._task = asyncio.get_running_loop().create_task(self._shake_hands())
        self._task.add_done_callback(self._end)
        options.connections.add(self)
        options.pending_sockets.enter(self, peername)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake is over: the encrypted transport is the next protocol's."""
        self._leave()
        protocol = self._options.make()
        protocol.connection_made(transport)
        transport.set_protocol(protocol)

    def abort(self) -> None:
        """End it, and the connection."""
        self._task.cancel()

    shutdown = abort  # what uvicorn calls when the server stops: there is nobody to say goodbye to

    async def _shake_hands(self) -> None:
        self._has_begun = True
        # ssl.SSLError is an OSError, so are time-outs and resets: a stranger who cannot shake hands is no event.
        with suppress(OSError):
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self,
                self._accepted,
                ssl=self._options.context,
                ssl_handshake_timeout=self._options.handshake_deadline_s,
            )

    def _end(self, task: asyncio.Task[None]) -> None:
        self._leave()
        if not self._has_begun:  # nobody has taken the socket over
            self._accepted.close()

    def _leave(self) -> None:
        self._options.pending_sockets.leave(self)
        self._options.connections.discard(self)
