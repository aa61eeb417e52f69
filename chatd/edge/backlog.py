"""What comes while a hello is decided: pushes kept behind the reply, bounded like the outbox, and packets behind it."""

from dataclasses import dataclass

from chatd.edge.outbox import Outbox
from chatd.handlers.writer import Guard
from chatd.protocol.codec import Invalid
from chatd.protocol.requests import Request


class Backlog:
    """Stands in for the outbox until the reply to hello is out. Over `lag_bytes` events become heads here too."""

    __slots__ = ("_frames", "_lag_bytes", "_moved", "queued_bytes")

    flowing = False
    lagging = False  # nothing is read before the reply to hello, so nobody needs to be told

    def __init__(self, lag_bytes: int) -> None:
        self._lag_bytes = lag_bytes
        self._frames: list[tuple[bytes, str, int, int]] = []  # room "" for what is always kept
        self._moved: dict[str, tuple[int, int]] = {}
        self.queued_bytes = 0

    def send(self, frame: bytes) -> None:
        self._frames.append((frame, "", 0, 0))
        self.queued_bytes += len(frame)

    def acked(self, room: str, seq: int, ordinal: int) -> None:
        """Nothing: what came behind a hello is carried out after its reply."""

    def send_event(self, frame: bytes, room: str, seq: int, ordinal: int) -> None:
        if self._moved or self.queued_bytes + len(frame) > self._lag_bytes:
            self._moved[room] = (seq, ordinal)
            return
        self._frames.append((frame, room, seq, ordinal))
        self.queued_bytes += len(frame)

    def send_head(self, room: str, seq: int, ordinal: int) -> None:
        self._moved[room] = (seq, ordinal)

    def leave(self, room: str) -> None:
        """Say nothing of `room` behind what is kept now."""
        self._moved.pop(room, None)
        self._frames = [
            (frame, "" if name == room else name, seq, ordinal) for frame, name, seq, ordinal in self._frames
        ]

    def send_ephemeral(self, frame: bytes) -> None:
        """Dropped: whoever just arrives asks for states when he wants them."""

    def cork(self) -> None:
        """Nothing is written yet."""

    def uncork(self) -> None: ...

    def replay(self, outbox: Outbox) -> None:
        """Hand everything over in order."""
        for frame, room, seq, ordinal in self._frames:
            if room:
                outbox.send_event(frame, room, seq, ordinal)
            else:
                outbox.send(frame)
        for room, (seq, ordinal) in self._moved.items():
            outbox.send_head(room, seq, ordinal)


@dataclass(slots=True)
class Held:
    """A packet that came behind a hello that is still being decided."""

    packet: Request | Invalid
    guard: Guard
