"""The polite sender (protocol.md "Writing"): one unanswered frame of sends, one key for all attempts at a message."""

import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from bench.client.device import Device
from bench.engine.record import MessageId, Record
from bench.engine.run_state import RunState
from bench.wire import Packet

BATCH_MAX = 32  # `limits.in_flight`: the server would stop reading beyond it
TEXT_BYTES_MAX = 32_768  # half of `limits.frame_bytes`; the other half is for keys and for what JSON escapes
RETRY_NS = 10_000_000  # the shortest wait before something refused for now is sent again


class Message(NamedTuple):
    room: str
    id: MessageId


Acked = Callable[[Message, Packet, int], None]  # the message, the reply, when it came


class Sender:
    """Everything one author has to say, in order. What is refused for now, or in doubt after a loss, goes first."""

    def __init__(self, state: RunState, author: int, record: Record, acked: Acked) -> None:
        self.connection: Device | None = None
        self.said = 0  # messages that were due
        self.acked = 0
        self.refused = 0  # for good
        self.sent_again = 0
        self._state = state
        self._author = author
        self._record = record
        self._acked = acked
        self._waiting: deque[tuple[str, int, int]] = deque()  # room, number, due; not sent yet
        self._again: list[Message] = []
        self._unanswered: dict[Message, None] = {}
        self._resting = False

    @property
    def done(self) -> bool:
        return not (self._unanswered or self._again or self._waiting)

    def put(self, room: str, due_ns: int, number: int | None = None) -> None:
        self._waiting.append((room, self.said if number is None else number, due_ns))
        self.said += 1

    def connected(self, connection: Device) -> None:
        self.connection, self._resting = connection, False
        self.flush()

    def lost(self) -> None:
        self.connection = None
        self._again += self._unanswered
        self._unanswered = {}

    def give_up(self) -> None:
        self.connection = None
        self._waiting.clear()
        self._again.clear()
        self._unanswered.clear()

    def flush(self) -> None:
        connection = self.connection
        if self._unanswered or self._resting or connection is None or not connection.alive:
            return
        again, self._again = self._again, []
        self.sent_again += len(again)
        frame = [self._packet(connection, message) for message in again]
        now_ns, text_bytes, waiting = time.perf_counter_ns(), 0, self._waiting
        while waiting and len(frame) < BATCH_MAX and text_bytes < TEXT_BYTES_MAX:
            room, number, due_ns = waiting.popleft()
            message = Message(room, MessageId(self._author, number, due_ns, now_ns))
            self._record.sent(message.id)
            frame.append(self._packet(connection, message))
            text_bytes += len(frame[-1]["body"]["text"].encode())
        if frame:
            connection.write(frame if len(frame) > 1 else frame[0])

    def _packet(self, connection: Device, message: Message) -> Packet:
        self._unanswered[message] = None
        room, written = message
        body = {"text": self._state.script.text(written.author, written.number)}
        packet = {"type": "send", "room": room, "key": self._state.script.key(written), "body": body}
        return connection.numbered(packet, partial(self._answered, message))

    def _answered(self, message: Message, reply: Packet) -> None:
        del self._unanswered[message]
        self._state.answered += reply.get("retry") != "later"
        if reply["type"] == "ok":
            now_ns = time.perf_counter_ns()
            self.acked += 1
            self._record.acked(message.id, now_ns)
            self._acked(message, reply, now_ns)
        else:
            self._refused(message, reply)
        self.flush()

    def _refused(self, message: Message, reply: Packet) -> None:
        self._state.failures[f"send: {reply['code']}"] += 1
        if reply.get("retry") != "later":
            self.refused += 1
            return
        self._again.append(message)
        self._resting = True
        wait_ns = max(RETRY_NS, reply.get("retry_after", 0) * 1_000_000)
        self._state.poller.call_at(time.perf_counter_ns() + wait_ns, self._rested)

    def _rested(self) -> None:
        self._resting = False
        self.flush()
