"""The log of one room as this client knows it: what was applied, what is missing, what is cached; pure.

This is the state machine of protocol.md, "Positions, gaps and repair", under these names: `new` is the opposite of
`started`, `early` is `buffer`, and `page` and `cover` are `take_page` and `_validate`.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from .changes import Change, EventAdded, MessageAdded, MessageChanged, TimelineReset
from .intervals import Interval, Intervals
from .messages import OPERATIONS, Message, changed_by, concerns, emptied, message_from
from .packets import ChangesReply, Event, HistoryReply, LogReply

BUFFER_MAX = 64
"""Early events kept (protocol.md, "Positions, gaps and repair"); a longer hole is repaired from the log anyway."""

JUMP_DISTANCE = 500
"""Events behind the head above which the newest page is fetched instead of everything between (protocol.md,
"Positions, gaps and repair")."""

START_DISTANCE = 50
"""Events above which a room that was never opened begins at its end, not at its beginning."""

RECENT_MAX = 256
"""Applied operations remembered: seconds of a busy room, longer than a page is ever late."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """Ask `log` for the numbers `first` to `last`."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Jump:
    """Ask `history` for the newest page."""


@dataclass(frozen=True, slots=True)
class Page:
    """Messages of one stretch, ascending. `low` to `high` is what the page covers; `end`: nothing older is visible."""

    messages: tuple[Message, ...]
    low: int
    high: int
    seq: int
    end: bool = False


class Own(Protocol):
    """The owner of the account (replica.py)."""

    @property
    def user(self) -> str:
        """The id of the user, whose reactions are `mine`."""
        ...


