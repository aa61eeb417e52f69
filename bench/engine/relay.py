"""A fan-out through a server that passes messages on: those who listen, and one who publishes for all authors.

Nobody acknowledges anything here, so a message counts as answered when the first listener has it. What differs between
two such servers is a `Protocol`: how one gets in, what is sent, what of the bytes is a message.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from bench import wire
from bench.client.device import Address, Device
from bench.client.stream import Follower, Framing, Stream
from bench.client.subscriber import payload
from bench.engine.record import MessageId
from bench.engine.roles import pace
from bench.engine.run_state import Report, RunState
from bench.engine.workers import Moves, Role
from bench.wire import BINARY, TEXT, frame_end

_KEY_CHARS = 33  # of Script.key


@dataclass(frozen=True)
class Protocol:
    """How a server is spoken to. All functions are plain module functions, so that processes can be told of it.

    `steps`: what is waited for, and what is said then; None says nothing. The last one of them means being in. A `raw`
    protocol has no upgrade and no frames: what is waited for is looked for in the bytes.
    """

    encode: Callable[[bytes, int], bytes]  # a message and its number -> what the publisher says
    decode: Callable[[bytes], bytes]  # a frame of the stream -> the message
    steps: tuple[tuple[bytes, bytes | None], ...] = ()
    opening: bytes = b""  # said first
    path: str = ""  # of the listeners; empty: that of the URL
    author_path: str = ""
    subprotocol: str | None = None  # None: that of the encoding
    raw: bool = False
    opcode: int = TEXT
    begins: bytes = b""  # of a message
    answers: Mapping[bytes, bytes] = field(default_factory=dict)  # to what is no message, by its beginning
    complaint: bytes = b"\xff"  # how the server begins to complain
    frame_end: Framing = frame_end
    greets: Callable[[bytes, bytes], bytes] | None = None  # a step and what came -> what is said instead
    # What came, and what came last at entering -> a line of the stream.
    reads: Callable[[bytes, bytes], bytes | None] | None = None
    prebuilt: bool = False  # everybody gets the same frame every time: only the order tells messages apart


@dataclass(frozen=True)
class RelayPlan:
    members: int
    authors: int
    protocol: Protocol


class Participant(Device):
    def __init__(self, state: RunState, protocol: Protocol, path: str) -> None:
        super().__init__(state)
        self.encoding = replace(self.encoding, opcode=protocol.opcode)
        self.protocol = protocol
        self._step = 0
        self._identity = b""  # what came with the last step but one
        if protocol.subprotocol is not None:
            self.subprotocol = protocol.subprotocol
        if path:
            self.address = Address(self.address.host, self.address.port, path, tls=False)

    def connected(self) -> None:
        if not self.protocol.raw:
            super().connected()
            return
        came = bytearray()

        def greeted(view: memoryview) -> None:
            came.extend(view)
            _, found, rest = bytes(came).partition(self.protocol.steps[0][0])
            if found:
                self.receive = lambda chunk: self.other(bytes(chunk))
                self._enter(rest)

        self.receive = greeted
        self.say(self.protocol.opening)

    def upgraded(self) -> None:
        self.say(self.protocol.opening)
        if not self.protocol.steps:
            self._enter(b"")

    def say(self, content: bytes | None) -> None:
        if content:
            self.send(content if self.protocol.raw else wire.client_frame(self.protocol.opcode, content))

    def take(self, payload: bytes) -> None:
        steps = self.protocol.steps
        if self._step >= len(steps):
            self.other(payload)
            return
        awaited, answer = steps[self._step]
        if awaited in payload:
            self._step += 1
            greets = self.protocol.greets if answer is None else None
            self.say(greets(awaited, payload) if greets else answer)
            if answer is None:
                self._identity = self._identity or payload
            if self._step == len(steps):
                self._enter(b"")
        elif b"error" in payload or b"<failure" in payload:
            self.end(payload.decode(errors="replace")[:200])

    def other(self, content: bytes) -> None:
        for beginning, answer in self.protocol.answers.items():
            if content.startswith(beginning):
                self.say(answer)
        if content.startswith(self.protocol.complaint):
            self.state.failures[content.decode(errors="replace").strip()] += 1

    def entered(self) -> None:
        """They are in."""

    def _enter(self, rest: bytes) -> None:
        self.state.entered += 1
        self.entered()
        if rest:
            self.receive(memoryview(rest))


class Listener(Participant):
    def __init__(self, state: RunState, stream: Stream, protocol: Protocol) -> None:
        super().__init__(state, protocol, protocol.path)
        self.follower = Follower(stream, self._foreign)

    def entered(self) -> None:
        if self.protocol.reads is None:
            self.follower.begin(self.reader.rest)
            self.receive = self.follower.receive

    def other(self, content: bytes) -> None:
        line = self.protocol.reads(content, self._identity) if self.protocol.reads else None
        if line is not None:
            self.follower.receive(memoryview(line))
        else:
            super().other(content)

    def _foreign(self, frame: bytes, at_end: bool) -> bool:
        framed = self.protocol.frame_end is frame_end
        content = payload(frame) if framed else frame
        if framed and frame[0] & 0x0F not in (TEXT, BINARY):
            self.control(frame[0] & 0x0F, content)
            return False
        if not content.startswith(self.protocol.begins):
            super().other(content)
            return False
        if not at_end and not self.protocol.prebuilt:
            text = f"somebody has message {self.follower.place} otherwise than the others"
            self.state.tally.add("reordered", text)
        return at_end


class Publisher(Participant):
    def __init__(self, state: RunState, authors: int, protocol: Protocol) -> None:
        super().__init__(state, protocol, protocol.author_path or protocol.path)
        self.sent = 0
        self.seen = 0
        self.flying: deque[MessageId] = deque()  # where nothing but their order tells messages apart
        self._authors = authors

    def entered(self) -> None:
        if self.protocol.prebuilt:
            self.say(self.protocol.encode(b"", 0))  # the first says that this is an author

    def begin_closed(self, in_flight: int) -> None:
        for _ in range(in_flight * self._authors):
            self.due(time.perf_counter_ns())

    def due(self, due_ns: int) -> None:
        state = self.state
        message = MessageId(0, self.sent, due_ns, time.perf_counter_ns())
        self.sent += 1
        state.record.sent(message)
        if self.protocol.prebuilt:
            self.flying.append(message)
            self.say(self.protocol.encode(b"", 0))
        else:
            text = f"{state.script.key(message)}{state.script.text(0, message.number)}"
            self.say(self.protocol.encode(text.encode(), message.number))

    def arrived(self, message: MessageId) -> None:
        now_ns = time.perf_counter_ns()
        if message.number != self.seen:
            counter = "duplicated" if message.number < self.seen else "lost"
            self.state.tally.add(counter, f"message {message.number} came instead of {self.seen}")
        self.seen = message.number + 1
        if self.state.goes_on(now_ns):
            self.due(now_ns)


class Relay(Role):
    """Everybody, in one process: the publisher is told by the first listener who has a message."""

    def __init__(self, state: RunState, crowd: RelayPlan) -> None:
        super().__init__(state)
        self._protocol = protocol = crowd.protocol
        self._stream = Stream(self._decode, state.record, protocol.frame_end)
        self._members = [Listener(state, self._stream, protocol) for _ in range(crowd.members)]
        self._author = Publisher(state, crowd.authors, protocol)

    def devices(self) -> Iterable[Device]:
        return [*self._members, self._author]

    def begin(self, start_ns: int) -> None:
        pace(self.state, [self._author], start_ns)

    def answered(self) -> bool:
        seen = self._author.seen == self._author.sent
        return seen and all(member.follower.at_end for member in self._members)

    def moves(self) -> Moves:
        return self._author.sent, len(self._stream.ends), self._stream.arrivals

    def report(self) -> Report:
        self._stream.settle()
        never = self._author.sent - self._author.seen
        for member in self._members:
            if missing := len(member.follower.missing) + never:
                self.state.tally.add("lost", f"{missing} messages did not reach a listener", missing)
        return self.state.report()

    def _decode(self, frame: bytes) -> tuple[int, list[MessageId]]:
        state, flying, last = self.state, self._author.flying, len(self._stream.ends)
        if self._protocol.prebuilt:
            message = flying.popleft() if flying else None
            fault = "duplicated", "a push that nobody asked for"
        else:
            said = self._protocol.decode(frame).decode(errors="replace")
            message = state.script.message(said[:_KEY_CHARS])
            if message and not said[_KEY_CHARS:].startswith(state.script.text(0, message.number)):
                message = None
            fault = "altered", f"{said[:80]!r} was never published"
        if message is None:
            state.tally.add(*fault)
            return last, []
        self._author.arrived(message)
        return last, [message]
