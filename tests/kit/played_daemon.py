"""The daemon at the other end of the socket of a process for files, as a test plays it."""

import asyncio
from typing import Any

import msgspec

from chatd.media.interface import FromProcess
from chatd.protocol.process_frames import FrameReader, Kind, decode, frame


class PlayedDaemon:
    """What a process says, one after the other, and what it is told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer, self._frames = reader, writer, FrameReader()
        self._heard: list[tuple[Kind, bytes]] = []

    async def hear(self) -> Any:
        """Return the next message, or the kind of a frame without one."""
        while not self._heard:
            self._heard += self._frames.feed(await self._reader.read(1 << 16))
        kind, payload = self._heard.pop(0)
        return decode(payload, FromProcess) if kind == Kind.CONTENT else kind

    def say(self, message: msgspec.Struct | Kind) -> None:
        self.say_bytes(frame(message) if isinstance(message, Kind) else frame(Kind.CONTENT, message))

    def say_bytes(self, data: bytes) -> None:
        self._writer.write(data)

    def hang_up(self) -> None:
        self._writer.close()
