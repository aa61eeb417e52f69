"""One connection of one device: an independent, minimal client of protocol.md on a raw asyncio.Protocol.

It knows frames, requests and replies; what a chat client keeps (positions, an outbox) lives above it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

from bench import frames
from bench.codec import Encoding, Packet, packets
from bench.frames import FrameError, FrameReader, HandshakeError, Upgrade

CONNECT_TIMEOUT_S = 20.0  # the daemon gives an upgrade 10 s; a connection storm gets twice that
REQUEST_TIMEOUT_S = (
    30.0  # a phone waits 10 s (protocol.md "Client side"); a loaded machine gets three times that
)

LOST: Packet = {"type": "error", "code": "connection_lost", "retry": "later"}


class Address(NamedTuple):
    """Where a daemon listens, from its URL."""

    host: str
    port: int
    path: str
    tls: bool

    @classmethod
    def of(cls, url: str) -> Address:
        """Parses `ws://host:port/path` or `wss://...`; the path defaults to /v1/ws. Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in ("ws", "wss") or not parts.hostname:
            raise ValueError(f"{url!r} is not a ws:// or wss:// URL")
        tls = parts.scheme == "wss"
        path = parts.path if parts.path not in ("", "/") else "/v1/ws"
        return cls(parts.hostname, parts.port or (443 if tls else 80), path, tls)


class Refused(Exception):
    """A request was answered with `error`, or its connection was lost; `packet` holds code and retry."""

    def __init__(self, packet: Packet) -> None:
        super().__init__(f"{packet.get('code')}: {packet.get('message', packet.get('retry', ''))}")
        self.packet = packet