class Timeline:
    """The log of one room. Methods that take a packet of the server return what it changed."""

    __slots__ = (
        "announced",
        "applied",
        "buffer",
        "cached",
        "first_visible",
        "head",
        "log_floor",
        "messages",
        "notes",
        "ordinal",
        "owner",
        "recent",
        "room",
        "started",
    )

    def __init__(self, room: str, owner: Own) -> None:
        self.room = room
        self.owner = owner
        self.first_visible = 1
        self.log_floor = 1
        self.applied = 0
        self.recent = Recent(0)
        self.reset()

    def reset(self) -> None:
        """Forget everything but the bounds, as a new epoch demands (protocol.md, "What the server guarantees")."""
        self.started = False
        self.buffer: dict[int, Event] = {}
        self._move_to(self.first_visible - 1)
        self.head = 0
        self.announced = 0
        self.ordinal = 0
        self.cached = Intervals()
        self.messages: dict[int, Message] = {}
        self.notes: dict[int, Event] = {}

    @property
    def behind(self) -> bool:
        """Whether the log goes on beyond `applied`."""
        return self.head > self.applied

    @property
    def known_hole(self) -> bool:
        """Whether the server announced events that it did not send: nothing will close that hole by itself."""
        return self.announced > self.applied

    def resume(self, applied: int) -> None:
        """Continue at a position stored by an earlier run; nothing is cached."""
        self.started = True
        self._move_to(applied)

    def heard(self, seq: int, ordinal: int = 0) -> None:
        """Note that the room is at `seq` at least, as a summary, a `head` or a reply says."""
        self.announced = max(self.announced, seq)
        self.head = max(self.head, seq)
        self.ordinal = max(self.ordinal, ordinal)

    def bounds(self, first_visible: int, log_floor: int) -> None:
        """Take the bounds of what the server can still show: messages from `first_visible`, operations from
        `log_floor` on."""
        # The user left and came back: older messages are no longer visible.
        if first_visible > self.first_visible:
            self._forget_below(first_visible)
        self.first_visible = first_visible
        self.log_floor = log_floor
        if not self.started or self.applied < first_visible - 1:
            self._move_to(first_visible - 1)

    # Events, pushed or replayed.

    def feed(self, events: Iterable[Event]) -> list[Change]:
        """Take events in any order and number."""
        out: list[Change] = []
        # Early events may follow on now, when the bounds moved.
        self._drain(out)
        for event in events:
            self._take(event, out)
        return out

    def _take(self, event: Event, out: list[Change]) -> None:
        seq = event["seq"]
        self.head = max(self.head, seq)
        self.ordinal = max(self.ordinal, event.get("ordinal", 0))
        if seq <= self.applied:
            return
        if not self.started:
            self.started = True
            if seq - 1 - self.applied > START_DISTANCE:
                self._move_to(seq - 1)
        if seq > self.applied + 1:
            self._hold(seq, event)
            return
        self._apply(event, out)
        self._drain(out)

    def _hold(self, seq: int, event: Event) -> None:
        self.buffer[seq] = event
        if len(self.buffer) > BUFFER_MAX:
            self.buffer.clear()

    def _drain(self, out: list[Change]) -> None:
        while self.buffer:
            event = self.buffer.pop(self.applied + 1, None)
            if event is None:
                break
            self._apply(event, out)

    def _apply(self, event: Event, out: list[Change]) -> None:
        seq, kind = event["seq"], event.get("kind")
        if kind == "message":
            _, message = self._keep(event)
            out.append(MessageAdded(self.room, message))
        elif kind in OPERATIONS:
            if kind == "erased" and event.get("from", 0) < seq:
                out.append(EventAdded(self.room, event))
            self._operate(event, out)
            self.recent.add(event)
        else:
            self.notes[seq] = event
            out.append(EventAdded(self.room, event))
        self.cached.advance(self.applied, seq)
        self.applied = seq

    def _operate(self, event: Event, out: list[Change]) -> None:
        for target in self._targets(event):
            part = self.cached.holding(target.seq)
            if part and part.valid >= self.applied:
                self._put(changed_by(target, event, self.owner.user), out)
            elif part and event["kind"] in ("recall", "erased") and not target.recalled:
                self._put(emptied(target), out)

    def _targets(self, operation: Event) -> list[Message]:
        """Return the messages that are kept and that an operation acts on."""
        if operation["kind"] == "erased":
            return [message for message in self.messages.values() if concerns(operation, message)]
        target = self.messages.get(operation.get("target", 0))
        return [] if target is None else [target]

    # Replies.

    def plan(self) -> Fetch | Jump | None:
        """Return the next request needed to catch up with `head`; None when there is nothing to repair."""
        if not self.behind:
            return None
        distance_max = JUMP_DISTANCE if self.started else START_DISTANCE
        if self.head - self.applied > distance_max or self.applied < self.log_floor - 1:
            return Jump()
        return Fetch(self.applied + 1, self.head)

    def take_log(self, reply: LogReply) -> tuple[bool, list[Change]]:
        """Take a `log` reply. False: the log does not reach back so far, or did not help; the newest page is needed."""
        before = self.applied
        self.heard(reply.get("seq", 0))
        if reply.get("reset"):
            first_visible, floor = reply.get("first_visible", 1), reply.get("log_floor", 1)
            self.bounds(max(self.first_visible, first_visible), max(self.log_floor, floor))
            return False, []
        changes = self.feed(reply.get("events", ()))
        return self.applied > before or not self.behind, changes

    def take_newest(self, reply: HistoryReply) -> list[Change]:
        """Take the newest page as the new end (`jump` in protocol.md, "Positions, gaps and repair"); messages pushed
        meanwhile are reported as added."""
        seq = reply["seq"]
        self.heard(seq)
        # It caught up by other means meanwhile.
        if self.started and seq <= self.applied:
            return self.take_page(reply)
        out: list[Change] = [TimelineReset(self.room)]
        live = {number for number in self.buffer if number <= seq}
        self.started = True
        self._move_to(seq)
        self._merge(reply.get("events", ()), Jumped(live, out))
        self.cached.add(self._low(reply), seq, seq)
        self._drain(out)
        return out

    def take_page(self, reply: HistoryReply) -> list[Change]:
        """Take a page of history: it caches exactly `low` to `high`, right up to its `seq` (protocol.md, "history")."""
        out: list[Change] = []
        self.heard(reply["seq"])
        self._merge(reply.get("events", ()), Paged(out))
        self._validate(self._low(reply), reply.get("high", 0), reply["seq"], out)
        return out

    def take_changes(self, reply: ChangesReply, asked: Interval) -> list[Change]:
        """Take the `changes` since `asked.valid` between its bounds; below its `next` they are complete
        (protocol.md, "changes").

        Only what is still cached, and was right up to that point, is right up to the reply's `seq` now.
        """
        out: list[Change] = []
        self.heard(reply["seq"])
        self._merge(self._cached_among(reply.get("events", ())), Paged(out))
        high = min(asked.high, reply.get("next", asked.high + 1) - 1)
        for part in self.cached.within(asked.low, high):
            if part.valid >= asked.valid:
                self._validate(part.low, part.high, reply["seq"], out)
        return out

    def take_messages(self, events: Iterable[Event]) -> list[Change]:
        """Take single messages: those inside a cached stretch are brought up to date, others are not kept."""
        out: list[Change] = []
        self._merge(self._cached_among(events), Paged(out))
        return out

    def _cached_among(self, events: Iterable[Event]) -> list[Event]:
        return [event for event in events if self.cached.holding(event["seq"])]

    def _validate(self, low: int, high: int, valid: int, out: list[Change]) -> None:
        """Cache these numbers as they were at `valid`; bring them on to `applied` if possible."""
        if self.recent.since <= valid < self.applied:
            self._catch_up(low, high, valid, out)
            valid = self.applied
        self.cached.add(low, high, valid)

    def _catch_up(self, low: int, high: int, valid: int, out: list[Change]) -> None:
        for operation in self.recent.after(valid):
            for target in self._targets(operation):
                if low <= target.seq <= high:
                    self._put(changed_by(target, operation, self.owner.user), out)

    def _merge(self, events: Iterable[Event], tell: "Telling") -> None:
        for event in events:
            if event.get("kind") == "message":
                tell(*self._keep(event))
            else:
                self.notes[event["seq"]] = event

    def _keep(self, event: Event) -> tuple[Message | None, Message]:
        """Keep the later of two states of a message; return what was held and what is held now."""
        old, new = self.messages.get(event["seq"]), message_from(self.room, event)
        if old is not None and old.changed > new.changed:
            return old, old
        if old is not None and old.recalled and not new.recalled:
            # The recall overtook this event; a recalled text never comes back.
            new = emptied(new)
        self.messages[new.seq] = new
        return old, new

    def _low(self, reply: HistoryReply) -> int:
        low = reply.get("low", 1)
        return min(low, self.first_visible) if reply.get("end") else low

    def _put(self, message: Message, out: list[Change]) -> None:
        if self.messages.get(message.seq) is not message:
            self.messages[message.seq] = message
            out.append(MessageChanged(self.room, message))

    def _move_to(self, applied: int) -> None:
        self.applied = applied
        self.recent = Recent(applied)
        self.buffer = {seq: event for seq, event in self.buffer.items() if seq > applied}

    # The cache.

    def between(self, low: int, high: int) -> tuple[Message, ...]:
        """Return the cached messages from `low` to `high`, ascending."""
        return tuple(self.messages[seq] for seq in sorted(self.messages) if low <= seq <= high)

    def page_before(self, before: int, limit: int) -> Page | None:
        """Return the `limit` messages below `before`, if the cache holds them without a hole and up to date."""
        low = self.cached.covered_down_from(before - 1)
        if low >= before or self.cached.stale(low, before - 1, self.applied):
            return None
        end = low <= self.first_visible
        messages = self.between(low, before - 1)
        if len(messages) > limit:
            messages, end = messages[-limit:], False
            low = messages[0].seq
        elif len(messages) < limit and not end:
            return None
        return Page(messages, low, before - 1, self.applied, end)

    def trim(self, kept: int) -> None:
        """Keep the newest `kept` messages and other events."""
        if len(self.messages) + len(self.notes) <= kept:
            return
        seqs = sorted([*self.messages, *self.notes])
        self._forget_below(seqs[-kept] if kept else self.applied + 1)

    def _forget_below(self, floor: int) -> None:
        self.cached.forget_below(floor)
        for numbered in (self.messages, self.notes):
            for seq in [seq for seq in numbered if seq < floor]:
                del numbered[seq]


