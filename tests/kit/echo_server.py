"""A listener without a chat: its sessions echo, on real sockets, and WebSocket frames are written by hand."""

import asyncio
import contextlib
import os
import random
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from chatd.config.model import Config
from chatd.env import Timer
from chatd.http.listeners import Application, Listener, ListenerOptions
from chatd.protocol import close_codes
from chatd.telemetry.counters import Counters
from chatd.websocket.acceptor_config import AcceptorConfig, acceptor_config
from chatd.websocket.admission import Admission
from chatd.websocket.connection import connection_class
from chatd.websocket.frames import binary_frame, text_frame
from chatd.websocket.wire import Evictable, Wire
from tests.kit.frames import read_frame, upgrade_request

# The wait for what happens at once; a loaded machine needs a while, a defect for ever.
WAIT_S = 120.0


class LoopEnv:
    """The time and randomness of the running event loop."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    def thread_cpu_s(self) -> float:
        return time.thread_time()

    def random(self) -> float:
        return random.random()

    def random_bytes(self, count: int) -> bytes:
        return os.urandom(count)

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(delay_s, callback)


class Echo:
    """A session that sends every message back and records the calls it got."""

    def __init__(self, frame_bytes_max: int = 65536) -> None:
        self.frame_bytes_max = frame_bytes_max
        self.wire: Wire | None = None
        self.messages: list[bytes] = []
        self.codes: list[int] = []
        self.flow: list[str] = []
        self.gone = asyncio.Event()
        self.blocked = asyncio.Event()

    def opened(self, wire: Wire) -> None:
        self.wire = wire

    def received(self, payload: bytes) -> None:
        self.messages.append(payload)
        self.send(payload)

    def send(self, payload: bytes) -> None:
        assert self.wire is not None
        self.wire.write(text_frame(payload) if self.wire.text else binary_frame(payload))

    def writing_blocked(self) -> None:
        self.flow.append("blocked")
        self.blocked.set()

    def writing_resumed(self) -> None:
        self.flow.append("resumed")

    def close(self, code: int) -> None:
        assert self.wire is not None
        self.wire.close(code, close_codes.CLOSE_CODES[code])

    def closed(self, code: int) -> None:
        self.codes.append(code)
        self.gone.set()


async def no_page(scope: Any, receive: Any, send: Any) -> None:
    """Read the body and answer 200 `page`, whatever the request."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"page"})


class EchoServer:
    """A listener whose sessions echo. `sessions` are all of its sessions, in order of their handshakes."""

    def __init__(self, config: Config, make: Callable[[], Echo], application: Application) -> None:
        self.config = config
        self.sessions: list[Echo] = []
        self.counters = Counters()
        self.admission: Admission[Evictable] = Admission(config.limits)
        self._make = make
        self._raws: list[RawSocket] = []
        listen = config.listen
        options = ListenerOptions(listen.request_deadline_s, listen.backlog, listen.tls_cert, listen.tls_key)
        self.listener = Listener(
            listen.address, application, options, connection_class(self.acceptor_config())
        )

    def acceptor_config(self) -> AcceptorConfig:
        return acceptor_config(
            self.config, self._receiver, env=LoopEnv(), admission=self.admission, counters=self.counters
        )

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.listener.port}/v1/ws"

    @property
    def last(self) -> Echo:
        return self.sessions[-1]

    def _receiver(self) -> Echo:
        self.sessions.append(self._make())
        return self.sessions[-1]

    async def stop(self) -> None:
        """Close every raw socket, then the listener."""
        for raw in self._raws:
            await raw.closed()
        await self.listener.stop(0.0)

    async def connect(self) -> "RawSocket":
        """Open a plain TCP connection."""
        self._raws.append(RawSocket(*await asyncio.open_connection("127.0.0.1", self.listener.port)))
        return self._raws[-1]

    async def upgrade(self, subprotocol: str = "chatd.v1.msgpack") -> "RawSocket":
        """Open a connection and upgrade it."""
        raw = await self.connect()
        raw.send(upgrade_request(subprotocol))
        status, _ = await raw.response()
        assert status == 101
        return raw


@asynccontextmanager
async def echo_server(
    make: Callable[[], Echo] = Echo, application: Application = no_page, **sections: dict[str, Any]
) -> AsyncIterator[EchoServer]:
    """Run an echo server on a free port around the block; `sections` change the configuration."""
    server = EchoServer(echo_config(**sections), make, application)
    await server.listener.start()
    try:
        yield server
    finally:
        await server.stop()


def echo_config(**sections: dict[str, Any]) -> Config:
    """Return the default configuration on a free port, with these values changed section by section."""
    config = Config()
    for name, values in {"listen": {}, **sections}.items():
        values = {"address": "127.0.0.1:0", **values} if name == "listen" else values
        config = msgspec.structs.replace(
            config, **{name: msgspec.structs.replace(getattr(config, name), **values)}
        )
    return config


class RawSocket:
    """A client that sends any bytes and reads frames without checking them."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def response(self) -> tuple[int, bytes]:
        """Return status and whole head of an HTTP response."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), WAIT_S)
        return int(head.split()[1]), head

    async def frame(self) -> tuple[int, bytes]:
        """Return first byte and payload of the next frame."""
        return await asyncio.wait_for(read_frame(self.reader), WAIT_S)

    async def close_code(self) -> int:
        """Return the code of the close frame, skipping all frames before it."""
        while True:
            first, payload = await self.frame()
            if first == 0x88:
                return int(struct.unpack("!H", payload[:2])[0])

    async def rest(self) -> bytes:
        """Return everything until the server closes or resets."""
        try:
            return await asyncio.wait_for(self.reader.read(), WAIT_S)
        except ConnectionError:
            return b""

    async def closed(self) -> None:
        """Close, and wait until it is closed."""
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()
