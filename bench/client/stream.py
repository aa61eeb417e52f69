"""The bytes that all members of a room receive, decoded once; everybody else is held to them byte by byte.

Whoever is ahead of the others writes the stream on, whoever is behind only compares, at the speed of memcmp.
"""

import time
from bisect import bisect_left
from collections.abc import Callable
from operator import attrgetter

from bench.engine.record import MessageId, Record
from bench.wire import frame_end

# pushes whose arrivals are not in the histograms yet; a straggler's go there one by one
UNSETTLED_MAX = 4_096

_last = attrgetter("last")

# content, start of a frame -> its end, or beyond the content if not known
Framing = Callable[[bytes, int], int]
# a frame -> its last place in the log, its messages
Decoder = Callable[[bytes], tuple[int, list[MessageId]]]


_RESOLUTION_BITS = 7  # the middle of a slot is at most 1/128 of the latency from what it stands for


class Arrivals:
    """Counts moments in slots as wide as the first latency allows; `due_ns` is what latencies count from."""

    __slots__ = ("_due_ns", "_shift", "_slots")

    def __init__(self, due_ns: int) -> None:
        self._due_ns = due_ns
        self._shift = -1
        self._slots: dict[int, int] = {}

    def arrived(self, now_ns: int) -> None:
        if self._shift < 0:
            self._shift = max(0, (now_ns - self._due_ns).bit_length() - _RESOLUTION_BITS)
        slot = now_ns >> self._shift
        self._slots[slot] = self._slots.get(slot, 0) + 1

    def taken(self) -> list[tuple[int, int]]:
        """The moments, each with how many it stands for; they are forgotten here."""
        slots, self._slots = self._slots, {}
        middle_ns = (1 << max(0, self._shift)) // 2
        return [((slot << self._shift) + middle_ns, receivers) for slot, receivers in slots.items()]


class Push(Arrivals):
    __slots__ = ("last", "messages")

    def __init__(self, last: int, messages: list[MessageId]) -> None:
        super().__init__(max((message.due_ns for message in messages), default=0))
        self.last = last  # the place in the log of its last event
        self.messages = messages

    def settle(self, record: Record) -> None:
        for now_ns, members in self.taken():
            for message in self.messages:
                record.delivered(message, now_ns, members)


class Stream:
    """The frames of one room in order, as bytes, and what was in each."""

    def __init__(self, decode: Decoder, record: Record, end_of: Framing = frame_end) -> None:
        self.content = bytearray()
        self.ends: list[int] = []  # of each frame, as an offset into the content
        self.pushes: list[Push] = []
        self.arrivals = 0  # messages times members so far, for the display
        self.end_of = end_of
        self._decode = decode
        self._record = record
        self._settled = 0

    def write(self, frame: bytes) -> None:
        self.pushes.append(Push(*self._decode(frame)))
        self.content += frame
        self.ends.append(len(self.content))
        if len(self.pushes) - self._settled > UNSETTLED_MAX:
            self.pushes[self._settled].settle(self._record)
            self._settled += 1

    def start(self, place: int) -> int:
        return self.ends[place - 1] if place else 0

    def place_after(self, last: int) -> int | None:
        """How many frames there are up to the one that ends with this place of the log; None if none does."""
        place = bisect_left(self.pushes, last, key=_last)
        found = place < len(self.pushes) and self.pushes[place].last == last
        return place + 1 if found else None

    def settle(self) -> None:
        for push in self.pushes:
            push.settle(self._record)


class Follower:
    """One member's place in the stream: it receives the member's bytes.

    `foreign` gets every whole frame that is not the stream's next one, and whether the stream ends here; it
    answers True when the frame is what comes next in the stream.
    """

    __slots__ = ("_alone", "_foreign", "_rest", "at", "place", "stream")

    def __init__(self, stream: Stream, foreign: Callable[[bytes, bool], bool]) -> None:
        self.stream = stream
        self.at = 0  # bytes of the stream that were received
        self.place = 0  # whole frames of it
        self._rest = b""  # received, but not known to be the stream's
        self._alone = False
        self._foreign = foreign

    @property
    def at_end(self) -> bool:
        return self.place == len(self.stream.ends)

    @property
    def missing(self) -> list[Push]:
        return self.stream.pushes[self.place :]

    @property
    def last(self) -> int:
        """The place in the log of the last event the member has; 0 before the first."""
        return self.stream.pushes[self.place - 1].last if self.place else 0

    def begin(self, rest: bytes) -> None:
        self._rest = rest

    def leave(self) -> None:
        self._alone = True

    def join(self, place: int) -> None:
        self._alone = False
        self.place = place
        self.at = self.stream.start(place)

    def receive(self, view: memoryview) -> None:
        stream = self.stream
        if self._rest or self._alone or not stream.content.startswith(view, self.at):
            self._receive_otherwise(view)
            return
        self.at += len(view)
        if self.at >= stream.ends[self.place]:
            self._arrived(time.perf_counter_ns())

    def _arrived(self, now_ns: int) -> None:
        stream, at, place = self.stream, self.at, self.place
        ends, count = stream.ends, len(stream.ends)
        while place < count and ends[place] <= at:
            push = stream.pushes[place]
            push.arrived(now_ns)
            stream.arrivals += len(push.messages)
            place += 1
        self.place = place

    def _receive_otherwise(self, view: memoryview) -> None:
        stream = self.stream
        boundary = stream.start(self.place)
        content = (self._rest or bytes(stream.content[boundary : self.at])) + view
        self.at = boundary
        start = 0
        while (end := stream.end_of(content, start)) <= len(content):
            self._take(content[start:end])
            start = end
        self._rest = content[start:]
        if self._rest and not self._alone and stream.content.startswith(self._rest, self.at):
            self.at += len(self._rest)
            self._rest = b""

    def _take(self, frame: bytes) -> None:
        content = self.stream.content
        if self._alone or not content.startswith(frame, self.at):
            if not self._foreign(frame, self.at == len(content)):
                return
            self.stream.write(frame)
        self.at += len(frame)
        self._arrived(time.perf_counter_ns())
