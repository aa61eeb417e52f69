"""What comes while a hello is decided: pushes kept behind the reply, bounded like the outbox, and packets behind it."""

from dataclasses import dataclass
from typing import NamedTuple

from chatd.delivery.outbox import Outbox
from chatd.delivery.recent_commits import RecentCommits
from chatd.protocol.codec import Invalid
from chatd.protocol.requests import Request
from chatd.writer.writer import BatchAbort


class _Kept(NamedTuple):
    """A frame, and the commit told when it came. `room` "": not an event, always kept."""

    frame: bytes
    stamp: int
    room: str = ""
    seq: int = 0
    ordinal: int = 0


class Backlog:
    """Stands in for the outbox until the reply to hello is out. Over `lag_bytes` events become heads here too."""

    __slots__ = ("_kept", "_lag_bytes", "_moved", "_recent_commits", "queued_bytes")

    flowing = False
    lagging = False  # nothing is read before the reply to hello, so nobody needs to be told

    def __init__(self, lag_bytes: int, recent_commits: RecentCommits) -> None:
        self._lag_bytes = lag_bytes
        self._recent_commits = recent_commits
        self._kept: list[_Kept] = []
        self._moved: dict[str, tuple[int, int]] = {}
        self.queued_bytes = 0

    def send(self, frame: bytes) -> None:
        self._kept.append(_Kept(frame, self._recent_commits.stamp))
        self.queued_bytes += len(frame)

    def acked(self, room: str, seq: int, ordinal: int) -> None:
        """Nothing: what came behind a hello is carried out after its reply."""

    def send_event(self, frame: bytes, room: str, seq: int, ordinal: int) -> None:
        if self._moved or self.queued_bytes + len(frame) > self._lag_bytes:
            self._moved[room] = (seq, ordinal)
            return
        self._kept.append(_Kept(frame, self._recent_commits.stamp, room, seq, ordinal))
        self.queued_bytes += len(frame)

    def send_head(self, room: str, seq: int, ordinal: int) -> None:
        self._moved[room] = (seq, ordinal)

    def leave(self, room: str) -> None:
        """Say nothing of `room` behind what is kept now."""
        self._moved.pop(room, None)
        self._kept = [kept._replace(room="") if kept.room == room else kept for kept in self._kept]

    def send_ephemeral(self, frame: bytes) -> None:
        """Dropped: whoever just arrives asks for states when he wants them."""

    def cork(self) -> None:
        """Nothing is written yet."""

    def uncork(self) -> None: ...

    def forget_up_to(self, stamp: int) -> None:
        """Drop what says how rooms stood at commits that the reply shows: behind it that would be old news.

        Events stay: they are what the reply only counts.
        """
        self._kept = [kept for kept in self._kept if kept.room or kept.stamp > stamp]
        self.queued_bytes = sum(len(kept.frame) for kept in self._kept)

    def replay(self, outbox: Outbox) -> None:
        """Hand everything over in order."""
        for kept in self._kept:
            if kept.room:
                outbox.send_event(kept.frame, kept.room, kept.seq, kept.ordinal)
            else:
                outbox.send(kept.frame)
        for room, (seq, ordinal) in self._moved.items():
            outbox.send_head(room, seq, ordinal)


@dataclass(slots=True)
class Held:
    """A packet that came behind a hello that is still being decided."""

    packet: Request | Invalid
    batch_abort: BatchAbort
