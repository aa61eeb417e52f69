"""One WebSocket from its upgrade to its end: frames, replies to requests, heartbeat; it never reconnects.

All its state ends with it, so nothing of one connection can confuse the next (protocol.md, "Envelope" and "States").

Two tasks serve it: `run` reads, the other writes. Replies and pushes are handed on synchronously inside `run`, in the
order of their arrival; packets sent in one turn of the event loop share a frame. One timer watches all deadlines.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from .core.codec import FRAME_BYTES_MAX, BadFrame, Codec
from .core.deadlines import Deadlines, Verdict
from .core.errors import ChatError, ConnectionLost, HandshakeFailed, error_from
from .core.limits import HELLO_FRAME_BYTES, Limits
from .core.packets import Decoded, Packet
from .core.pushes import ByePush
from .env import Timer
from .settings import Settings

OnReply = Callable[[Decoded], None]
"""A callback that takes the `ok`, the `ChatError`, or None when the outcome will never be known."""

HELLO_HEARTBEAT_S = 30.0
"""Heartbeat assumed until the hello reply names it."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The reason why a connection ended. `code` 0: no close frame came."""

    code: int = 0
    reason: str = ""
    retry_after_s: float = 0.0
    to: str = ""
    """Another address to connect to (4004)."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A request that has no reply yet."""

    asked_at: float
    on_reply: OnReply


