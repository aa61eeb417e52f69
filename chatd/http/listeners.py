"""Listeners: uvicorn as a library inside our event loop. Nothing outside http/ imports uvicorn."""

import asyncio
import contextlib
import functools
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import uvicorn

from chatd.http.http_protocol import HttpOptions, HttpProtocol
from chatd.http.pending_sockets import PendingSockets
from chatd.http.sockets import (
    UNIX_PREFIX,
    ListenError,
    bound_sockets,
    remove_unix,
    shown_address,
    split_address,
)
from chatd.http.tls import ACCEPTS, TlsOptions, TlsServer

_Scope = MutableMapping[str, Any]
Application = Callable[
    [_Scope, Callable[[], Awaitable[_Scope]], Callable[[_Scope], Awaitable[None]]], Awaitable[None]
]

PENDING_SOCKETS_MAX = 4096  # sockets that are no connection yet: as many as the usual backlog holds
_KEEP_ALIVE_S = 5  # idle between two requests; a browser reconnects quickly
_TICK_S = 1.0  # the Date header has seconds
_POLL_S = 0.02  # while stopping; too short to be noticed


@dataclass(slots=True, frozen=True)
class ListenerOptions:
    """The options of a listener, see config.Listen. No TLS without a certificate.

    `pending_sockets`: the sockets that are no WebSocket connection yet.
    """

    request_deadline_s: float
    backlog: int
    tls_cert: str = ""
    tls_key: str = ""
    pending_sockets: PendingSockets = field(default_factory=lambda: PendingSockets(PENDING_SOCKETS_MAX))


class Listener:
    """One address, or several, with an HTTP application and, when given, WebSocket connections."""

    def __init__(
        self,
        address: str | Sequence[str],
        application: Application,
        options: ListenerOptions,
        connection_class: type[asyncio.Protocol] | None = None,
    ) -> None:
        self.addresses = [address] if isinstance(address, str) else list(address)
        self._options = options
        self._server = _Server(_uvicorn_config(application, options, connection_class), options)
        self._sockets: list[socket.socket] = []
        self._is_ours = True  # whether the sockets are; else systemd removes their files
        self._certificate = b""  # the content of the file that was loaded
        self._serving: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """The first of its addresses, with the real port once started."""
        return self.addresses[0]

    @property
    def port(self) -> int:
        """The real port of that address; 0 for a Unix socket."""
        return split_address(self.address)[1] if not self.address.startswith(UNIX_PREFIX) else 0

    async def start(self, sockets: Sequence[socket.socket] = ()) -> None:
        """Listen on the addresses, or on these sockets (systemd's). Raises ListenError, AddressInUse.

        A certificate that cannot be loaded is a ListenError, too.
        """
        try:
            self._server.config.load()
            self._certificate = certificate_in(self._options.tls_cert)
        except (OSError, ssl.SSLError) as error:
            raise ListenError(f"cannot load the certificate {self._options.tls_cert}: {error}") from error
        self._is_ours = not sockets
        self._sockets = list(sockets) or bound_sockets(*self.addresses)
        self.addresses = [shown_address(bound) for bound in self._sockets]
        self._serving = asyncio.create_task(self._server.serve(self._sockets), name=f"listen {self.address}")
        started = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait({self._serving, started}, return_when=asyncio.FIRST_COMPLETED)
        started.cancel()
        if self._serving.done():
            self._close_sockets()
            await self._serving

    def renew_certificate(self, tls_cert: str, tls_key: str) -> bool:
        """Use the current content of the certificate files for new clients; return whether it changed.

        ListenError when it cannot be used, or the listener was started without TLS; the old one stays then.
        """
        context = self._server.config.ssl
        if context is None:
            raise ListenError(f"{self.address} was started without TLS: restart to enable it")
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls_cert, tls_key, password=lambda: "")
            context.load_cert_chain(tls_cert, tls_key, password=lambda: "")
            before, self._certificate = self._certificate, certificate_in(tls_cert)
        except OSError as error:  # ssl.SSLError is one
            raise ListenError(f"cannot load the certificate {tls_cert}: {error}") from error
        return before != self._certificate

    def stop_accepting(self) -> None:
        """Close the listening sockets; connections stay open. The kernel refuses new clients."""
        self._close_sockets()

    async def stop(self, deadline_s: float) -> None:
        """Close everything; connections still open after `deadline_s` seconds are reset. Idempotent."""
        self.stop_accepting()
        if self._serving is not None:
            self._server.leave(deadline_s)
            await self._serving
            self._serving = None

    def _close_sockets(self) -> None:
        for bound in self._sockets:
            if self._is_ours:
                remove_unix(bound)
        self._server.stop_accepting()  # the loop has to release them before they are closed
        for bound in self._sockets:
            bound.close()
        self._sockets.clear()


def certificate_in(path: str) -> bytes:
    """Return the content of a certificate file; b"" for an empty path, which means no TLS."""
    return Path(path).read_bytes() if path else b""


def _uvicorn_config(
    application: Application, options: ListenerOptions, connection_class: type[asyncio.Protocol] | None
) -> uvicorn.Config:
    http = functools.partial(HttpProtocol, HttpOptions(options.request_deadline_s, options.pending_sockets))
    return uvicorn.Config(
        cast(Any, application),
        http=cast(type[asyncio.Protocol], http),
        ws=connection_class or "none",
        loop="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=options.backlog,
        timeout_keep_alive=_KEEP_ALIVE_S,
        ssl_certfile=options.tls_cert or None,
        ssl_keyfile=options.tls_key or None,
    )


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers, exits and shutdown, which are the daemon's."""

    def __init__(self, config: uvicorn.Config, options: ListenerOptions) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self._options = options
        self._leaving = asyncio.Event()
        self._accepting: list[asyncio.Server | TlsServer] = []
        self._deadline_s = 0.0

    def stop_accepting(self) -> None:
        for server in self._accepting:
            server.close()

    def leave(self, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self.should_exit = True
        self._leaving.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        self._accepting = [await self._listening(loop, bound) for bound in sockets or []]
        self.started = True
        self.ready.set()

    async def _listening(
        self, loop: asyncio.AbstractEventLoop, bound: socket.socket
    ) -> asyncio.Server | TlsServer:
        listen = loop.create_unix_server if bound.family == socket.AF_UNIX else loop.create_server
        context, make = self.config.ssl, functools.partial(self._connection, loop)
        if context is None:
            # asyncio accepts `backlog` sockets in one go, and logs each of them when there are no descriptors.
            server: asyncio.Server | TlsServer = await listen(make, sock=bound, backlog=ACCEPTS)
        else:
            options, connections = self._options, cast(set[Any], self.server_state.connections)
            server = TlsServer(
                bound,
                TlsOptions(context, options.request_deadline_s, options.pending_sockets, connections, make),
            )
        bound.listen(self._options.backlog)
        return server

    def _connection(self, loop: asyncio.AbstractEventLoop) -> asyncio.Protocol:
        make = cast(Callable[..., asyncio.Protocol], self.config.http_protocol_class)
        return make(config=self.config, server_state=self.server_state, app_state={}, _loop=loop)

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._leaving.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.stop_accepting()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self._wait_empty(self._deadline_s)
        for connection in list(self.server_state.connections):
            cast(Any, connection).abort()
        for task in list(self.server_state.tasks):
            task.cancel()
        await self._wait_empty(self._options.request_deadline_s)

    async def _wait_empty(self, deadline_s: float) -> None:
        end = asyncio.get_running_loop().time() + deadline_s
        state = self.server_state
        while (state.connections or state.tasks) and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_S)
