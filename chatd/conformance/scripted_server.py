"""The server that a scenario writes the lines of: it accepts connections, notes what comes, and sends what it is told.

One runs for each scenario, so that nothing of one reaches the next.
"""

import asyncio
import http
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.typing import Subprotocol

from .checks import Checks
from .codec import SUBPROTOCOLS, BadFrame, Packet, decode, encode, wrapped
from .steps import CLOSE, CONNECT

FRAME_BYTES = 1 << 20
"""Longest frame that is read: above every limit, so that a check can say how long it was."""

PONG_S = 5.0
"""Longest wait for a pong of the WebSocket; a client that is about to close does not send one."""

HEALTH = {
    "ok": (200, b"chatd\n"),
    "portal": (200, b"<html>Welcome! Please log in.</html>"),
}


@dataclass(frozen=True)
class Arrival:
    """One packet of the client, or what is no packet, with the time it came and the frame it came in."""

    at: float
    packet: Packet
    frame: int = 0


class Link:
    """One connection of the client. `ending`: the server has said bye, closed it, or expects its end."""

    def __init__(self, number: int, socket: ServerConnection) -> None:
        self.number = number
        self.socket = socket
        self.ending = False

    @property
    def open(self) -> bool:
        """Whether something can be sent."""
        return self.socket.state is State.OPEN


@dataclass
class Refusal:
    """The answer to the next attempts to connect."""

    status: int
    retry_after: int | None
    times: int


class ScriptedServer:
    """Listens on a free port of loopback. `on_arrival` gets everything that comes; `now` is the clock of the script."""

    def __init__(
        self,
        encoding: str,
        now: Callable[[], float],
        on_arrival: Callable[[Arrival], None],
        checks: Checks,
        note: Callable[..., None],
    ) -> None:
        self.url = ""
        self.link: Link | None = None
        # Counts what happened; the virtual clock waits until nothing does.
        self.activity = 0
        self.health = "ok"
        self.refusal: Refusal | None = None
        self._encoding = encoding
        self._now = now
        self._on_arrival = on_arrival
        self._checks = checks
        self._note = note
        self._links = 0
        self._frames = 0
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["ScriptedServer"]:
        """Listen until the end of the block."""
        listening: Server = await serve(
            self._handle,
            "127.0.0.1",
            0,
            subprotocols=[Subprotocol(SUBPROTOCOLS[self._encoding])],
            compression=None,
            ping_interval=None,
            max_size=FRAME_BYTES,
            process_request=self._requested,
            close_timeout=1,
        )
        port = next(iter(listening.sockets)).getsockname()[1]
        self.url = f"ws://127.0.0.1:{port}/v1/ws"
        try:
            yield self
        finally:
            self.cut()
            listening.close()
            for task in tuple(self._closing):
                task.cancel()
            await listening.wait_closed()

    # What the scenario does.

    @property
    def can_send(self) -> bool:
        """Whether there is a connection to send on."""
        return self.link is not None and self.link.open

    def send(self, packets: Sequence[Packet], *, deflate: bool = False) -> None:
        """Send packets in one frame. Raises ConnectionError when there is no connection."""
        frame = wrapped(packets) if deflate else encode(packets, self._encoding)
        self.send_bytes(frame, packets)

    def send_bytes(self, frame: bytes | str, packets: Sequence[Packet] = ()) -> None:
        """Send a frame as it is."""
        link = self.link
        if link is None or not link.open:
            raise ConnectionError("there is no connection to send on")
        self._note("S>", packets, frame)
        for packet in packets:
            self._checks.sent(packet, self._now())
            link.ending = link.ending or packet.get("type") == "bye"
        # Written at once: it is in the buffer of the client's socket when this returns.
        protocol = link.socket.protocol
        if isinstance(frame, str):
            protocol.send_text(frame.encode())
        else:
            protocol.send_binary(frame)
        link.socket.send_data()
        self.activity += 1

    def cut(self) -> None:
        """Lose the connection without a word."""
        if self.link is not None:
            self.link.ending = True
            self._checks.server_ended(0, self._now())
            self.link.socket.transport.abort()
            self.link = None
            self._note("cut")
            self.activity += 1

    def close(self, code: int, reason: str) -> None:
        """Close the connection with a close frame."""
        if self.link is None:
            raise ConnectionError("there is no connection to close")
        self.link.ending = True
        self._checks.server_ended(code, self._now())
        self._note("close", code=code)
        task = asyncio.ensure_future(self.link.socket.close(code, reason))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        self.activity += 1

    async def exchanged(self) -> None:
        """Return when everything that was sent has reached the client's socket, and everything that it sent before is
        here: a ping of the WebSocket, which is no packet."""
        link = self.link
        if link is not None and link.open:
            with suppress(ConnectionClosed, TimeoutError):
                async with asyncio.timeout(PONG_S):
                    await (await link.socket.ping())
        for _ in range(8):
            await asyncio.sleep(0)

    # What the client does.

    def _requested(self, connection: ServerConnection, request: Request) -> Response | None:
        self.activity += 1
        if urlsplit(request.path).path == "/v1/health":
            return health_response(self.health)
        self._note("connect")
        self._checks.connecting(request.path, dict(request.headers.raw_items()), self._now())
        self._on_arrival(Arrival(self._now(), {"type": CONNECT, "path": urlsplit(request.path).path}))
        refusal = self.refusal
        if refusal is None:
            return None
        refusal.times -= 1
        if refusal.times == 0:
            self.refusal = None
        self._checks.refused(refusal.status, refusal.retry_after, self._now())
        self._note("refuse", status=refusal.status)
        return plain_response(refusal.status, b"", refusal.retry_after)

    async def _handle(self, socket: ServerConnection) -> None:
        self._links += 1
        link = Link(self._links, socket)
        self.link = link
        self._checks.connected(link.number, self._now())
        self.activity += 1
        with suppress(ConnectionClosed):
            async for frame in socket:
                self._frame(link, frame)
        self._ended(link)

    def _frame(self, link: Link, frame: bytes | str) -> None:
        self.activity += 1
        self._frames += 1
        size = len(frame.encode()) if isinstance(frame, str) else len(frame)
        try:
            packets = decode(frame, self._encoding)
        except BadFrame as error:
            self._note("C>", [], frame)
            self._checks.bad_frame(str(error), self._now())
            return
        self._note("C>", packets, frame)
        self._checks.frame(link.number, packets, size, self._now())
        for packet in packets:
            self._on_arrival(Arrival(self._now(), packet, self._frames))

    def _ended(self, link: Link) -> None:
        self.activity += 1
        received = link.socket.protocol.close_rcvd
        code = received.code if received is not None else 0
        if not link.ending:
            self._note("closed", code=code)
            self._checks.client_ended(code, self._now())
            self._on_arrival(Arrival(self._now(), {"type": CLOSE, "code": code}))
        self._checks.disconnected(link.number, self._now())
        if self.link is link:
            self.link = None


def health_response(health: str = "ok") -> Response:
    """Return the answer to `GET /v1/health`: of the server, or of a portal before it."""
    return plain_response(*HEALTH[health])


def plain_response(status: int, body: bytes, retry_after: int | None = None) -> Response:
    """Return an answer that is no upgrade; `retry_after` in seconds."""
    headers = Headers({"Content-Length": str(len(body)), "Connection": "close"})
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return Response(status, http.HTTPStatus(status).phrase, headers, body)
