"""Parts of the daemon in memory, for the targets: an HTTP protocol and a connection on a transport without a kernel,
and a whole server with its store, all driven by one plain function call at a time."""

import asyncio
import contextlib
import json
import logging
import re
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import msgpack
from uvicorn.server import ServerState

from chatd.auth.interface import Claims
from chatd.config.model import Config
from chatd.config.web import Web
from chatd.http.listeners import ListenerOptions, _uvicorn_config
from chatd.http.routes import public_application
from chatd.protocol.errors import Refused
from chatd.protocol.login import LoginRequest
from chatd.telemetry.counters import Counters
from chatd.web.site import Website
from chatd.websocket.acceptor_config import AcceptorConfig, acceptor_config
from chatd.websocket.admission import Admission
from chatd.websocket.connection import connection_class
from tests.kit.echo_server import Echo
from tests.kit.env import ManualEnv
from tests.kit.inprocess import FakeIdentity, InProcessClient, InProcessServer, device_of, in_process
from tests.kit.manual_connection import ManualConnection
from tests.kit.manual_transport import ManualTransport

T = TypeVar("T")

# The room of protocol.md: stands for one that exists.
ROOM = b"g4fKz81QwXe2"
# protocol.md "Identifiers and counters".
USER = re.compile(r"[A-Za-z0-9_\-.:@|+]{1,64}")
# Inputs until a server is built anew: its rooms and logs grow.
SERVER_LIVES = 5000
# Pages are served, so that requests for files and cookies are read.
WEB = Web(enabled=True, url="https://chat.example/")