class Phone(asyncio.Protocol):
    """One WebSocket connection. Replies reach the callback given to `ask`, everything else `on_push`.

    `on_payload` gets every data message first and may keep it from being decoded; `take` is the ordinary way.
    """

    def __init__(self, upgrade: Upgrade, encoding: Encoding) -> None:
        loop = asyncio.get_running_loop()
        self.on_payload: Callable[[bytes], None] = self.take
        self.on_push: Callable[[Packet], None] = _ignore
        self.upgraded: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()
        self.garbled = ""  # what was wrong with bytes that could not be read
        self._encoding = encoding
        self._upgrade: Upgrade | None = upgrade
        self._head = b""
        self._reader = FrameReader()
        self._replies: dict[int, Callable[[Packet], None]] = {}
        self._last_id = 0
        self._end = str(frames.LOST)
        self._transport: asyncio.Transport | None = None

    @property
    def alive(self) -> bool:
        """Whether what is sent now may arrive, and whoever asks will be told."""
        return self._transport is not None

    def ask(self, packet: Packet, answered: Callable[[Packet], None]) -> None:
        """Sends one request; `answered` gets its `ok` or `error`, or LOST when the connection goes first."""
        if self._transport is None:
            asyncio.get_running_loop().call_soon(answered, LOST)
        else:
            self.write(self.numbered(packet, answered))

    async def request(self, packet: Packet) -> Packet:
        """Sends one request and waits for its `ok`. Raises Refused, TimeoutError after REQUEST_TIMEOUT_S."""
        reply: asyncio.Future[Packet] = asyncio.get_running_loop().create_future()
        self.ask(packet, lambda answer: None if reply.done() else reply.set_result(answer))
        answer = await asyncio.wait_for(reply, REQUEST_TIMEOUT_S)
        if answer["type"] != "ok":
            raise Refused(answer)
        return answer

    def numbered(self, packet: Packet, answered: Callable[[Packet], None]) -> Packet:
        """The packet with the next request id; the reply is awaited from now on. Only while `alive`."""
        self._last_id += 1
        self._replies[self._last_id] = answered
        return {"type": packet["type"], "id": self._last_id, **packet}

    def write(self, content: Packet | list[Packet]) -> None:
        """Sends one packet, or several as one batch frame; nothing once the connection is lost."""
        self._send(self._encoding.opcode, self._encoding.pack(content))

    def send(self, payload: bytes) -> None:
        """Sends bytes as one message, whatever they are; nothing once the connection is lost."""
        self._send(self._encoding.opcode, payload)

    def cut(self) -> None:
        """Drops the connection as a dead link would: no close frame, unsent and unread bytes are gone."""
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        """Closes normally and waits until the connection is gone."""
        self._send(frames.CLOSE, frames.NORMAL_CLOSE.to_bytes(2, "big"))
        try:
            await asyncio.wait_for(asyncio.shield(self.lost), CONNECT_TIMEOUT_S)
        except TimeoutError:
            self.cut()

    def take(self, payload: bytes) -> None:
        """Decodes one data message and hands its packets to whom they belong."""
        for packet in packets(self._encoding.unpack(payload)):
            self.route(packet)

    def route(self, packet: Packet) -> None:
        """One packet: a reply to its asker, a ping answered, everything else to `on_push`."""
        answered = self._replies.pop(packet.get("id", 0), None)
        if answered is not None:
            answered(packet)
        elif packet["type"] == "ping":
            self.write({"type": "pong"})
            self.on_push(packet)
        else:
            self.on_push(packet)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends the upgrade request."""
        assert self._upgrade is not None
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one only in spirit
        self._transport.write(self._upgrade.request)

    def data_received(self, data: bytes) -> None:
        """Bytes in: the answer to the upgrade first, frames from then on."""
        try:
            if self._upgrade is not None:
                data = self._answer(self._upgrade, data)
            for opcode, payload in self._reader.feed(data):
                if opcode == self._encoding.opcode:
                    self.on_payload(payload)
                else:
                    self._control(opcode, payload)
        except HandshakeError as error:
            self._end = str(error)
            self.cut()
        except Exception as error:
            # Whatever a server sends, one connection ends with the reason; the run goes on and reports it.
            self._end = self.garbled = str(error) if isinstance(error, FrameError) else repr(error)
            self.cut()

    def connection_lost(self, error: Exception | None) -> None:
        """Tells everybody who still waits."""
        self._transport = None
        waiting, self._replies = self._replies, {}
        for answered in waiting.values():
            answered(LOST)
        if not self.upgraded.done():
            self.upgraded.set_exception(HandshakeError(f"no answer to the upgrade: {self._end}"))
        if not self.lost.done():
            self.lost.set_result(self._end)

    def _answer(self, upgrade: Upgrade, data: bytes) -> bytes:
        head, end, rest = (self._head + data).partition(b"\r\n\r\n")
        if not end:
            self._head = head
            if len(head) > frames.HANDSHAKE_BYTES_MAX:
                raise HandshakeError("the answer to the upgrade does not end")
            return b""
        upgrade.check(head)
        self._upgrade = None
        self.upgraded.set_result(None)
        return rest

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == frames.PING:
            self._send(frames.PONG, payload)
        elif opcode == frames.CLOSE:
            self._end = str(frames.close_code(payload))
            self._send(frames.CLOSE, payload[:2])
            if self._transport is not None:
                self._transport.close()
        elif opcode != frames.PONG:
            raise FrameError(f"the server sent a frame of the wrong kind ({opcode})")

    def _send(self, opcode: int, payload: bytes) -> None:
        if self._transport is not None:
            self._transport.write(frames.client_frame(opcode, payload))


async def connect(
    address: Address, encoding: Encoding, context: ssl.SSLContext | None = None, source: str = ""
) -> Phone:
    """A connection that is upgraded but has not said hello. Raises OSError, TimeoutError, HandshakeError.

    `context`: TLS that is not the usual one; `source`: the local address.
    """
    host = f"{address.host}:{address.port}"
    upgrade = Upgrade(host, address.path, encoding.subprotocol)
    tls = context or ssl.create_default_context() if address.tls else None
    local = (source, 0) if source else None
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        _, phone = await loop.create_connection(
            lambda: Phone(upgrade, encoding), address.host, address.port, ssl=tls, local_addr=local
        )
        try:
            await phone.upgraded
        except BaseException:
            phone.cut()
            raise
    return phone


def _ignore(packet: Any) -> None:
    """A phone nobody listens to."""
