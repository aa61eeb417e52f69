"""The sender as a process of its own: it talks to the daemon over one socket, and ends when that does."""

import asyncio
import logging
import socket
from collections.abc import Sequence
from typing import cast

from chatd.env import Env
from chatd.protocol.process_frames import FrameReader, Kind, decode, frame
from chatd.push.handover import SenderSettings
from chatd.push.interface import Answer, Delivery
from chatd.push.sender.services import LocalSender

log = logging.getLogger(__name__)


async def serve(pipe: socket.socket, settings: SenderSettings, env: Env) -> None:
    """Send what the daemon hands over, until it ends the conversation."""
    loop = asyncio.get_running_loop()
    pipe.setblocking(False)
    daemon = _Daemon()
    daemon.sender = LocalSender(settings, env, daemon.answer)
    await loop.create_unix_connection(lambda: daemon, sock=pipe)
    try:
        await daemon.ended.wait()
    finally:
        await daemon.sender.close()


class _Daemon(asyncio.Protocol):
    """The daemon at the other end of the socket."""

    sender: LocalSender

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._write(frame(Kind.READY))

    def data_received(self, data: bytes) -> None:
        for kind, payload in self._reader.feed(data):
            if kind == Kind.PING:
                self._write(frame(Kind.PONG))
            elif kind == Kind.CONTENT:
                self.sender.send(decode(payload, list[Delivery]))

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()

    def answer(self, answers: Sequence[Answer]) -> None:
        self._write(frame(Kind.CONTENT, answers))

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