class HttpPart:
    """The HTTP protocol as a listener makes it, and the loop it needs."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.acceptor = acceptor(Config())
        application = public_application(Nobody, self.acceptor, Website(WEB))
        self._config = _uvicorn_config(
            application, ListenerOptions(10.0, 16), connection_class(self.acceptor)
        )
        self._config.load()
        self._errors = DefectLog()
        logging.getLogger().addHandler(self._errors)

    def attempt(self, pieces: list[bytes]) -> bytes:
        """Return what a fresh protocol writes to a client that sends these pieces and leaves."""
        return self.loop.run_until_complete(self._attempt(pieces))

    def close(self) -> None:
        logging.getLogger().removeHandler(self._errors)
        self.loop.close()

    async def _attempt(self, pieces: list[bytes]) -> bytes:
        state = ServerState()
        front: Any = self._config.http_protocol_class
        first = front(config=self._config, server_state=state, app_state={}, _loop=self.loop)
        transport = ManualTransport(first)
        first.connection_made(transport)
        for piece in pieces:
            if not transport.is_closed:
                transport.protocol.data_received(piece)
            await asyncio.sleep(0)
        transport.protocol.connection_lost(None)
        while state.tasks:
            await asyncio.sleep(0)
        self._errors.expect_empty()
        assert not state.connections, "a connection is kept"
        return transport.written


class Nobody:
    """Accounts of which none is known: every login is refused."""

    async def log_in(self, asked: LoginRequest, address: str, remember_s: int) -> None:
        """Refuse it."""

    async def resume(self, session: str, address: str) -> None:
        """Refuse it."""


def acceptor(config: Config) -> AcceptorConfig:
    """Return what connections share; their sessions echo."""
    return acceptor_config(
        config, Echo, env=ManualEnv(), admission=Admission(config.limits), counters=Counters()
    )


class ConnectionPart:
    """One WebSocket connection behind its handshake, on a transport without a kernel."""

    def __init__(self, subprotocol: str) -> None:
        self._held = ManualConnection(subprotocol=subprotocol)
        self._errors = DefectLog()
        logging.getLogger().addHandler(self._errors)

    def receive(self, piece: bytes) -> None:
        if not self._held.transport.is_closed:
            self._held.receive(piece)

    def close(self) -> bytes:
        """Lose the link; return everything that the server wrote."""
        self._held.lose()
        logging.getLogger().removeHandler(self._errors)
        self._errors.expect_empty()
        assert not self._held.connections, "a connection is kept"
        assert not self._held.admission.total, "a place is kept"
        return self._held.transport.written


class AppPart:
    """A server with a store, and mallory as a client, who connects again after every close."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stack = contextlib.AsyncExitStack()
        self._server: InProcessServer | None = None
        self._guests: dict[bool, InProcessClient] = {}
        self._lives = 0
        self._room = ROOM
        self._errors = DefectLog()
        logging.getLogger().addHandler(self._errors)

    def attempt(self, payload: bytes, *, text: bool) -> list[dict[str, Any]]:
        """Return what mallory receives after one payload, a `bye` included."""
        return self._run(self._attempt(payload, text))

    def say_hello(self, payload: bytes, *, text: bool) -> list[dict[str, Any]]:
        """Return what a stranger receives whose first payload this is; the stranger leaves at once."""
        return self._run(self._say_hello(payload, text))

    def close(self) -> None:
        """Close the server: its threads would keep a process from ending."""
        self._run(self._stack.aclose())
        self._server = None
        logging.getLogger().removeHandler(self._errors)
        self._loop.close()

    async def _attempt(self, payload: bytes, text: bool) -> list[dict[str, Any]]:
        server = await self._living()
        client = self._guests.get(text)
        if client is None or client.wire.closed_with is not None:
            client = self._guests[text] = await self._welcome(text)
        client.session.received(payload.replace(ROOM, self._room))
        await server.wait_idle()
        self._errors.expect_empty()
        if client.wire.closed_with is not None:
            client.hang_up(client.wire.closed_with[0])
        return client.take()

    async def _say_hello(self, payload: bytes, text: bool) -> list[dict[str, Any]]:
        server = await self._living()
        stranger = server.client(text=text)
        stranger.session.received(payload.replace(ROOM, self._room))
        await server.wait_idle()
        stranger.hang_up()
        await server.wait_idle()
        self._errors.expect_empty()
        assert stranger.session not in self._seated(server), "a session is kept"
        return stranger.take()

    def _seated(self, server: InProcessServer) -> list[Any]:
        return [session for devices in server.app.hub.sessions.values() for session in devices.values()]

    async def _living(self) -> InProcessServer:
        """Return the server; a new one when the old one is too full."""
        if self._server is None or self._lives >= SERVER_LIVES:
            await self._build()
        assert self._server is not None
        self._lives += 1
        return self._server

    async def _welcome(self, text: bool) -> InProcessClient:
        assert self._server is not None
        client = self._server.client(text=text)
        device = device_of(2 if text else 1)
        hello = {"type": "hello", "id": 1, "version": 1, "token": "mallory", "device": device}
        client.session.received(json.dumps(hello).encode() if text else msgpack.packb(hello))
        await self._server.wait_idle()
        assert client.reply(1)["type"] == "ok", client.take()
        client.take()
        return client

    async def _build(self) -> None:
        await self._stack.aclose()
        directory = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="fuzz")))
        self._server = await self._stack.enter_async_context(in_process(directory, rates={"enabled": False}))
        self._server.identity.verify = strict(self._server.identity)  # type: ignore[method-assign, assignment]
        self._guests.clear()
        self._lives = 0
        ann = await self._server.connect("ann")
        self._room = (await ann.create_group("mallory", public=True)).encode()
        await ann.send(self._room.decode())
        ann.hang_up()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(coroutine)


def strict(identity: FakeIdentity) -> Callable[[str], Coroutine[Any, Any, Claims]]:
    """Return a verifier for which a token is the name of its user; one that is no name is refused, as the real
    identity does."""
    verify = identity.verify

    async def verify_name(token: str) -> Claims:
        if not USER.fullmatch(token):
            raise Refused("token_invalid", "no such token")
        return await verify(token)

    return verify_name


class DefectLog(logging.Handler):
    """A log handler that fails on what a daemon logs as its own defect."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)

    def expect_empty(self) -> None:
        records, self._records = self._records, []
        for record in records:
            cause = record.exc_info[1] if record.exc_info else None
            raise AssertionError(record.getMessage()) from cause
