"""One simulated TCP connection: the transport of a protocol of the daemon, and the other end in a client.

Bytes arrive late, in pieces, or not at all, but never twice and never out of order, as with TCP.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from tests.simulation.choices import Lane
from tests.simulation.loop import SimLoop

# Unit of the time that bytes are on their way.
TICK_S = 0.0005
# Up to 30 ms: a mobile network on a good day.
TICKS = 60
# One delivery in so many comes in two pieces.
PIECES = 4
# The mark of asyncio.
HIGH_BYTES = 65536
# The bytes that the two kernels hold of a stream, where nothing else is drawn.
ROOM_BYTES = 65536
# The same where outboxes are small, too.
TIGHT_ROOM_BYTES = 2048


class Peer(Protocol):
    """The callbacks of a client for its connection."""

    def opened(self) -> None: ...

    def received(self, data: bytes) -> None: ...

    def lost(self) -> None:
        """Take the end of the connection, which may never have begun: closed, reset, refused."""


@dataclass(slots=True)
class NetworkConditions:
    """The faults of one connection. 0 and False: none.

    `cut_up`, `cut_down`: reset after so many bytes of the client, of the daemon. `room`: bytes that the kernels hold.
    """

    cut_up: int = 0
    cut_down: int = 0
    room: int = ROOM_BYTES
    pieces: bool = False


class Stream:
    """One direction: bytes on their way to `deliver`, at most `room` of them; the writer keeps the rest."""

    __slots__ = (
        "_arrives",
        "_cut",
        "_deliver",
        "_lane",
        "_link",
        "_loop",
        "_on_way",
        "_pieces",
        "clogged",
        "paused",
        "room",
    )

    def __init__(self, link: "Link", deliver: Callable[[bytes], None], room: int, cut: int) -> None:
        # Whether its reader reads no more.
        self.paused = False
        # Whether the network carries nothing.
        self.clogged = False
        self.room = room
        self._link = link
        self._loop = link.loop
        self._lane = link.lane
        self._pieces = link.conditions.pieces
        self._deliver = deliver
        self._cut = cut
        # The pieces on their way; an empty one is the end.
        self._on_way: deque[bytes] = deque()
        # Whether a delivery is scheduled.
        self._arrives = False

    def send(self, data: bytes) -> None:
        self._on_way.append(data)
        self.room -= len(data)
        self.go_on()

    def go_on(self) -> None:
        """Schedule the next delivery, if there is one."""
        if self._on_way and not (self._arrives or self.paused or self.clogged):
            self._arrives = True
            delay_s = TICK_S * (1 + self._lane.pick(TICKS))
            self._loop.call_later(delay_s, self._arrive, context=self._link.outside)

    def _arrive(self) -> None:
        self._arrives = False
        if self.paused or self.clogged or not self._on_way or self._link.over:
            return
        data = self._piece(b"".join(self._on_way) if len(self._on_way) > 1 else self._on_way[0])
        self.room += len(data)
        if 0 < self._cut <= len(data):
            data, self._cut = data[: self._cut], -1
        elif self._cut > 0:
            self._cut -= len(data)
        self._deliver(data)
        if self._cut < 0:
            self._link.note(f"reset after {len(data)} bytes of a delivery")
            self._link.reset()
        self.go_on()

    def _piece(self, data: bytes) -> bytes:
        """Take the next bytes off: all there are, or some of them."""
        ends = self._on_way[-1] == b""
        size = len(data)
        if self._pieces and size > 1 and self._lane.befalls(PIECES):
            size = 1 + self._lane.pick(size - 1)
        self._on_way.clear()
        if size < len(data):
            self._on_way.append(data[size:])
        if ends and data:
            self._on_way.append(b"")
        return data[:size]


class Link:
    """One connection. The end of the daemon is `transport`; the methods are those of the client and the network."""

    def __init__(self, loop: SimLoop, lane: Lane, peer: Peer, conditions: NetworkConditions) -> None:
        self.loop = loop
        self.lane = lane
        self.conditions = conditions
        # The network goes on when a daemon is dead.
        self.outside = contextvars.copy_context()
        self.over = False
        self.note: Callable[[str], None] = lambda text: None
        # Server bytes so far, and the position of the disk.
        self.marks: deque[tuple[int, int, float]] = deque()
        # The bytes of the largest write of the daemon.
        self.largest = 0
        self._peer = peer
        self.transport = ServerTransport(self)
        self.up = Stream(self, self.transport.arrived, ROOM_BYTES, conditions.cut_up)
        self.down = Stream(self, self._arrived, conditions.room, conditions.cut_down)

    # the client

    def send(self, data: bytes) -> None:
        if not self.over:
            self.up.send(data)

    def stop_reading(self) -> None:
        self.down.paused = True

    def resume_reading(self) -> None:
        self.down.paused = False
        self.down.go_on()

    def clog(self, *, clogged: bool) -> None:
        """Stop the network in both directions, or start it again."""
        for stream in (self.up, self.down):
            stream.clogged = clogged
            stream.go_on()

    def finish(self) -> None:
        """Say that nothing more comes from the client (FIN); it still reads. Before it is accepted: give up."""
        if not self.connected:
            self.over = True
        elif not self.over:
            self.up.send(b"")

    def reset(self) -> None:
        """Report to both ends that the connection is gone; bytes on their way are lost."""
        if not self.over:
            self.over = True
            self.transport.lose(ConnectionResetError("reset"))
            self._tell_lost()

    def refused(self) -> None:
        """Refuse the connection, as nothing listens there."""
        self.over = True
        self._tell_lost()

    @property
    def connected(self) -> bool:
        """Whether the daemon has accepted: before that the client can only give up."""
        return self.transport.begun

    def opened(self) -> None:
        self._peer.opened()

    def vanish(self) -> None:
        """Let the client vanish: nothing arrives any more, and the daemon is not informed."""
        self.clog(clogged=True)
        self._tell_lost()

    def _tell_lost(self) -> None:
        self.loop.call_soon(self._peer.lost, context=self.outside)

    def written_at(self, offset: int) -> tuple[int, float]:
        """Return the position of the disk, and the time, when the daemon wrote its byte at `offset`; called in rising
        order."""
        while self.marks[0][0] <= offset:
            self.marks.popleft()
        return self.marks[0][1:]

    def _arrived(self, data: bytes) -> None:
        if data:
            self._peer.received(data)
            self.transport.sent()
        else:
            self._peer.lost()


class ServerTransport(asyncio.Transport):
    """The end of the daemon, which behaves like the selector transport of asyncio."""

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link
        self._loop = link.loop
        self._buffer = bytearray()
        self._high, self._low = HIGH_BYTES, HIGH_BYTES // 4
        self._closing = self._finished = self._eof_wanted = self._paused = False
        self._written = 0
        # Whether it is accepted: before that nothing can be sent.
        self.begun = False
        self._protocol: Any = None
        self._context: Any = None
        self.position: Callable[[], int] = lambda: 0

    def begin(self, protocol: asyncio.Protocol, context: Any) -> None:
        """Hand the accepted connection to the daemon."""
        self._protocol, self._context = protocol, context
        self.begun = True
        self._call(protocol.connection_made, self)

    # bytes from the client; run as the daemon

    def arrived(self, data: bytes) -> None:
        if not self._finished:
            self._call(self._take, data)

    def _take(self, data: bytes) -> None:
        if self._finished:
            return
        if data:
            self._protocol.data_received(data)
        elif not self._protocol.eof_received():
            self.close()

    def lose(self, error: Exception | None) -> None:
        """End the connection for the daemon."""
        if not self._finished:
            self._finished = self._closing = True
            self._buffer.clear()
            if self._protocol is not None:
                self._call(self._protocol.connection_lost, error)

    def _call(self, callback: Callable[..., object], *arguments: object) -> None:
        self._loop.call_soon(callback, *arguments, context=self._context)

    # asyncio.Transport

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("192.0.2.1", 1), "sockname": ("192.0.2.2", 443)}.get(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> Any:
        return self._protocol

    def is_closing(self) -> bool:
        return self._closing

    def is_reading(self) -> bool:
        return not self._link.up.paused

    def pause_reading(self) -> None:
        self._link.up.paused = True

    def resume_reading(self) -> None:
        self._link.up.paused = False
        self._link.up.go_on()

    def can_write_eof(self) -> bool:
        return True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = HIGH_BYTES if high is None else high
        self._low = self._high // 4 if low is None else low
        self._maybe_pause()

    def get_write_buffer_size(self) -> int:
        return len(self._buffer)

    def write(self, data: Any) -> None:
        if self._finished or self._eof_wanted or not data:
            return
        self._written += len(data)
        self._link.marks.append((self._written, self.position(), self._loop.time()))
        self._buffer += data
        self._link.largest = max(self._link.largest, len(data))
        self._push()
        self._maybe_pause()

    def write_eof(self) -> None:
        if not self._eof_wanted and not self._finished:
            self._eof_wanted = True
            self._end_when_empty()

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._end_when_empty()

    def abort(self) -> None:
        self._link.reset()
        self.lose(None)

    # bytes to the client

    def sent(self) -> None:
        """Continue, as the network took something."""
        if self._finished or not (self._buffer or self._paused):
            return
        self._push()
        if self._paused and len(self._buffer) <= self._low:
            self._paused = False
            self._call(self._protocol.resume_writing)
        self._end_when_empty()

    def _push(self) -> None:
        room = max(0, self._link.down.room)
        if room and self._buffer and not self._link.over:
            self._link.down.send(bytes(self._buffer[:room]))
            del self._buffer[:room]

    def _maybe_pause(self) -> None:
        if not self._paused and len(self._buffer) > self._high:
            self._paused = True
            self._protocol.pause_writing()

    def _end_when_empty(self) -> None:
        if self._buffer or self._finished:
            return
        if self._closing:
            self.lose(None)
            self._link.down.send(b"")
        elif self._eof_wanted:
            self._link.down.send(b"")
