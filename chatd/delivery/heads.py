"""`head` pushes of large rooms: coalesced, at most one per room and interval (protocol.md 7.2)."""

from chatd.delivery.encoding import Packet, head_push
from chatd.delivery.hub import Audience
from chatd.ports import Env


class Heads:
    """Tells the distant listeners of a room where it is, once an interval."""

    def __init__(self, env: Env, interval_s: float, deflate_min: int) -> None:
        self._env = env
        self.interval_s = interval_s
        self._deflate_min = deflate_min
        self._newest: dict[Audience, tuple[int, int]] = {}  # while one is scheduled

    def moved(self, audience: Audience, seq: int, ordinal: int) -> None:
        """The room is at `seq` now."""
        if audience.heads_due:  # though nobody may listen from afar now: who comes back hears no old number
            self._newest[audience] = (seq, ordinal)
            return
        if not audience.head:
            return
        wait = audience.heads_at + self.interval_s - self._env.monotonic()
        if wait <= 0:
            self._tell(audience, seq, ordinal)
            return
        audience.heads_due = True
        self._newest[audience] = (seq, ordinal)
        self._env.call_later(wait, lambda: self._flush(audience))

    def _flush(self, audience: Audience) -> None:
        audience.heads_due = False
        self._tell(audience, *self._newest.pop(audience))

    def _tell(self, audience: Audience, seq: int, ordinal: int) -> None:
        audience.heads_at = self._env.monotonic()
        packet = Packet(head_push({audience.name: (seq, ordinal)}), self._deflate_min)
        for session in list(audience.head):  # one whose outbox overflows leaves its seat
            outbox = session.outbox
            session.vitals.sent = audience.heads_at
            if outbox.flowing:
                outbox.send(packet.frame(session.variant))
            else:
                outbox.send_head(audience.name, seq, ordinal)
