"""One device of a load: dials, upgrades, says hello; the lean relative of bench/phone.py, on a pump."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from bench import frames, tokens
from bench.codec import ENCODINGS, Packet, packets
from bench.engine.pump import Link, Pump
from bench.frames import FrameReader, Upgrade
from bench.phone import Address

_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Access:
    """Where devices dial to, in which encoding, and from which local addresses in turn."""

    url: str
    secret: str
    encoding: str = "msgpack"
    sources: tuple[str, ...] = ()

    def hello(self, user: str, device: str, **more: object) -> Packet:
        """A hello without a cursor."""
        token = tokens.token(user, self.secret)
        return {"type": "hello", "version": 1, "token": token, "device": device, "previews": False, **more}

    def source(self, number: int) -> str:
        """The local address of the device with this number; empty: the system's choice."""
        return self.sources[number % len(self.sources)] if self.sources else ""


@dataclass
class Gate:
    """What all devices of a process share while they come in: how many are, and why some are not."""

    entered: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def failed(self) -> int:
        """How many were not let in or lost."""
        return sum(self.failures.values())

    def fail(self, reason: str) -> None:
        """One more that did not get in, or was lost later."""
        self.failures[reason] += 1


class Device(Link):
    """A connection that enters with the given hello, or is in once it is upgraded; subclasses hear its packets."""

    def __init__(self, pump: Pump, access: Access, gate: Gate, hello: Packet | None) -> None:
        super().__init__(pump)
        self.receive = self._upgrading
        self.encoding = ENCODINGS[access.encoding]
        self.subprotocol = self.encoding.subprotocol
        self.reader = FrameReader()
        self.dialled_ns = 0
        self.gate = gate
        self._access = access
        self._hello = hello
        self._address = Address.of(access.url)
        self._head = b""
        self._upgrade: Upgrade | None = None
        self._replies: dict[int, Callable[[Packet], None]] = {}
        self._last_id = 0

    def enter(self, number: int) -> None:
        """Dials; everything else follows by itself. Raises OSError."""
        self.dialled_ns = time.perf_counter_ns()
        self.dial(self._address.host, self._address.port, self._access.source(number))

    def welcome(self, reply: Packet) -> None:
        """The hello was answered."""

    def push(self, packet: Packet) -> None:
        """A packet that is no reply and no ping."""

    def gone(self, reason: str) -> None:
        """The connection is lost, before or after the hello."""

    def ask(self, packet: Packet, answered: Callable[[Packet], None]) -> None:
        """Sends one request; `answered` gets the reply."""
        self.write(self.numbered(packet, answered))

    def numbered(self, packet: Packet, answered: Callable[[Packet], None]) -> Packet:
        """The packet with the next request id, whose reply is awaited from now on."""
        self._last_id += 1
        self._replies[self._last_id] = answered
        return {"type": packet["type"], "id": self._last_id, **packet}

    def write(self, content: Packet | list[Packet]) -> None:
        """Sends one packet, or several as one batch frame."""
        self.send(frames.client_frame(self.encoding.opcode, self.encoding.pack(content)))

    def take(self, payload: bytes) -> None:
        """One data message."""
        for packet in packets(self.encoding.unpack(payload)):
            self.route(packet)

    def route(self, packet: Packet) -> None:
        """One packet: a reply to its asker, a ping answered, everything else to `push`."""
        answered = self._replies.pop(packet.get("id", 0), None)
        if answered is not None:
            answered(packet)
        elif packet["type"] == "ping":
            self.write({"type": "pong"})
        else:
            self.push(packet)

    def control(self, opcode: int, payload: bytes) -> None:
        """A control frame: pings are answered, a close ends the connection."""
        if opcode == frames.PING:
            self.send(frames.client_frame(frames.PONG, payload))
        elif opcode == frames.CLOSE:
            self.drop()
            self.lost(f"close {frames.close_code(payload)}")

    def reading(self, view: memoryview) -> None:
        """Decodes everything; what `receive` is once the connection is upgraded."""
        for opcode, payload in self.reader.feed(bytes(view)):
            if opcode == self.encoding.opcode:
                self.take(payload)
            else:
                self.control(opcode, payload)

    def connected(self) -> None:
        """Sends the upgrade request."""
        host = f"{self._address.host}:{self._address.port}"
        self._upgrade = Upgrade(host, self._address.path, self.subprotocol)
        self.send(self._upgrade.request)

    def upgraded(self) -> None:
        """The upgrade was accepted: says hello, or is in."""
        if self._hello is not None:
            self.ask(self._hello, self._greeted)
        else:
            self._greeted({"type": "ok"})

    def lost(self, reason: str) -> None:
        """The connection failed or ended."""
        self.gate.fail(reason)
        self.gone(reason)

    def _upgrading(self, view: memoryview) -> None:
        self._head += view
        head, end, rest = self._head.partition(_HEAD_END)
        if not end:
            return
        assert self._upgrade is not None
        self._upgrade.check(head)
        self._upgrade, self._head = None, b""
        self.receive = self.reading
        self.upgraded()
        if rest:
            self.receive(memoryview(rest))

    def _greeted(self, reply: Packet) -> None:
        if reply["type"] != "ok":
            self.drop()
            self.lost(f"hello: {reply['code']}")
            return
        self.gate.entered += 1
        self.welcome(reply)
