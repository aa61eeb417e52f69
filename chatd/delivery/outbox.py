"""The bounded, ordered outbox of one connection; three steps for slow readers (protocol.md "Slow connections").

Above `ephemeral_bytes` ephemerals are dropped. Above `lag_bytes` events become "this room is now at N", and the
owner, who is told, prepares nothing more. Above `close_bytes` it is over. Counted are the queue here plus what the
transport has not handed to the kernel. Before the reply to hello everything waits in a backlog (delivery/backlog.py).
"""

from collections.abc import Mapping
from enum import IntEnum
from itertools import islice
from typing import NamedTuple, Protocol

from chatd.config import model
from chatd.delivery.backlog import Backlog
from chatd.websocket.wire import Wire

HEADS_PER_FRAME = 1000  # a head entry takes up to 70 bytes as JSON: 70 KiB, well below server_frame_bytes
_WRITE_BYTES = 65536  # joined into one write while draining: one system call, and no long copy
_UNSEEN = 1 << 62  # more than any buffer holds: the next look at the transport counts as progress


class _Kind(IntEnum):
    KEPT = 0
    EVENT = 1
    HEAD = 2
    EPHEMERAL = 3


class _Waiting(NamedTuple):
    kind: _Kind
    frame: bytes
    room: str = ""
    seq: int = 0
    ordinal: int = 0


class Owner(Protocol):
    """Whose outbox it is."""

    def head_frame(self, heads: Mapping[str, tuple[int, int]]) -> bytes:
        """The push that says where these rooms are, {room: (seq, ordinal)}."""

    def lagged(self) -> None:
        """The second mark was passed: from now on events become heads."""

    def caught_up(self) -> None:
        """Nothing waits any more: it lags no longer."""

    def overflowed(self) -> None:
        """The third mark was passed and everything was dropped; said once."""


