"""A connection as protocol.md has it, whatever carries its bytes; and one of a load, whose bytes come from a poller."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from bench import wire
from bench.client.poller import Connection
from bench.engine.run_state import RunState
from bench.wire import ENCODINGS, Encoding, FrameError, FrameReader, HandshakeError, Packet, Upgrade, packets

_HEAD_END = b"\r\n\r\n"


class Address(NamedTuple):
    host: str
    port: int
    path: str
    tls: bool

    @staticmethod
    @lru_cache(maxsize=64)
    def of(url: str) -> Address:
        """Parse `ws://host:port/path` or `wss://...`; the path defaults to /v1/ws. Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in ("ws", "wss") or not parts.hostname:
            raise ValueError(f"{url!r} is not a ws:// or wss:// URL")
        tls = parts.scheme == "wss"
        path = parts.path if parts.path not in ("", "/") else "/v1/ws"
        return Address(parts.hostname, parts.port or (443 if tls else 80), path, tls)


class Refused(Exception):
    """A request was answered with `error`, or its connection was lost; `packet` holds code and retry."""

    def __init__(self, packet: Packet) -> None:
        super().__init__(f"{packet.get('code')}: {packet.get('message', packet.get('retry', ''))}")
        self.packet = packet


class Dialogue:
    """The client's side of one WebSocket connection. Replies reach the callback given to `ask`, pushes `push`.

    `receive` gets every chunk of bytes, and may be replaced at any time.
    """

    receive: Callable[[memoryview], None]

    def __init__(self, address: Address, encoding: Encoding) -> None:
        self.address = address
        self.encoding = encoding
        self.subprotocol = encoding.subprotocol
        self.reader = FrameReader()
        self.receive = self._upgrading
        self._head = b""
        self._upgrade: Upgrade | None = None
        self._replies: dict[int, Callable[[Packet], None]] = {}
        self._last_id = 0

    def send(self, content: bytes) -> None:
        """Send bytes as they are; nothing once the connection is lost."""

    def upgraded(self) -> None:
        """The upgrade was accepted."""

    def closing(self, payload: bytes) -> None:
        """A close frame came."""

    def push(self, packet: Packet) -> None:
        """A packet that is no reply and no ping."""

    def ask_upgrade(self) -> None:
        host = f"{self.address.host}:{self.address.port}"
        self._upgrade = Upgrade(host, self.address.path, self.subprotocol)
        self.send(self._upgrade.request)

    def ask(self, packet: Packet, answered: Callable[[Packet], None]) -> None:
        self.write(self.numbered(packet, answered))

    def numbered(self, packet: Packet, answered: Callable[[Packet], None]) -> Packet:
        self._last_id += 1
        self._replies[self._last_id] = answered
        return {"type": packet["type"], "id": self._last_id, **packet}

    def write(self, content: Packet | list[Packet]) -> None:
        self.send(wire.client_frame(self.encoding.opcode, self.encoding.pack(content)))

    def take(self, payload: bytes) -> None:
        for packet in packets(self.encoding.unpack(payload)):
            self.route(packet)

    def route(self, packet: Packet) -> None:
        """One packet: a reply goes to its asker, a ping is answered, everything else is a push."""
        answered = self._replies.pop(packet.get("id", 0), None)
        if answered is not None:
            answered(packet)
        elif packet["type"] == "ping":
            self.write({"type": "pong"})
        else:
            self.push(packet)

    def control(self, opcode: int, payload: bytes) -> None:
        """A control frame. Raises FrameError for a frame of another kind."""
        if opcode == wire.PING:
            self.send(wire.client_frame(wire.PONG, payload))
        elif opcode == wire.CLOSE:
            self.closing(payload)
        elif opcode != wire.PONG:
            raise FrameError(f"the server sent a frame of the wrong kind ({opcode})")

    def reading(self, view: memoryview) -> None:
        """Decode everything; `receive` is this once the connection is upgraded."""
        for opcode, payload in self.reader.feed(bytes(view)):
            if opcode == self.encoding.opcode:
                self.take(payload)
            else:
                self.control(opcode, payload)

    def _upgrading(self, view: memoryview) -> None:
        head, end, rest = (self._head + bytes(view)).partition(_HEAD_END)
        if not end:
            self._head = head
            if len(head) > wire.HANDSHAKE_BYTES_MAX:
                raise HandshakeError("the answer to the upgrade does not end")
            return
        assert self._upgrade is not None
        self._upgrade.check(head)
        self._upgrade, self._head = None, b""
        self.receive = self.reading
        self.upgraded()
        if rest:
            self.receive(memoryview(rest))


class Device(Connection, Dialogue):
    """A connection that enters with the given hello, or is in once it is upgraded; subclasses hear its packets."""

    def __init__(self, state: RunState, hello: Packet | None = None, name: str = "a device") -> None:
        Connection.__init__(self, state.poller)
        Dialogue.__init__(self, Address.of(state.access.url), ENCODINGS[state.access.encoding])
        self.state = state
        self.name = name
        self._hello = hello

    def enter(self, number: int) -> None:
        self.dial(self.address.host, self.address.port, self.state.access.source(number))

    def welcome(self, reply: Packet) -> None:
        """The hello was answered."""

    def refused(self, reply: Packet) -> None:
        """The hello was answered with an error."""
        self.end(f"hello: {reply['code']}")

    def gone(self, reason: str) -> None:
        """The connection is lost, before or after the hello."""

    def connected(self) -> None:
        self.ask_upgrade()

    def upgraded(self) -> None:
        if self._hello is not None:
            self.ask(self._hello, self._greeted)
        else:
            self._greeted({"type": "ok"})

    def closing(self, payload: bytes) -> None:
        self.end(f"close {wire.close_code(payload)}")

    def garbled(self, fault: str) -> None:
        """Who comes back misses nothing, so that nothing but this tells of it."""
        self.state.tally.add("altered", f"{self.name} got what cannot be read: {fault}")
        super().garbled(fault)

    def lost(self, reason: str) -> None:
        self.state.failures[reason] += 1
        self.gone(reason)

    def _greeted(self, reply: Packet) -> None:
        if reply["type"] == "ok":
            self.state.entered += 1
            self.welcome(reply)
        else:
            self.refused(reply)
