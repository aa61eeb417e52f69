"""Parts of the daemon in memory, for the targets: an HTTP front and a connection on a transport without a kernel, and
a whole inside with its store, all driven from one plain function call at a time."""

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

from chatd.config.model import Config
from chatd.http.listeners import Terms, _uvicorn_config
from chatd.http.routes import public_application
from chatd.ports import Claims
from chatd.protocol.errors import Refused
from chatd.telemetry.counters import Counters
from chatd.websocket.acceptor_config import Surroundings, surroundings
from chatd.websocket.admission import Admission
from chatd.websocket.connection import connection_class
from tests.kit.echo import Echo
from tests.kit.held import Held
from tests.kit.indoors import Guest, Indoors, Passports, device_of, indoors
from tests.kit.manual import ManualEnv, ManualTransport

T = TypeVar("T")

ROOM = b"g4fKz81QwXe2"  # the room of protocol.md: stands for one that is there
USER = re.compile(r"[A-Za-z0-9_\-.:@|+]{1,64}")  # protocol.md 4
HOUSE_LIVES = 5000  # inputs until a house is built anew: its rooms and logs grow


class Front:
    """The HTTP front as a listener makes it, and the loop it needs."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.around = around(Config())
        application = public_application(lambda: nobody, self.around)
        self._config = _uvicorn_config(application, Terms(10.0, 16), connection_class(self.around))
        self._config.load()
        self._errors = ErrorLog()
        logging.getLogger().addHandler(self._errors)

    def meets(self, pieces: list[bytes]) -> bytes:
        """What a fresh front writes to a client that sends these pieces and leaves."""
        return self.loop.run_until_complete(self._meets(pieces))

    def ends(self) -> None:
        logging.getLogger().removeHandler(self._errors)
        self.loop.close()

    async def _meets(self, pieces: list[bytes]) -> bytes:
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
        self._errors.keeps_empty()
        assert not state.connections, "a connection is kept"
        return transport.written


async def nobody(user: str, password: str, device: str | None, address: str) -> None:
    """A login that knows no account."""


def around(config: Config) -> Surroundings:
    """What connections share; their sessions echo."""
    return surroundings(
        config, Echo, env=ManualEnv(), admission=Admission(config.limits), counters=Counters()
    )


class Pipe:
    """One WebSocket connection behind its handshake, on a transport without a kernel."""

    def __init__(self, subprotocol: str) -> None:
        self._held = Held(subprotocol=subprotocol)
        self._errors = ErrorLog()
        logging.getLogger().addHandler(self._errors)

    def hears(self, piece: bytes) -> None:
        if not self._held.transport.is_closed:
            self._held.receive(piece)

    def ends(self) -> bytes:
        """Lose the link; everything the server wrote."""
        self._held.lose()
        logging.getLogger().removeHandler(self._errors)
        self._errors.keeps_empty()
        assert not self._held.connections, "a connection is kept"
        assert not self._held.admission.total, "a place is kept"
        return self._held.transport.written


class Household:
    """An inside with a store, and mallory in it, who comes again whenever he was thrown out."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stack = contextlib.AsyncExitStack()
        self._house: Indoors | None = None
        self._guests: dict[bool, Guest] = {}
        self._lives = 0
        self._room = ROOM
        self._errors = ErrorLog()
        logging.getLogger().addHandler(self._errors)

    def meets(self, payload: bytes, *, text: bool) -> list[dict[str, Any]]:
        """What mallory hears after one payload, a `bye` included."""
        return self._run(self._meets(payload, text))

    def greets(self, payload: bytes, *, text: bool) -> list[dict[str, Any]]:
        """What a stranger hears whose first payload this is; he leaves at once."""
        return self._run(self._greets(payload, text))

    def ends(self) -> None:
        """Close the house: its threads would keep a process from ending."""
        self._run(self._stack.aclose())
        self._house = None
        logging.getLogger().removeHandler(self._errors)
        self._loop.close()

    async def _meets(self, payload: bytes, text: bool) -> list[dict[str, Any]]:
        house = await self._living()
        guest = self._guests.get(text)
        if guest is None or guest.wire.closed_with is not None:
            guest = self._guests[text] = await self._welcome(text)
        guest.session.received(payload.replace(ROOM, self._room))
        await house.quiet()
        self._errors.keeps_empty()
        if guest.wire.closed_with is not None:
            guest.hangs_up(guest.wire.closed_with[0])
        return guest.hears()

    async def _greets(self, payload: bytes, text: bool) -> list[dict[str, Any]]:
        house = await self._living()
        stranger = house.guest(text=text)
        stranger.session.received(payload.replace(ROOM, self._room))
        await house.quiet()
        stranger.hangs_up()
        await house.quiet()
        self._errors.keeps_empty()
        assert stranger.session not in self._seated(house), "a session is kept"
        return stranger.hears()

    def _seated(self, house: Indoors) -> list[Any]:
        return [session for devices in house.inside.live.sessions.values() for session in devices.values()]

    async def _living(self) -> Indoors:
        """The house; a new one when the old one is too full."""
        if self._house is None or self._lives >= HOUSE_LIVES:
            await self._build()
        assert self._house is not None
        self._lives += 1
        return self._house

    async def _welcome(self, text: bool) -> Guest:
        assert self._house is not None
        guest = self._house.guest(text=text)
        device = device_of(2 if text else 1)
        hello = {"type": "hello", "id": 1, "version": 1, "token": "mallory", "device": device}
        guest.session.received(json.dumps(hello).encode() if text else msgpack.packb(hello))
        await self._house.quiet()
        assert guest.reply(1)["type"] == "ok", guest.hears()
        guest.hears()
        return guest

    async def _build(self) -> None:
        await self._stack.aclose()
        directory = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="fuzz")))
        self._house = await self._stack.enter_async_context(indoors(directory, rates={"enabled": False}))
        self._house.passports.verify = strict(self._house.passports)  # type: ignore[method-assign, assignment]
        self._guests.clear()
        self._lives = 0
        ann = await self._house.meets("ann")
        self._room = (await ann.makes_group("mallory", public=True)).encode()
        await ann.sends(self._room.decode())
        ann.hangs_up()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(coroutine)


def strict(passports: Passports) -> Callable[[str], Coroutine[Any, Any, Claims]]:
    """A token is the name of its user; one that is no name is refused, as the real identity does."""
    verify = passports.verify

    async def verify_name(token: str) -> Claims:
        if not USER.fullmatch(token):
            raise Refused("token_invalid", "no such token")
        return await verify(token)

    return verify_name


class ErrorLog(logging.Handler):
    """Fails on what a daemon logs as its own defect."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)

    def keeps_empty(self) -> None:
        records, self._records = self._records, []
        for record in records:
            cause = record.exc_info[1] if record.exc_info else None
            raise AssertionError(record.getMessage()) from cause
