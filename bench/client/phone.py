"""A connection on asyncio, awaited request by request: for all that is done before, after or beside a measurement."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, cast

from bench import wire
from bench.client.device import Address, Dialogue, Refused
from bench.wire import Encoding, FrameError, HandshakeError, Packet

CONNECT_TIMEOUT_S = 120.0  # as for an answer
# A phone waits 10 s (protocol.md "Client side"); a machine with thirty others at work gets twelve times that.
REQUEST_TIMEOUT_S = 120.0

LOST: Packet = {"type": "error", "code": "connection_lost", "retry": "later"}


class Phone(Dialogue, asyncio.Protocol):
    """One connection. Whoever waits for a reply gets LOST when the connection goes first.

    `on_payload` gets every data message first and may keep it from being decoded; `on_push` gets the pushes.
    """

    def __init__(self, address: Address, encoding: Encoding) -> None:
        super().__init__(address, encoding)
        loop = asyncio.get_running_loop()
        self.on_payload: Callable[[bytes], None] = super().take
        self.on_push: Callable[[Packet], None] = _ignore
        self.entered: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()
        self._end = str(wire.LOST)
        self._transport: asyncio.Transport | None = None

    @property
    def alive(self) -> bool:
        """Whether what is sent now may arrive, and whoever asks will be told."""
        return self._transport is not None

    def ask(self, packet: Packet, answered: Callable[[Packet], None]) -> None:
        if self._transport is None:
            asyncio.get_running_loop().call_soon(answered, LOST)
        else:
            super().ask(packet, answered)

    async def request(self, packet: Packet) -> Packet:
        """Send one request and wait for its `ok`. Raises Refused, TimeoutError after REQUEST_TIMEOUT_S."""
        reply: asyncio.Future[Packet] = asyncio.get_running_loop().create_future()
        self.ask(packet, lambda answer: None if reply.done() else reply.set_result(answer))
        async with asyncio.timeout(REQUEST_TIMEOUT_S):
            answer = await reply
        if answer["type"] != "ok":
            raise Refused(answer)
        return answer

    def send(self, content: bytes) -> None:
        if self._transport is not None:
            self._transport.write(content)

    def send_payload(self, payload: bytes) -> None:
        self.send(wire.client_frame(self.encoding.opcode, payload))

    def cut(self) -> None:
        """Drop the connection as a dead link would: no close frame, unsent and unread bytes are gone."""
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        self.send(wire.client_frame(wire.CLOSE, wire.NORMAL_CLOSE.to_bytes(2, "big")))
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await asyncio.shield(self.lost)
        except TimeoutError:
            self.cut()

    def take(self, payload: bytes) -> None:
        self.on_payload(payload)

    def push(self, packet: Packet) -> None:
        self.on_push(packet)

    def upgraded(self) -> None:
        self.entered.set_result(None)

    def closing(self, payload: bytes) -> None:
        self._end = str(wire.close_code(payload))
        self.send(wire.client_frame(wire.CLOSE, payload[:2]))
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one only in spirit
        self.ask_upgrade()

    def data_received(self, data: bytes) -> None:
        try:
            self.receive(memoryview(data))
        except Exception as error:
            # Whatever a server sends, one connection ends with the reason; the run goes on and reports it.
            self._end = str(error) if isinstance(error, FrameError | HandshakeError) else repr(error)
            self.cut()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        waiting, self._replies = self._replies, {}
        for answered in waiting.values():
            answered(LOST)
        if not self.entered.done():
            self.entered.set_exception(HandshakeError(f"no answer to the upgrade: {self._end}"))
        if not self.lost.done():
            self.lost.set_result(self._end)


async def connect(
    address: Address, encoding: Encoding, context: ssl.SSLContext | None = None, source: str = ""
) -> Phone:
    """A connection that is upgraded but has not said hello. Raises OSError, TimeoutError, HandshakeError.

    `context`: TLS that is not the usual one; `source`: the local address.
    """
    tls = context or ssl.create_default_context() if address.tls else None
    local = (source, 0) if source else None
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        _, phone = await loop.create_connection(
            lambda: Phone(address, encoding), address.host, address.port, ssl=tls, local_addr=local
        )
        try:
            await phone.entered
        except BaseException:
            phone.cut()
            raise
    return phone


def _ignore(packet: Any) -> None:
    """A phone nobody listens to."""
