"""The mutations of this client until the server has acknowledged them; pure, time comes in as an argument.

Each entry is one mutation, with the key that makes it idempotent for ever (protocol.md, "The outbox of a client"):

    QUEUED -> INFLIGHT -> done (leaves the outbox)
       ^         |
       |         +-> FAILED (stays, until resent with the same key or discarded)
       +---------+   a drop, or a refusal for now

Order: each room is a lane. A lane has at most one unanswered frame; a frame holds either several sends in order
(the server aborts the rest when one fails for now) or one other operation (it has no such rule for those).

After `rate_limited` the lane waits as long as its refusal says, and if the limit is not one of the room, lanes that
were not refused wait until those that were have had their time. A lane that was slowed down sends one packet a frame
until it is empty.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import NotRequired, TypedDict

from .codec import BATCH_MAX
from .errors import ChatError, TooLarge
from .packets import ErrorReply, Packet

ID_BYTES = 12
"""Room for the request id in either encoding."""

PAUSE_CAP_S = 60.0
"""Longest pause after refusals that name none."""


class State(Enum):
    """The states of an entry."""

    QUEUED = "queued"
    INFLIGHT = "inflight"
    FAILED = "failed"


class EntryRecord(TypedDict):
    """The part of an entry that survives a restart; `error` is the refusal it failed by."""

    packet: Packet
    order: int
    failed: bool
    error: NotRequired[ErrorReply]


@dataclass(slots=True, eq=False)
class Entry:
    """One mutation in the outbox. `packet` is the request without `id`; `size` its bytes on the wire."""

    key: str
    room: str
    packet: Packet
    order: int
    size: int
    state: State = State.QUEUED
    error: ChatError | None = None
    """The last refusal."""
    until: int = 0
    """Unix milliseconds: that refusal holds until then; 0 where it named no time."""

    @property
    def is_send(self) -> bool:
        """Whether the entry may share a frame with its neighbours."""
        return bool(self.packet["type"] == "send")

    def record(self) -> EntryRecord:
        """Return the part that survives a restart."""
        failed = self.state is State.FAILED
        record: EntryRecord = {"packet": self.packet, "order": self.order, "failed": failed}
        if self.error is not None:
            record["error"] = {"code": self.error.name, "retry": "never"}
            if self.error.reason is not None:
                record["error"]["reason"] = self.error.reason
        return record


class Pace:
    """The time of the next frame, and whether it may hold more than one packet."""

    __slots__ = ("_refusals", "open_at", "slow")

    def __init__(self) -> None:
        self.open_at = 0.0
        self.slow = False
        self._refusals = 0

    def answered(self) -> None:
        """Note that a request was accepted."""
        self._refusals = 0

    def refused(self, error: ChatError, now: float, later_s: float) -> None:
        """Note a refusal for now; without `retry_after` the pause doubles from `later_s`."""
        if error.retry_after is not None:
            pause = error.retry_after / 1000
        else:
            pause = min(PAUSE_CAP_S, later_s * 2.0 ** min(self._refusals, 16))
            self._refusals += 1
        self.open_at = max(self.open_at, now + pause)
        self.slow = self.slow or error.name == "rate_limited"

    def rested(self) -> None:
        """Return to full speed, as nothing waits any more, but keep the pause that the server asked for."""
        self.slow = False


@dataclass(slots=True)
class Lane:
    """The entries of one room that are QUEUED or INFLIGHT, in order."""

    entries: deque[Entry] = field(default_factory=deque)
    unanswered: set[str] = field(default_factory=set)
    pace: Pace = field(default_factory=Pace)
    was_told: bool = False
    """Whether its first entry was refused over a limit of all lanes and has a time of its own."""

    def open_at(self, everybody: Pace) -> float:
        """The time when its next frame may go."""
        return self.pace.open_at if self.was_told else max(self.pace.open_at, everybody.open_at)


@dataclass(frozen=True, slots=True)
class Window:
    """The bounds of what may be taken now: bytes of a frame, packets of a frame, unanswered requests at which to
    stop."""

    frame_bytes: int
    batch: int = BATCH_MAX
    in_flight: int = 32


class Outbox:
    """The entries of one account."""

    def __init__(self, later_s: float = 1.0) -> None:
        self._entries: dict[str, Entry] = {}
        self._lanes: dict[str, Lane] = {}
        self._pace = Pace()
        self._later_s = later_s
        self._unanswered = 0
        self._order = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def get(self, key: str) -> Entry | None:
        """Return the entry with this key."""
        return self._entries.get(key)

    def entry(self, packet: Packet, size: int) -> Entry:
        """Return a new entry for a request with `room` and `key`; `add` it once it is stored."""
        self._order += 1
        return Entry(packet["key"], packet["room"], packet, self._order, size + ID_BYTES)

    def restored(self, record: EntryRecord, size: int) -> Entry:
        """Return the entry of a record; one that was in flight is queued again."""
        packet = record["packet"]
        entry = Entry(packet["key"], packet["room"], packet, record["order"], size + ID_BYTES)
        self._order = max(self._order, entry.order)
        if record.get("failed"):
            entry.state = State.FAILED
            entry.error = ChatError(record.get("error"))
        return entry

    def add(self, entry: Entry) -> None:
        """Add a stored entry at its place; of two with one key only the first."""
        if entry.key in self._entries:
            return
        self._entries[entry.key] = entry
        if entry.state is State.QUEUED:
            self._lane(entry.room).entries.append(entry)

    # Taking.

    def take(self, now: float, window: Window) -> list[list[Entry]]:
        """Return the entries to send now: one list per frame, each of one room; they are INFLIGHT from here on."""
        frames: list[list[Entry]] = []
        for lane in tuple(self._lanes.values()):
            if self._unanswered >= window.in_flight:
                break
            if lane.unanswered or now < lane.open_at(self._pace):
                continue
            frame = self._frame(lane, window)
            if frame:
                self._send(frame, lane)
                frames.append(frame)
        return frames

    def next_at(self, now: float) -> float | None:
        """Return the time when `take` is worth another call, if nothing but time has to pass."""
        waiting = [lane.open_at(self._pace) for lane in self._lanes.values() if not lane.unanswered]
        at = min(waiting, default=now)
        return at if at > now else None

    # Answers.

    def done(self, key: str) -> Entry | None:
        """Remove an entry that the server has: by an acknowledgement, or because its event was seen. None if it is
        not here."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._pace.answered()
            self._lane(entry.room).pace.answered()
            self._leave(entry)
        return entry

    def refused(self, entry: Entry, error: ChatError, now: float) -> State:
        """Take a refusal: FAILED for good, or QUEUED again at its old place."""
        if entry.key not in self._entries:
            return entry.state
        self._answered(entry)
        if error.retry == "never":
            self._fail(entry, error)
            return entry.state
        entry.state, entry.error = State.QUEUED, error
        if error.name != "aborted":
            lane = self._lane(entry.room)
            lane.pace.refused(error, now, self._later_s)
            # A mute names the user, and yet lets them recall: it holds no other room up.
            if error.name != "muted" and error.scope in ("user", "connection", "address"):
                self._pace.refused(error, now, self._later_s)
                lane.was_told = True
        return entry.state

    def unknown(self, entry: Entry) -> None:
        """Queue an entry again, with the same key: it got no answer, or the connection was lost."""
        if entry.key in self._entries and entry.state is State.INFLIGHT:
            self._answered(entry)
            entry.state = State.QUEUED

    def too_large(self, limit: int) -> list[Entry]:
        """Return the queued entries that fit no frame of `limit` bytes."""
        return [entry for entry in self if entry.state is State.QUEUED and entry.size > limit]

    def reject(self, entry: Entry, error: ChatError) -> None:
        """Refuse an entry on the side of the client."""
        self._fail(entry, error)

    # Requests of the app.

    def resend(self, key: str) -> Entry | None:
        """Queue a FAILED entry again, with its old key, behind what waits."""
        entry = self._entries.get(key)
        if entry is None or entry.state is not State.FAILED:
            return None
        entry.state, entry.error, entry.until = State.QUEUED, None, 0
        self._lane(entry.room).entries.append(entry)
        return entry

    def discard(self, key: str) -> Entry | None:
        """Remove an entry that is not in flight."""
        entry = self._entries.get(key)
        if entry is None or entry.state is State.INFLIGHT:
            return None
        del self._entries[key]
        self._leave(entry)
        return entry

    # Lanes.

    def _frame(self, lane: Lane, window: Window) -> list[Entry]:
        """Return the entries of the next frame of the lane; empty if not even the first one fits."""
        count = 1 if lane.pace.slow or self._pace.slow else window.batch
        # The head of a batch.
        free = window.frame_bytes - 3
        frame: list[Entry] = []
        for entry in lane.entries:
            # The comma between two JSON packets.
            free -= entry.size + 1
            if free < 0 or len(frame) == count or (frame and not entry.is_send):
                break
            frame.append(entry)
            if not entry.is_send:
                break
        return frame

    def _send(self, frame: list[Entry], lane: Lane) -> None:
        room = frame[0].room
        # Moved to the end, so that no room starves another.
        self._lanes[room] = self._lanes.pop(room)
        for entry in frame:
            entry.state = State.INFLIGHT
            lane.unanswered.add(entry.key)
        self._unanswered += len(frame)
        lane.was_told = False

    def _answered(self, entry: Entry) -> None:
        lane = self._lanes.get(entry.room)
        if lane and entry.key in lane.unanswered:
            lane.unanswered.remove(entry.key)
            self._unanswered -= 1

    def _fail(self, entry: Entry, error: ChatError) -> None:
        entry.state, entry.error = State.FAILED, error
        self._leave(entry)

    def _leave(self, entry: Entry) -> None:
        lane = self._lanes.get(entry.room)
        if lane is None:
            return
        self._answered(entry)
        if entry in lane.entries:
            lane.entries.remove(entry)
        if not lane.entries:
            del self._lanes[entry.room]
        if not self._lanes:
            self._pace.rested()

    def _lane(self, room: str) -> Lane:
        return self._lanes.setdefault(room, Lane())


def too_large_error(size: int, limit: int) -> TooLarge:
    """Return the refusal of a mutation that fits no frame."""
    return TooLarge(
        {"code": "too_large", "retry": "never", "field": "body", "message": f"{size} bytes, at most {limit}"}
    )