class Recent:
    """The last operations applied; complete for every number above `since`."""

    __slots__ = ("_operations", "since")

    def __init__(self, since: int) -> None:
        self.since = since
        self._operations: deque[Event] = deque()

    def add(self, operation: Event) -> None:
        """Remember one more; the oldest may be dropped."""
        self._operations.append(operation)
        if len(self._operations) > RECENT_MAX:
            self.since = self._operations.popleft()["seq"]

    def after(self, seq: int) -> list[Event]:
        """Return the operations above `seq`, ascending."""
        return [operation for operation in self._operations if operation["seq"] > seq]


Telling = Callable[[Message | None, Message], None]


class Paged:
    """A report of the messages that a page corrected; new ones are the answer to a request and need no report."""

    def __init__(self, out: list[Change]) -> None:
        self._out = out

    def __call__(self, old: Message | None, new: Message) -> None:
        if old is not None and old != new:
            self._out.append(MessageChanged(new.room, new))


class Jumped:
    """A report of the messages that had been pushed before the jump took them over."""

    def __init__(self, live: set[int], out: list[Change]) -> None:
        self._live = live
        self._out = out

    def __call__(self, old: Message | None, new: Message) -> None:
        if new.seq in self._live:
            self._out.append(MessageAdded(new.room, new))
