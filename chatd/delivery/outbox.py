"""The bounded, ordered outbox of one connection; three steps for slow readers (protocol.md "Slow connections").

**The problem.** A phone in a tunnel takes no bytes, and its rooms go on. To wait for it would delay everybody in them;
to keep everything would cost memory without bound; to drop frames would leave holes in its rooms; to close at once
would cost a reconnect for each short loss of network.

**The invariants.** Sending never waits. The bytes of a connection are bounded by `close_bytes` and one frame. Frames
leave in the order in which they were sent, or not at all. A frame is only dropped when the client can do without it, or
learns later that something is missing. The numbers of a room that a client sees never go down.

**The three steps.** While the transport takes bytes, a frame is written at once and nothing is counted (`flowing`).
When it blocks, frames queue here, and the queue plus the buffer of the transport is compared with three marks:

1. above `ephemeral_bytes` typing, presence and receipts are dropped: a later state replaces them anyway;
2. above `lag_bytes` events are dropped from the queue, and the outbox is `lagging`: it only remembers the newest number
   of each room. When the queue is empty it sends these as `head` pushes, at most one per room however long it took, and
   the client reads what it misses from the log. Numbers without holes are what makes that possible. Meanwhile its
   owner reads no requests and prepares no replies, or the peer could fill the queue by asking;
3. above `close_bytes` everything is dropped and the connection ends. Only replies and pushes that must not be lost get
   there. The client comes back with its cursor.

A peer that accepts nothing at all for `stall_s` reaches no mark when its rooms are silent; `stalled` finds it.

**What makes heads correct.** A newer head replaces a queued one of its room and goes to the end, because at the old
place it would overtake events between them. An acknowledgement that is queued has named a number, so `acked` keeps it:
a head behind it must not say less. When the user leaves a room, its queued frames are kept, since they are from before,
and its remembered head is dropped: behind `gone` nothing may name the room.

**Before the reply to hello** a connection is subscribed already, so that nothing falls between snapshot and live pushes
(commands/hello.py). But a client must not get an event of a room that the reply has not named. So frames wait in a
`Backlog`, with the same second mark, and follow the reply. When the page of the reply is read after subscribing,
frames that describe a room as of a commit that it shows are dropped (`forget_up_to`): they would put an older state in
place of a newer one. Events stay, since the reply only counts them; one that comes twice is recognised by its number.
Ephemerals do not wait.

**Why no session to resume?** A buffer that survives its connection would have to be bounded, too, and what falls out of
it would need the log. The log and one cursor do it alone.
"""

from collections.abc import Mapping
from enum import IntEnum
from itertools import islice
from typing import NamedTuple, Protocol

from chatd.config import model
from chatd.delivery.backlog import Backlog
from chatd.websocket.wire import Wire

# A head entry takes up to 70 bytes as JSON: 70 KiB, well below server_frame_bytes.
HEADS_PER_FRAME = 1000
# Joined into one write while the queue drains: one system call, and no long copy.
_WRITE_BYTES = 65536
# More than any buffer holds: the next look at the transport counts as progress.
_UNSEEN = 1 << 62


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
    """The session that the outbox belongs to."""

    def head_frame(self, heads: Mapping[str, tuple[int, int]]) -> bytes:
        """Return the push that says where these rooms are. `heads`: (seq, ordinal) by room."""

    def lagged(self) -> None:
        """Called when the second mark was passed: from now on events become heads."""

    def caught_up(self) -> None:
        """Called when nothing waits any more, after `lagged`."""

    def overflowed(self) -> None:
        """Called once, when the third mark was passed and everything was dropped."""


class Outbox:
    """The queue of one connection; `owner` is called at each step.

    `backlog`: frames sent before `start` wait there. `flowing`: nothing waits and the transport is below its mark,
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
        # By room, (seq, ordinal): its head, where events were dropped; and its last acknowledgement since it blocked.
        self._moved: dict[str, tuple[int, int]] = {}
        self._acked: dict[str, tuple[int, int]] | None = None
        self._seen_bytes = _UNSEEN
        self._last_progress = 0.0

    @property
    def queued_bytes(self) -> int:
        """The bytes that wait here, not in the transport."""
        return self._queued_bytes if self._backlog is None else self._backlog.queued_bytes

    @property
    def pending(self) -> bool:
        """Whether output waits for the peer to take it."""
        return not self.flowing and self._backlog is None

    def start(self, reply: bytes, now: float) -> None:
        """Send the reply to hello, then the frames of the backlog, and from then on everything at once."""
        backlog = self._backlog
        self.drop_backlog()
        self.send(reply, now)
        if backlog is not None:
            backlog.replay(self, now)

    def drop_backlog(self) -> None:
        """Forget the frames kept before `start`; later ones go out. Does nothing after `start`."""
        if self._backlog is not None:
            self._backlog = None
            self._update_flowing()

    def forget_up_to(self, stamp: int) -> None:
        """Drop frames of the backlog that are older than the reply to hello, which shows commit `stamp`."""
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
        """Note that an acknowledgement that was just sent named this number: no later head may say less."""
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
            pass  # a client asks for states after hello
        elif not self.lagging and self._waiting_bytes() + len(frame) <= self._marks.ephemeral_bytes:
            self._ephemerals += 1
            self._append(_Waiting(_Kind.EPHEMERAL, frame))

    def leave(self, room: str) -> None:
        """Send nothing more about `room` after the frames queued so far, nor a head for dropped events."""
        if self._backlog is not None:
            self._backlog.leave(room)
            return
        self._moved.pop(room, None)
        self._heads.pop(room, None)
        for number, waiting in self._queue.items():
            if waiting.room == room:
                self._queue[number] = _Waiting(_Kind.KEPT, waiting.frame)

    def cork(self) -> None:
        """Hold back frames that are written directly, to join them; `uncork` must follow."""
        self._wire.cork()

    def uncork(self) -> None:
        """Write the frames held back since `cork` as one."""
        self._wire.uncork()

    def blocked(self) -> None:
        """Queue from now on: the transport is above its high-water mark."""
        self._blocked = True
        self.flowing = False
        self._seen_bytes = _UNSEEN

    def resumed(self) -> None:
        """Write queued frames until the transport, which is below its low-water mark, blocks again."""
        self._blocked = False
        while self._queue and not self._blocked:
            self._wire.write(self._taken(_WRITE_BYTES))
        while self._moved and not self._queue and not self._blocked:
            self._wire.write(self._owner.head_frame(self._taken_heads()))
        self._update_flowing()

    def flush(self) -> None:
        """Write everything queued whatever the marks; called just before `wire.close`."""
        while self._queue:
            self._wire.write(self._taken(_WRITE_BYTES))
        self._update_flowing()

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
        """Whether the socket accepted nothing for `stall_s`. Call it regularly; `now`: monotonic seconds."""
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
        """Remove the oldest frames from the queue, up to about `bytes_max`, and return them joined."""
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

    def _update_flowing(self) -> None:
        if not self._queue and not self._moved:
            self._acked = None
            self.flowing = not self._blocked and not self._closed and self._backlog is None
            if self.lagging:
                self.lagging = False
                self._owner.caught_up()
