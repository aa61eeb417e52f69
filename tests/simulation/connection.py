"""One connection of a client: upgrade, frames, requests and their replies, until it is lost. It knows no chat."""

import hashlib
import struct
from collections.abc import Callable
from typing import Any, Protocol

from tests.kit.frames import BINARY, CLOSE, PING, PONG, TEXT, client_frame, upgrade_request
from tests.kit.memory_wire import packets_in
from tests.kit.protocol_promises import Promises
from tests.simulation.frames import Incoming, encode
from tests.simulation.history import Conversation, Packet, ReceivedPacket, SentPacket
from tests.simulation.loop import SimLoop
from tests.simulation.transport import Link, NetworkConditions

# How often a client checks whether it still gets answers.
LOOK_S = 2.5
# protocol.md "States": then the outcome is unknown.
ANSWER_TIMEOUT_S = 10.0
# protocol.md "ping, pong": heartbeat and 15 s.
SILENCE_S = 46.0


class ConnectionOwner(Protocol):
    """The client of a connection."""

    def connected_to_server(self) -> None: ...

    def upgraded(self) -> None: ...

    def reply(self, request: Packet, packet: Packet) -> None: ...

    def push(self, packet: Packet) -> None: ...

    def connection_lost(self) -> None: ...


class Connection:
    """A connection from dialling to its end."""

    def __init__(
        self,
        loop: SimLoop,
        owner: ConnectionOwner,
        conversation: Conversation,
        dial: Callable[["Connection"], Link],
        trace: hashlib.blake2b,
    ) -> None:
        self.said = conversation
        self.over = False
        # Whether hello was answered.
        self.ready = False
        self._loop = loop
        self._owner = owner
        self._trace = trace
        self._incoming = Incoming()
        self._upgraded = False
        self._next_id = 1
        self._open: dict[int, tuple[float, Packet]] = {}
        self._last_heard = loop.time()
        self._promises = Promises()
        self._look = loop.call_later(LOOK_S, self._look_after)
        self.link = dial(self)

    # Peer

    def opened(self) -> None:
        self.link.send(upgrade_request(f"chatd.v1.{'json' if self.said.text else 'msgpack'}"))
        self._owner.connected_to_server()

    def received(self, data: bytes) -> None:
        if self.over:
            return
        self._last_heard = self._loop.time()
        self._incoming.feed(data)
        if not self._upgraded:
            head = self._incoming.head()
            if head is None:
                return
            self._upgraded = head.startswith(b"HTTP/1.1 101 ")
            if not self._upgraded:
                self.hang_up()
                return
            self._owner.upgraded()
        for first, payload, offset in self._incoming.frames():
            self._trace.update(struct.pack("<d", self._loop.time()) + payload)
            self._frame(first, payload, offset)
            if self.over:
                return

    def lost(self) -> None:
        if self.over:
            return
        self.over = self.said.closed = True
        self.ready = False
        self._look.cancel()
        self.link.finish()
        self._owner.connection_lost()

    # calls of the client

    def ask(self, packet: Packet, *, again: bool = False) -> None:
        """Send a request that will be answered."""
        self.send([self.numbered(packet, again=again)])

    def numbered(self, packet: Packet, *, again: bool = False) -> Packet:
        """Give a request an id and remember it as open."""
        request = {**packet, "id": self._next_id}
        self._next_id += 1
        self._open[request["id"]] = (self._loop.time(), request)
        self._promises.asked(request)
        self.said.asked.append(SentPacket(self._loop.time(), request, again))
        return request

    def send(self, packets: list[Packet]) -> None:
        """Send one frame: a packet, or a batch."""
        self.link.send(encode(packets[0] if len(packets) == 1 else packets, self.said.text))

    def hang_up(self) -> None:
        """Close as a client does whose app is closed."""
        if self.over:
            return
        if self.link.connected:
            self.link.send(client_frame((1001).to_bytes(2, "big"), CLOSE))
        else:
            self.link.reset()
        self.lost()

    @property
    def unanswered(self) -> int:
        return len(self._open)

    @property
    def open_keys(self) -> set[str]:
        """Return the keys of the mutations that wait for an answer here."""
        return {request["key"] for _, request in self._open.values() if "key" in request}

    # packets of the daemon

    def _frame(self, first: int, payload: bytes, offset: int) -> None:
        if first in (TEXT, BINARY):
            position, written = self.link.written_at(offset)
            for packet in packets_in(payload, self.said.text):
                self.said.received.append(ReceivedPacket(self._loop.time(), packet, position, written))
                self._packet(packet)
        elif first == CLOSE:
            self.link.send(client_frame(payload[:2], CLOSE))
            self.lost()
        elif first == PING:
            self.link.send(client_frame(payload, PONG))

    def _packet(self, packet: Packet) -> None:
        try:
            self._promises.hear(packet)
        except AssertionError as broken:
            self.said.garbled = self.said.garbled or str(broken)
        if "id" in packet:
            _, request = self._open.pop(packet["id"], (0.0, {"type": "nothing"}))
            if packet["type"] == "ok" and request["type"] == "hello":
                self.ready = True
            self._owner.reply(request, packet)
        elif packet["type"] == "ping":
            self.send([{"type": "pong"}])
            self._owner.push(packet)
        else:
            self._owner.push(packet)

    def _look_after(self) -> None:
        """Give up on a daemon that does not answer."""
        now = self._loop.time()
        oldest = min((asked for asked, _ in self._open.values()), default=now)
        waiting = now - oldest if self._upgraded else now - self.said.began
        reading = not self.link.down.paused
        if reading and (waiting > ANSWER_TIMEOUT_S or now - self._last_heard > SILENCE_S):
            self.said.gave_up = now
            self.link.note("no answer: gives up")
            self.link.reset()
            return
        self._look = self._loop.call_later(LOOK_S, self._look_after)


def connector(
    dial: Callable[..., Link], address: str, lane: Any, conditions: NetworkConditions
) -> Callable[[Connection], Link]:
    """Return the function that gives a connection its link."""
    return lambda connection: dial(address, lane, connection, conditions)