class Outbox:
    """The queue of one connection; `owner` is told of each step.

    `backlog`: what is sent before `start` waits there. `flowing`: nothing waits and the transport is below its mark,
    so a caller may use `wire.write` directly. `lagging`: events are being replaced by heads. `sent_at`: when something
    that must not be lost was last sent, monotonic seconds, as the callers say.
    """

    __slots__ = (
        "_acked",
        "_backlog",
        "_blocked",
        "_closed",
        "_ephemerals",
        "_heads",
        "_last_progress",
        "_marks",
        "_moved",
        "_number",
        "_owner",
        "_queue",
        "_queued_bytes",
        "_seen_bytes",
        "_wire",
        "flowing",
        "lagging",
        "sent_at",
    )

    def __init__(self, wire: Wire, marks: model.Outbox, owner: Owner, backlog: Backlog | None = None) -> None:
        self.flowing = backlog is None
        self.lagging = False
        self.sent_at = float("-inf")
        self._backlog = backlog
        self._queued_bytes = 0
        self._wire = wire
        self._marks = marks
        self._owner = owner
        self._blocked = False
        self._closed = False
        # Numbered, so that a merged head can leave the middle; an empty dict is also smaller than a deque.
        self._queue: dict[int, _Waiting] = {}
        self._number = 0
        self._heads: dict[str, int] = {}  # room -> number of its queued head
        self._ephemerals = 0
        self._moved: dict[str, tuple[int, int]] = {}  # room -> head, for what lagging left out
        self._acked: dict[str, tuple[int, int]] | None = (
            None  # room -> number of the last ack since it blocked
        )
        self._seen_bytes = _UNSEEN
        self._last_progress = 0.0

    @property
    def queued_bytes(self) -> int:
        """Bytes waiting here, not in the transport."""
        return self._queued_bytes if self._backlog is None else self._backlog.queued_bytes

    @property
    def pending(self) -> bool:
        """Whether output waits for the peer to take it."""
        return not self.flowing and self._backlog is None

    def start(self, reply: bytes, now: float) -> None:
        """Send the reply to hello, behind it what the backlog kept, and from then on everything at once."""
        backlog = self._backlog
        self.drop_backlog()
        self.send(reply, now)
        if backlog is not None:
            backlog.replay(self, now)

    def drop_backlog(self) -> None:
        """Forget what was kept before `start`: what is sent from here on goes out. No-op behind it."""
        if self._backlog is not None:
            self._backlog = None
            self._settle()

    def forget_up_to(self, stamp: int) -> None:
        """Drop of the backlog what the reply to hello, which shows commit `stamp`, says better."""
        if self._backlog is not None:
            self._backlog.forget_up_to(stamp)

    def send(self, frame: bytes, now: float) -> None:
        """Send a frame that must not be lost: reply, room, gone, position, ping, bye."""
        self.sent_at = now
        if self.flowing:
            self._wire.write(frame)
        elif self._backlog is not None:
            self._backlog.send(frame)
        else:
            self._append(_Waiting(_Kind.KEPT, frame))

    def acked(self, room: str, seq: int, ordinal: int) -> None:
        """An acknowledgement that was just sent named this number: no later head may say less."""
        if self.flowing or self._closed:
            return
        self._acked = self._acked or {}
        self._acked[room] = (seq, ordinal)
        if room in self._moved:
            self._remember(room, seq, ordinal)

    def send_event(self, frame: bytes, room: str, seq: int, ordinal: int, now: float) -> None:
        """Send an `event` push that may become a head; (seq, ordinal) is the room's head after this frame."""
        self.sent_at = now
        if self.flowing:
            self._wire.write(frame)
        elif self._backlog is not None:
            self._backlog.send_event(frame, room, seq, ordinal)
        elif self.lagging:
            self._remember(room, seq, ordinal)
        else:
            self._append(_Waiting(_Kind.EVENT, frame, room, seq, ordinal))

    def send_head(self, room: str, seq: int, ordinal: int, now: float) -> None:
        """Say where a room is; replaces a head of the room that still waits."""
        self.sent_at = now
        if self._backlog is not None:
            self._backlog.send_head(room, seq, ordinal)
            return
        if not self.flowing and self.lagging:
            self._remember(room, seq, ordinal)
            return
        frame = self._owner.head_frame({room: (seq, ordinal)})
        if self.flowing:
            self._wire.write(frame)
        else:
            self._replace_head(_Waiting(_Kind.HEAD, frame, room, seq, ordinal))

    def send_ephemeral(self, frame: bytes) -> None:
        """Send typing, presence or receipts, or drop them when anything much waits."""
        if self.flowing:
            self._wire.write(frame)
        elif self._backlog is not None:
            pass  # whoever just arrives asks for states when he wants them
        elif not self.lagging and self._waiting_bytes() + len(frame) <= self._marks.ephemeral_bytes:
            self._ephemerals += 1
            self._append(_Waiting(_Kind.EPHEMERAL, frame))

    def leave(self, room: str) -> None:
        """Say nothing of `room` behind what waits now: what was left out of it is not made up for by a head."""
        if self._backlog is not None:
            self._backlog.leave(room)
            return
        self._moved.pop(room, None)
        self._heads.pop(room, None)
        for number, waiting in self._queue.items():
            if waiting.room == room:
                self._queue[number] = _Waiting(_Kind.KEPT, waiting.frame)

    def cork(self) -> None:
        """Let frames wait for each other, those that do not queue here; `uncork` must follow."""
        self._wire.cork()

    def uncork(self) -> None:
        """Write what waited, at once."""
        self._wire.uncork()

    def blocked(self) -> None:
        """The transport is above its high-water mark: queue from now on."""
        self._blocked = True
        self.flowing = False
        self._seen_bytes = _UNSEEN

    def resumed(self) -> None:
        """The transport is below its low-water mark: hand over what waits until it blocks again."""
        self._blocked = False
        while self._queue and not self._blocked:
            self._wire.write(self._taken(_WRITE_BYTES))
        while self._moved and not self._queue and not self._blocked:
            self._wire.write(self._owner.head_frame(self._taken_heads()))
        self._settle()

    def flush(self) -> None:
        """Hand over everything queued whatever the marks, for the moment before `wire.close`."""
        while self._queue:
            self._wire.write(self._taken(_WRITE_BYTES))
        self._settle()

    def close(self) -> None:
        """Drop everything, now and from now on."""
        self._closed = True
        self.flowing = False
        self._backlog = None
        self._queued_bytes = 0
        self._ephemerals = 0
        self._queue.clear()
        self._heads.clear()
        self._moved.clear()
        self._acked = None

    def stalled(self, now: float) -> bool:
        """Whether the socket accepted nothing for `stall_s`; ask now and then, `now` is monotonic seconds."""
        waiting = self._wire.buffered_bytes()
        if not waiting or self._progressed(waiting):
            self._seen_bytes = waiting
            self._last_progress = now
        return now - self._last_progress >= self._marks.stall_s

    def _progressed(self, waiting: int) -> bool:
        # While blocked nothing is added but pongs, so less is the only sign of progress. Otherwise any change
        # may be one: growth without progress ends at the mark, and then the strict rule holds.
        return waiting < self._seen_bytes if self._blocked else waiting != self._seen_bytes

    def _waiting_bytes(self) -> int:
        return self._queued_bytes + self._wire.buffered_bytes()

    def _append(self, waiting: _Waiting) -> None:
        if self._closed:
            return
        self._number += 1
        self._queue[self._number] = waiting
        self._queued_bytes += len(waiting.frame)
        self._judge()

    def _replace_head(self, waiting: _Waiting) -> None:
        if self._closed:
            return
        # The newer head goes to the end: at the old place it would overtake events queued in between.
        old = self._heads.pop(waiting.room, None)
        if old is not None:
            self._drop(old)
        self._heads[waiting.room] = self._number + 1
        self._append(waiting)

    def _judge(self) -> None:
        if self._waiting_bytes() > self._marks.ephemeral_bytes and self._ephemerals:
            self._drop_ephemerals()
        if self._waiting_bytes() > self._marks.lag_bytes and not self.lagging:
            self._lag()
        if self._waiting_bytes() > self._marks.close_bytes:
            self.close()
            self._owner.overflowed()

    def _drop_ephemerals(self) -> None:
        for number in [n for n, waiting in self._queue.items() if waiting.kind is _Kind.EPHEMERAL]:
            self._drop(number)
        self._ephemerals = 0

    def _lag(self) -> None:
        self.lagging = True
        for number, waiting in list(self._queue.items()):
            if waiting.kind is _Kind.EVENT or waiting.kind is _Kind.HEAD:
                self._remember(waiting.room, waiting.seq, waiting.ordinal)
                self._drop(number)
        self._heads.clear()
        self._owner.lagged()

    def _drop(self, number: int) -> None:
        self._queued_bytes -= len(self._queue.pop(number).frame)

    def _remember(self, room: str, seq: int, ordinal: int) -> None:
        if self._closed:
            return
        acked = (self._acked or {}).get(room, (0, 0))
        self._moved[room] = max((seq, ordinal), acked, self._moved.get(room, (0, 0)))

    def _taken(self, bytes_max: int) -> bytes:
        """The oldest frames up to about `bytes_max`, removed from the queue, as one write."""
        frames: list[bytes] = []
        numbers: list[int] = []
        size = 0
        for number, waiting in self._queue.items():
            frames.append(waiting.frame)
            numbers.append(number)
            size += len(waiting.frame)
            self._forget(waiting)
            if size >= bytes_max:
                break
        for number in numbers:
            self._drop(number)
        return frames[0] if len(frames) == 1 else b"".join(frames)

    def _forget(self, waiting: _Waiting) -> None:
        if waiting.kind is _Kind.HEAD:
            self._heads.pop(waiting.room, None)
        elif waiting.kind is _Kind.EPHEMERAL:
            self._ephemerals -= 1

    def _taken_heads(self) -> dict[str, tuple[int, int]]:
        heads = dict(islice(self._moved.items(), HEADS_PER_FRAME))
        for room in heads:
            del self._moved[room]
        return heads

    def _settle(self) -> None:
        if not self._queue and not self._moved:
            self._acked = None
            self.flowing = not self._blocked and not self._closed and self._backlog is None
            if self.lagging:
                self.lagging = False
                self._owner.caught_up()
