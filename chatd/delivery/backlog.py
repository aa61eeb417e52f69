"""The pushes that come while a hello is decided, kept for after its reply and bounded like the outbox.

Why they wait, and what may be dropped of them, is explained in outbox.py.
"""

from typing import NamedTuple

from chatd.delivery.hub import PushQueue
from chatd.delivery.recent_commits import RecentCommits


class _Kept(NamedTuple):
    """A frame, and the last published commit when it came. `room` "" when it is not an event."""

    frame: bytes
    stamp: int
    room: str = ""
    seq: int = 0
    ordinal: int = 0


class Backlog:
    """The frames of an outbox until the reply to hello is out. Above `lag_bytes` events become heads, as there."""

    __slots__ = ("_kept", "_lag_bytes", "_moved", "_recent_commits", "queued_bytes")

    def __init__(self, lag_bytes: int, recent_commits: RecentCommits) -> None:
        self._lag_bytes = lag_bytes
        self._recent_commits = recent_commits
        self._kept: list[_Kept] = []
        self._moved: dict[str, tuple[int, int]] = {}
        self.queued_bytes = 0

    def send(self, frame: bytes) -> None:
        self._kept.append(_Kept(frame, self._recent_commits.stamp))
        self.queued_bytes += len(frame)

    def send_event(self, frame: bytes, room: str, seq: int, ordinal: int) -> None:
        if self._moved or self.queued_bytes + len(frame) > self._lag_bytes:
            self._moved[room] = (seq, ordinal)
            return
        self._kept.append(_Kept(frame, self._recent_commits.stamp, room, seq, ordinal))
        self.queued_bytes += len(frame)

    def send_head(self, room: str, seq: int, ordinal: int) -> None:
        self._moved[room] = (seq, ordinal)

    def leave(self, room: str) -> None:
        """Send nothing more about `room` after the frames kept so far."""
        self._moved.pop(room, None)
        self._kept = [kept._replace(room="") if kept.room == room else kept for kept in self._kept]

    def forget_up_to(self, stamp: int) -> None:
        """Drop the frames that describe rooms as of commits up to `stamp`, which the reply shows: they would be old.

        Events stay, because the reply only counts them.
        """
        self._kept = [kept for kept in self._kept if kept.room or kept.stamp > stamp]
        self.queued_bytes = sum(len(kept.frame) for kept in self._kept)

    def replay(self, outbox: PushQueue, now: float) -> None:
        """Send everything to `outbox`, in order."""
        for kept in self._kept:
            if kept.room:
                outbox.send_event(kept.frame, kept.room, kept.seq, kept.ordinal, now)
            else:
                outbox.send(kept.frame, now)
        for room, (seq, ordinal) in self._moved.items():
            outbox.send_head(room, seq, ordinal, now)
