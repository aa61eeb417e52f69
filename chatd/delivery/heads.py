"""`head` pushes of large rooms: coalesced, at most one per room and interval (protocol.md "head")."""

from chatd.delivery.encoding import EncodedPush, head_push
from chatd.delivery.hub import RoomSubscribers
from chatd.env import Env


class Heads:
    """The `head` pushes to connections at level head."""

    def __init__(self, env: Env, interval_s: float, deflate_min: int) -> None:
        self._env = env
        self._interval_s = interval_s
        self._deflate_min = deflate_min
        # (seq, ordinal) of the rooms of which a push is scheduled.
        self._newest: dict[RoomSubscribers, tuple[int, int]] = {}

    def reconfigure(self, interval_s: float) -> None:
        """Put another interval in force; pushes that are already scheduled keep their time."""
        self._interval_s = interval_s

    def moved(self, subscribers: RoomSubscribers, seq: int, ordinal: int) -> None:
        """Push that the room is at `seq`, now or when the interval is over."""
        # Even if nobody is at level head now: a connection that comes back to it must not get an old number.
        if subscribers.heads_due:
            self._newest[subscribers] = (seq, ordinal)
            return
        if not subscribers.head:
            return
        wait = subscribers.heads_at + self._interval_s - self._env.monotonic()
        if wait <= 0:
            self._push(subscribers, seq, ordinal)
            return
        subscribers.mark_heads_due()
        self._newest[subscribers] = (seq, ordinal)
        self._env.call_later(wait, lambda: self._flush(subscribers))

    def _flush(self, subscribers: RoomSubscribers) -> None:
        self._push(subscribers, *self._newest.pop(subscribers))

    def _push(self, subscribers: RoomSubscribers, seq: int, ordinal: int) -> None:
        now = self._env.monotonic()
        subscribers.mark_heads_sent(now)
        packet = EncodedPush(head_push({subscribers.name: (seq, ordinal)}), self._deflate_min)
        # A copy, because a connection whose outbox overflows is unsubscribed.
        for session in list(subscribers.head):
            outbox = session.outbox
            if outbox.flowing:
                outbox.send(packet.frame(session.encoding), now)
            else:
                outbox.send_head(subscribers.name, seq, ordinal, now)
