"""`head` pushes of large rooms: coalesced, at most one per room and interval (protocol.md "head")."""

from chatd.delivery.encoding import EncodedPush, head_push
from chatd.delivery.hub import RoomSubscribers
from chatd.env import Env


class Heads:
    """Tells the distant listeners of a room where it is, once an interval."""

    def __init__(self, env: Env, interval_s: float, deflate_min: int) -> None:
        self._env = env
        self._interval_s = interval_s
        self._deflate_min = deflate_min
        self._newest: dict[RoomSubscribers, tuple[int, int]] = {}  # while one is scheduled

    def reconfigure(self, interval_s: float) -> None:
        """Tell so often from now on; what is scheduled keeps its time."""
        self._interval_s = interval_s

    def moved(self, subscribers: RoomSubscribers, seq: int, ordinal: int) -> None:
        """The room is at `seq` now."""
        # though nobody may listen from afar now: who comes back hears no old number
        if subscribers.heads_due:
            self._newest[subscribers] = (seq, ordinal)
            return
        if not subscribers.head:
            return
        wait = subscribers.heads_at + self._interval_s - self._env.monotonic()
        if wait <= 0:
            self._push(subscribers, seq, ordinal)
            return
        subscribers.await_heads()
        self._newest[subscribers] = (seq, ordinal)
        self._env.call_later(wait, lambda: self._flush(subscribers))

    def _flush(self, subscribers: RoomSubscribers) -> None:
        self._push(subscribers, *self._newest.pop(subscribers))

    def _push(self, subscribers: RoomSubscribers, seq: int, ordinal: int) -> None:
        now = self._env.monotonic()
        subscribers.heads_told(now)
        packet = EncodedPush(head_push({subscribers.name: (seq, ordinal)}), self._deflate_min)
        for session in list(subscribers.head):  # one whose outbox overflows is unsubscribed
            outbox = session.outbox
            if outbox.flowing:
                outbox.send(packet.frame(session.encoding), now)
            else:
                outbox.send_head(subscribers.name, seq, ordinal, now)
