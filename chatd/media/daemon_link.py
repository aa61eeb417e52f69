"""The socket to the daemon, as the process of media has it: questions and answers by number, and what it is told."""

import asyncio
from collections.abc import Callable
from typing import cast

from msgspec import structs

from chatd.media.interface import (
    Answer,
    Condition,
    Continue,
    Daemon,
    Delete,
    Deleted,
    Drain,
    Failed,
    Live,
    Question,
    ToProcess,
)
from chatd.protocol.errors import ChatError, Refused, Unavailable
from chatd.protocol.process_frames import FrameReader, Kind, decode, frame

ANSWER_S = 5.0
# Of failures that are the daemon's, and pass.
PASSING = frozenset({"overloaded", "timeout", "internal", "aborted"})


class DaemonLink(asyncio.Protocol, Daemon):
    """The daemon at the other end. `ended`: it is gone, or wants this process to end."""

    def __init__(self, on_delete: Callable[[Delete], None]) -> None:
        self.ended = asyncio.Event()
        self._on_delete = on_delete
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.ended.set()

    def data_received(self, data: bytes) -> None:
        for kind, payload in self._reader.feed(data):
            if kind == Kind.PING:
                self._write(frame(Kind.PONG))
            elif kind == Kind.CONTENT:
                self._take(decode(payload, ToProcess))

    def ready(self) -> None:
        """Say that the process works: from now on it is told and asked."""
        self._write(frame(Kind.READY))

    async def ask(self, request: Question) -> Answer:
        """Return the answer. Raises Refused for `Failed`, Unavailable without one in 5 s."""
        self._number += 1
        number = self._number
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._write(frame(Kind.CONTENT, structs.replace(request, id=number)))
            async with asyncio.timeout(ANSWER_S):
                return await answer
        except TimeoutError:
            raise Unavailable("timeout", "the daemon does not answer") from None
        finally:
            del self._waiting[number]

    def tell(self, message: Continue | Deleted | Live | Condition) -> None:
        self._write(frame(Kind.CONTENT, message))

    def _take(self, message: ToProcess) -> None:
        if isinstance(message, Drain):
            self.ended.set()
        elif isinstance(message, Delete):
            self._on_delete(message)
        elif (waiting := self._waiting.get(message.id)) is not None and not waiting.done():
            if isinstance(message, Failed):
                waiting.set_exception(failure_of(message))
            else:
                waiting.set_result(message)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


def failure_of(failed: Failed) -> ChatError:
    kind = Unavailable if failed.code in PASSING else Refused
    return kind(
        failed.code,
        retry_after=failed.retry_after or None,
        scope=failed.scope or None,
        field=failed.field or None,
    )
