"""`head` pushes of large rooms: coalesced, at most one per room and interval (protocol.md "head").

Those of a channel show its newest post. They go out in slices: a frame to 50,000 connections takes a second of the
event loop, and others wait no longer than a slice.
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import UNSET, Raw

from chatd.core.own_view import view_of
from chatd.core.room import Member
from chatd.core.write_set import NewEvent
from chatd.delivery.encoding import EncodedPush
from chatd.delivery.hub import RoomSubscribers, Subscriber
from chatd.env import Env
from chatd.protocol.messages import MESSAGE, HeadPush
from chatd.protocol.read_state import RoomPosition

# Connections of a slice: less than 10 ms.
SLICE = 1_000
# Beyond it followers fetch a post when they look at the channel.
PREVIEW_BYTES_MAX = 4_096


class NewHead(NamedTuple):
    """The head of a room. `preview`: an event of a channel, with its `seq`, or nothing. `kept_from`: who took it out of
    their own view meanwhile.
    """

    seq: int
    ordinal: int
    previewed: int = 0
    preview: bytes = b""
    kept_from: frozenset[str] = frozenset()

    def after(self, run: Sequence[NewEvent]) -> "NewHead":
        """Return the head of a channel after these events. What they change is not shown any more."""
        previewed, preview, kept_from = self.previewed, self.preview, self.kept_from
        for new in run:
            if new.event.kind in (MESSAGE, "settings"):
                shown = len(new.blob) <= PREVIEW_BYTES_MAX
                previewed, preview = (new.event.seq, new.blob) if shown else (0, b"")
                kept_from = frozenset()
            elif new.event.target == previewed or new.event.kind == "erased":
                previewed, preview = 0, b""
        return NewHead(run[-1].event.seq, run[-1].ordinal, previewed, preview, kept_from)


class Heads:
    """The `head` pushes to connections at level head."""

    def __init__(self, env: Env, interval_s: float, of_channels_s: float, deflate_min: int) -> None:
        self._env = env
        self._deflate_min = deflate_min
        self.reconfigure(interval_s, of_channels_s)
        # The heads of the rooms of which a push is scheduled.
        self._newest: dict[RoomSubscribers, NewHead] = {}

    def reconfigure(self, interval_s: float, of_channels_s: float) -> None:
        """Put other intervals in force; pushes that are already scheduled keep their time."""
        self._interval_s, self._of_channels_s = interval_s, of_channels_s

    def moved(
        self, subscribers: RoomSubscribers, seq: int, ordinal: int, run: Sequence[NewEvent] = ()
    ) -> None:
        """Push that the room is at `seq`, now or when the interval is over. `run`: the events of a channel up to it."""
        # Even if nobody is at level head now: a connection that comes back to it must not get an old number.
        due = subscribers.heads_due
        if not due and not subscribers.head:
            return
        head = NewHead(seq, ordinal)
        if subscribers.is_channel:
            head = self._newest.get(subscribers, head).after(run)
        if due:
            self._newest[subscribers] = head
            return
        interval_s = self._of_channels_s if subscribers.is_channel else self._interval_s
        wait = subscribers.heads_at + interval_s - self._env.monotonic()
        if wait <= 0:
            self._push(subscribers, head)
            return
        subscribers.mark_heads_due()
        self._newest[subscribers] = head
        self._env.call_later(wait, lambda: self._flush(subscribers))

    def viewed(self, subscribers: RoomSubscribers | None, member: Member | None) -> None:
        """Keep the preview that waits from a member, unless their view of the channel, which changed, shows it."""
        if subscribers is None or member is None or subscribers not in self._newest:
            return
        head = self._newest[subscribers]
        if not view_of(member).shows(head.previewed):
            self._newest[subscribers] = head._replace(kept_from=head.kept_from | {member.user})

    def _flush(self, subscribers: RoomSubscribers) -> None:
        self._push(subscribers, self._newest.pop(subscribers))

    def _push(self, subscribers: RoomSubscribers, head: NewHead) -> None:
        subscribers.mark_heads_sent(self._env.monotonic())
        preview = Raw(head.preview) if head.preview else UNSET
        packet = HeadPush([RoomPosition(subscribers.name, head.seq, head.ordinal, preview)])
        # A copy, because a connection whose outbox overflows is unsubscribed.
        sessions = list(subscribers.head)
        self._push_slice(subscribers, head, EncodedPush(packet, self._deflate_min), sessions)

    def _push_slice(
        self, subscribers: RoomSubscribers, head: NewHead, packet: EncodedPush, sessions: list[Subscriber]
    ) -> None:
        """Push to the first of `sessions`, and to the others when the loop has served what waits."""
        now, later = self._env.monotonic(), sessions[SLICE:]
        for session in sessions[:SLICE]:
            outbox = session.outbox
            if session not in subscribers.head:
                continue
            if outbox.flowing and session.user not in head.kept_from:
                outbox.send(packet.frame(session.encoding), now)
            else:
                outbox.send_head(subscribers.name, head.seq, head.ordinal, now)
        if later:
            self._env.call_later(0, lambda: self._push_slice(subscribers, head, packet, later))