class Connection:
    """Requests and pushes over one socket. `on_push` gets every packet that is neither reply nor heartbeat."""

    def __init__(
        self, socket: ClientConnection, codec: Codec, settings: Settings, on_push: Callable[[Decoded], None]
    ) -> None:
        self.limits = Limits()
        self.ending: Ending | None = None
        self._socket = socket
        self._codec = codec
        self._env = settings.env
        self._timing = settings.timing
        self._on_push = on_push
        self._frame_bytes = HELLO_FRAME_BYTES
        self._outgoing: deque[list[bytes]] = deque()
        self._wake = asyncio.Event()
        self._pending: dict[int, Pending] = {}
        self._put_off: dict[str, Timer] = {}
        self._last_id = 0
        self._deadlines = Deadlines(settings.timing, HELLO_HEARTBEAT_S, self._env.monotonic())
        self._watch: Timer | None = None
        self._watch_at = 0.0

    @property
    def alive(self) -> bool:
        """Whether anything may still be sent: after `bye` nothing is (protocol.md, "bye")."""
        return self.ending is None

    # Sending.

    def send(self, packet: Packet) -> None:
        """Send a packet that has no reply."""
        if self.alive:
            self._queue([self._codec.encode(packet)])

    def ask(self, packet: Packet, on_reply: OnReply) -> None:
        """Send a request; `on_reply` is called exactly once, inside `run`."""
        self.ask_together([(packet, on_reply)])

    def ask_together(self, requests: Sequence[tuple[Packet, OnReply]]) -> None:
        """Send requests in one frame, in this order; the caller keeps it within the limits."""
        if not self.alive:
            for _, on_reply in requests:
                on_reply(None)
            return
        encoded = []
        for packet, on_reply in requests:
            self._last_id += 1
            # The envelope comes first, as protocol.md shows it: it makes frames easy to read.
            request = {"type": packet["type"], "id": self._last_id, **packet}
            encoded.append(self._codec.encode(request))
            self._pending[self._last_id] = Pending(self._env.monotonic(), on_reply)
        self._queue(encoded)
        self._rearm()

    def ask_until_taken(self, current: Callable[[], Packet], on_reply: OnReply) -> None:
        """Send the request that `current` returns; while it is refused for now, send what `current` returns by then,
        as long as this connection lives. Any other answer is the reply."""
        packet = current()

        def answered(answer: Decoded) -> None:
            if not isinstance(answer, ChatError) or answer.retry != "later":
                on_reply(answer)
                return
            if (earlier := self._put_off.pop(packet["type"], None)) is not None:
                earlier.cancel()
            self._put_off[packet["type"]] = self._env.call_later(
                self._timing.pause_s(answer.retry_after), lambda: self.ask_until_taken(current, on_reply)
            )

        self.ask(packet, answered)

    async def request(self, packet: Packet) -> Decoded:
        """Send a request and return its `ok`; raises its `ChatError`, or `ConnectionLost` when the outcome is
        unknown."""
        reply: asyncio.Future[Decoded] = asyncio.get_running_loop().create_future()
        self.ask(packet, lambda answer: _complete(reply, answer))
        return await reply

    def accepted(self, heartbeat_s: float, limits: Limits) -> None:
        """Put the heartbeat and limits of the hello reply in force."""
        self.limits = limits
        self._frame_bytes = limits.frame_bytes
        self.set_heartbeat(heartbeat_s)

    def set_heartbeat(self, heartbeat_s: float) -> None:
        """Set the seconds of silence after which the server pings."""
        self._deadlines.heartbeat_s = heartbeat_s
        self._rearm()

    def probe(self) -> None:
        """Send a ping; no answer within `probe_s` drops the connection. At most one ping per `probe_s`."""
        if self.alive and self._deadlines.probe(self._env.monotonic()):
            self.ask({"type": "ping"}, self._probed)

    def silent_s(self) -> float:
        """Return the seconds since the last frame came in."""
        return self._deadlines.silent_s(self._env.monotonic())

    # Ending.

    def drop(self, reason: str, code: int = 1006) -> None:
        """End at once, without a close handshake: for a link that is thought dead, or a peer that breaks the
        protocol."""
        self._end(Ending(code, reason))
        self._socket.transport.abort()

    async def close(self, code: int, reason: str = "") -> None:
        """Write everything queued, then end with a close handshake."""
        await self._write_all()
        self._end(Ending(code, reason))
        await self._socket.close(code, reason)

    async def run(self) -> Ending:
        """Read until the end and return its reason; every pending request is completed by then."""
        writer = asyncio.create_task(self._write())
        self._rearm()
        try:
            await self._read()
        finally:
            writer.cancel()
            self._end(self._closing())
            self._socket.transport.abort()
            self._forget()
        assert self.ending is not None
        return self.ending

    async def _read(self) -> None:
        try:
            async for frame in self._socket:
                self._deadlines.heard(self._env.monotonic())
                for packet in self._codec.decode(frame):
                    self._take(packet)
        except BadFrame as error:
            self.drop(f"bad frame: {error}")
        except ConnectionClosed:
            pass

    def _take(self, packet: Packet) -> None:
        act = _ENVELOPE.get(packet.get("type", ""))
        if act is None:
            self._on_push(packet)
        else:
            act(self, packet)

    def _answer(self, packet: Decoded) -> None:
        pending = self._pending.pop(packet.get("id", 0), None)
        if pending is not None:
            pending.on_reply(error_from(packet) if packet["type"] == "error" else packet)

    def _pong(self, packet: Packet) -> None:
        self.send({"type": "pong"})
        # The ping may carry a cursor.
        self._on_push(packet)

    def _bye(self, push: ByePush) -> None:
        # The bye may carry a cursor.
        self._on_push(push)
        self._outgoing.clear()
        self._end(
            Ending(
                push.get("close", 0),
                push.get("reason", ""),
                push.get("retry_after", 0) / 1000,
                push.get("to", ""),
            )
        )
        self._env.call_later(self._timing.close_s, self._socket.transport.abort)

    def _end(self, ending: Ending) -> None:
        """Keep the first reason: `bye` is authoritative, the close frame only mirrors it (protocol.md, "bye")."""
        if self.ending is None:
            self.ending = ending

    def _closing(self) -> Ending:
        code = self._socket.close_code
        return Ending(0 if code in (None, 1005, 1006) else code or 0, self._socket.close_reason or "")

    def _forget(self) -> None:
        for timer in (self._watch, *self._put_off.values()):
            if timer is not None:
                timer.cancel()
        pending, self._pending = self._pending, {}
        for request in pending.values():
            request.on_reply(None)

    # Writing.

    def _queue(self, group: list[bytes]) -> None:
        self._outgoing.append(group)
        self._wake.set()

    async def _write(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._write_all()
        except ConnectionClosed:
            return

    async def _write_all(self) -> None:
        while self._outgoing:
            frame = self._codec.join(self._next_frame())
            await self._socket.send(frame, text=self._codec.text)

    def _next_frame(self) -> list[bytes]:
        """Return as many whole groups as fit; a group is never split, since its order depends on the one frame
        (protocol.md, "The outbox of a client")."""
        frame = list(self._outgoing.popleft())
        size = _size(frame)
        while self._outgoing:
            group = self._outgoing[0]
            size += _size(group)
            if size + FRAME_HEAD > self._frame_bytes or len(frame) + len(group) > self.limits.batch:
                break
            frame += self._outgoing.popleft()
        return frame

    # Deadlines.

    def _rearm(self) -> None:
        """Make the one timer fire no later than the earliest deadline."""
        deadline = self._deadlines.next_at(self._oldest())
        if not self.alive or (self._watch is not None and self._watch_at <= deadline):
            # A timer that fires too early only checks again; most requests are long answered by then.
            return
        if self._watch is not None:
            self._watch.cancel()
        self._watch_at = deadline
        self._watch = self._env.call_later(max(0.0, deadline - self._env.monotonic()), self._look)

    def _oldest(self) -> float | None:
        return next((pending.asked_at for pending in self._pending.values()), None)

    def _look(self) -> None:
        self._watch = None
        verdict = self._deadlines.verdict(self._env.monotonic(), self._oldest())
        if verdict is Verdict.PROBE:
            self.probe()
        elif verdict is not Verdict.WAIT:
            self.drop(verdict.value)
        self._rearm()

    def _probed(self, answer: Decoded) -> None:
        """Give up the requests that are overdue although the link lives: their outcome is unknown (protocol.md,
        "States")."""
        self._deadlines.answered()
        limit = self._env.monotonic() - self._timing.request_s
        overdue = [number for number, pending in self._pending.items() if pending.asked_at <= limit]
        for number in overdue if answer is not None else ():
            self._pending.pop(number).on_reply(None)
        self._rearm()


FRAME_HEAD = 8
"""More than the head of a batch in either encoding."""

_ENVELOPE: dict[str, Callable[[Connection, Decoded], None]] = {
    "ok": Connection._answer,
    "error": Connection._answer,
    "ping": Connection._pong,
    "bye": Connection._bye,
}


async def open_connection(
    url: str, codec: Codec, settings: Settings, on_push: Callable[[Decoded], None]
) -> Connection:
    """Return a connection whose upgrade succeeded and whose hello is still to be sent.

    Raises OSError when the network or TLS fails, its `HandshakeFailed` when the upgrade does.
    """
    tls: dict[str, Any] = {"ssl": settings.ssl} if settings.ssl else {}
    try:
        socket = await connect(
            url,
            subprotocols=[Subprotocol(codec.subprotocol)],
            compression=None,  # protocol.md, "The WebSocket": permessage-deflate is off
            ping_interval=None,  # the server pings, as packets (protocol.md, "ping, pong")
            open_timeout=settings.timing.open_s,
            close_timeout=settings.timing.close_s,
            max_size=FRAME_BYTES_MAX,
            proxy=None,
            **tls,
        )
    except InvalidStatus as error:
        seconds = error.response.headers.get("Retry-After", "")
        retry_after_s = float(seconds) if seconds.isdecimal() else 0.0
        raise HandshakeFailed(str(error), error.response.status_code, retry_after_s) from error
    except WebSocketException as error:
        raise HandshakeFailed(str(error)) from error
    if socket.subprotocol != codec.subprotocol:
        socket.transport.abort()
        raise ConnectionError(f"the server does not speak {codec.subprotocol}")
    return Connection(socket, codec, settings, on_push)


def _size(group: list[bytes]) -> int:
    # Plus one comma each, in JSON.
    return sum(map(len, group)) + len(group)


def _complete(reply: "asyncio.Future[Decoded]", answer: Decoded) -> None:
    # The caller stopped waiting.
    if reply.done():
        return
    if answer is None:
        reply.set_exception(ConnectionLost())
    elif isinstance(answer, ChatError):
        reply.set_exception(answer)
    else:
        reply.set_result(answer)
