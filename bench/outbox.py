"""What one author still has to say in one room, in order (protocol.md "Writing"); pure, no sockets.

At most one frame of sends is unanswered. What fails with `retry` later, or loses its connection, goes back to
the front with the same key.
"""

from __future__ import annotations

from collections import deque

from bench.trace import Message

BATCH_MAX = 16  # half of `limits.in_flight`, so that an author in two rooms is not stopped by the server
TEXT_BYTES_MAX = 32_768  # half of `limits.frame_bytes`; the other half is for keys and for what JSON escapes


class Outbox:
    """The messages of one author in one room: waiting, then in the one unanswered frame, then gone."""

    __slots__ = ("_frame", "_open", "_tried", "_waiting")

    def __init__(self) -> None:
        self._waiting: deque[Message] = deque()
        self._frame: list[Message] = []  # what the unanswered frame holds and must perhaps be sent again
        self._open = 0  # how many of its replies are still to come
        self._tried: set[int] = set()  # waiting ones that were sent before: the server may have them

    def put(self, message: Message) -> None:
        """Adds the next message."""
        self._waiting.append(message)

    def take_frame(self) -> list[Message]:
        """The next messages to send in one frame; empty while a frame is unanswered or nothing waits."""
        if self._open:
            return []
        text_bytes = 0
        while self._waiting and len(self._frame) < BATCH_MAX:
            text_bytes += len(self._waiting[0].text.encode())
            if self._frame and text_bytes > TEXT_BYTES_MAX:
                break
            self._frame.append(self._waiting.popleft())
        self._open = len(self._frame)
        self._tried.difference_update(message.place for message in self._frame)
        return list(self._frame)

    def answered(self, message: Message, *, again: bool) -> bool:
        """One reply has come; `again` puts the message back. True when the frame is fully answered."""
        if not again:
            self._frame.remove(message)
        self._open -= 1
        if self._open:
            return False
        self._tried.update(message.place for message in self._frame)
        self._waiting.extendleft(reversed(self._frame))
        self._frame = []
        return True

    @property
    def doubtful(self) -> bool:
        """Whether something waits that was sent before, so that its event may turn up instead of a reply."""
        return bool(self._tried)

    def found(self, place: int) -> bool:
        """The event of a message turned up; True when it waited to be sent again, which is not needed now."""
        if place not in self._tried:
            return False
        self._tried.discard(place)
        for message in self._waiting:
            if message.place == place:
                self._waiting.remove(message)
                return True
        return False
