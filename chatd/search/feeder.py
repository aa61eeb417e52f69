"""The filling of an index, a little at a time: what is new, what changed, what is gone.

It is told which rooms have moved, and finds out by itself what it was not told: when it begins it walks all rooms once.
"""

from collections import deque
from collections.abc import Callable, Iterable

from msgspec import UNSET

from chatd.core.searches import Span, index_tokens
from chatd.protocol.messages import Event
from chatd.search.index import Index
from chatd.search.source import AnyConnection, RoomHead, heads_of, part_behind, rooms_behind

# Events, and rooms, of one step: some fifty milliseconds.
STEP_EVENTS, STEP_ROOMS = 400, 500
# The words of what was taken away are merged away within a day; the merging itself takes minutes.
MERGE_AFTER_MS = 12 * 3_600_000
NEVER = -1


class Feeder:
    """The filling of one index: `note`, and `step` as long as it says that there is more."""

    def __init__(self, index: Index, now_ms: Callable[[], int], *, step_events: int = STEP_EVENTS) -> None:
        self._index = index
        self._now_ms = now_ms
        self._step_events = step_events
        # Notes come from another thread than steps.
        self._noted: deque[int] = deque()
        # By number; whoever moved first is first.
        self._due: dict[int, None] = {}
        self._walked = 0
        self._is_merging = False
        # The time of the first removal since that began.
        self._later_ms = 0
        self.is_complete = False

    @property
    def behind(self) -> int:
        """The rooms of which it knows that there is more."""
        return len(self._due) + len(self._noted)

    def note(self, rooms: Iterable[int]) -> None:
        """Note that these rooms have moved."""
        self._noted.extend(rooms)

    def step(self, connection: AnyConnection) -> bool:
        """Do a little; return whether there is more to do."""
        while self._noted:
            self._due[self._noted.popleft()] = None
        if self._walked != NEVER and len(self._due) < STEP_ROOMS:
            self._walk(connection)
        if self._due:
            self._feed(connection)
        elif self._walked == NEVER:
            self.is_complete = True
            return self._merge()
        return True

    def _walk(self, connection: AnyConnection) -> None:
        """Look at the next rooms."""
        heads = rooms_behind(connection, self._walked, STEP_ROOMS)
        seen = self._index.positions([head.room for head in heads])
        for head in heads:
            if is_news(head, seen.get(head.room)):
                self._due[head.room] = None
        self._walked = heads[-1].room if heads else NEVER

    def _feed(self, connection: AnyConnection) -> None:
        """Bring some rooms up to date, or a part of one."""
        some = list(self._due)[: self._step_events]
        heads = {head.room: head for head in heads_of(connection, some)}
        seen = self._index.positions(some)
        left = self._step_events
        with self._index:
            for room in some:
                if left <= 0:
                    break
                head = heads.get(room)
                if head is None or head.is_deleted:
                    self._forget(room, is_known=room in seen)
                    del self._due[room]
                    continue
                at, read = self._bring(connection, head, seen.get(room, (0, 0)), left)
                left -= 1 + read
                if at >= head.seq:
                    del self._due[room]

    def _bring(
        self, connection: AnyConnection, head: RoomHead, position: tuple[int, int], limit: int
    ) -> tuple[int, int]:
        """Bring a room forward by up to `limit` events; return how far it is now, and the events that were read."""
        index, room, (seq, purged) = self._index, head.room, position
        if head.purged > purged and head.keeps_some:
            # What is left is seen anew.
            self._forget(room, is_known=True)
            seq = 0
        elif head.purged > purged:
            index.remove_span(Span(room, 0, head.purged))
            self._note_removal()
        if seq > head.seq:
            # Of another history after all.
            self._forget(room, is_known=True)
            seq = 0
        part = part_behind(connection, head, seq if head.keeps_some else max(seq, head.purged), limit)
        index.put(room, ((one.seq, self._tokens(one)) for one in part.messages if one.recalled is not True))
        # One that was only reacted to, or pinned, has the words that it had.
        gone = [one.seq for one in part.changed if one.recalled is True]
        rewritten = [one for one in part.changed if one.recalled is not True and one.edited is not UNSET]
        if gone or rewritten:
            index.remove(room, gone)
            index.put(room, ((one.seq, self._tokens(one)) for one in rewritten))
            self._note_removal()
        index.move(room, (part.reached, head.purged))
        return part.reached, len(part.messages) + len(part.changed)

    def _tokens(self, event: Event) -> Iterable[str]:
        return index_tokens(event, singles=self._index.singles)

    def _forget(self, room: int, *, is_known: bool) -> None:
        if is_known:
            self._index.forget(room)
            self._note_removal()

    def _note_removal(self) -> None:
        if self._is_merging:
            self._later_ms = self._later_ms or self._now_ms()
        elif not self._index.removed_ms:
            self._index.removed_ms = self._now_ms()

    def _merge(self) -> bool:
        """Merge away the words of what was taken away long enough ago; return whether there is more of that."""
        index = self._index
        removed = index.removed_ms
        if not removed or (self._now_ms() - removed < MERGE_AFTER_MS and not self._is_merging):
            return False
        with index:
            is_first, self._is_merging = not self._is_merging, True
            has_more = index.merge(first=is_first) or is_first
            if not has_more:
                self._is_merging = False
                index.removed_ms, self._later_ms = self._later_ms, 0
        if not has_more:
            index.shed()
        return has_more


def is_news(head: RoomHead, position: tuple[int, int] | None) -> bool:
    """Whether an index that has seen a room so far has something to do there."""
    if head.is_deleted or position is None:
        return position is not None or not head.is_deleted
    return position != (head.seq, head.purged)
