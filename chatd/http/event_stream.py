"""Server-sent events (HTML Living Standard, 9.2): each is encoded once, for all watchers of a stream.

A watcher that does not read is cut: when WAITING_MAX events wait for it, or by the listener, when its socket takes
nothing (http/http_protocol.py). The browser connects again by itself, and is sent everything anew.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

MEDIA_TYPE = "text/event-stream"
WAITING_MAX = 2  # two seconds of figures: who is later than that sees a lie
KEEP_ALIVE = b":\n\n"  # a comment, which proxies and browsers take for a sign of life
KEEP_ALIVE_S = 15.0  # proxies cut after 60 s of silence


def encoded(name: str, data: Any) -> bytes:
    """Return one event as bytes; `data` as JSON in one line."""
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


class Watcher:
    """One open response of a stream. `cut` resets its connection."""

    def __init__(self, stream: "EventStream", cut: Callable[[], None]) -> None:
        self._stream = stream
        self._cut = cut
        self._waiting: deque[bytes] = deque()
        self._arrived = asyncio.Event()

    def put(self, event: bytes) -> None:
        """Queue an event, or cut the watcher when too many wait."""
        if len(self._waiting) >= WAITING_MAX:
            self.cut()
        else:
            self._waiting.append(event)
            self._arrived.set()

    def cut(self) -> None:
        """Reset its connection, and forget it."""
        self.leave()
        self._cut()

    def leave(self) -> None:
        """Leave the stream; idempotent."""
        self._waiting.clear()
        self._stream.forget(self)

    async def events(self) -> AsyncIterator[bytes]:
        """Give the events of the stream from now on, and signs of life in between."""
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            self._arrived.clear()
            try:
                async with asyncio.timeout(KEEP_ALIVE_S):
                    await self._arrived.wait()
            except TimeoutError:
                yield KEEP_ALIVE


class EventStream:
    """The watchers of one stream: at most `watchers_max`. `begin` is called at the first of them, `end` at the last."""

    def __init__(
        self,
        watchers_max: int,
        begin: Callable[[], None] = lambda: None,
        end: Callable[[], None] = lambda: None,
    ) -> None:
        self.watchers_max = watchers_max
        self._begin = begin
        self._end = end
        self._watchers: set[Watcher] = set()

    def __len__(self) -> int:
        return len(self._watchers)

    def resize(self, watchers_max: int) -> None:
        """Let another number of watchers in from now on."""
        self.watchers_max = watchers_max

    def watch(self, cut: Callable[[], None]) -> Watcher | None:
        """Return a new watcher, whose connection `cut` resets; None when there are as many as may be."""
        if len(self._watchers) >= self.watchers_max:
            return None
        watcher = Watcher(self, cut)
        self._watchers.add(watcher)
        if len(self._watchers) == 1:
            self._begin()
        return watcher

    def publish(self, event: bytes) -> None:
        """Give an event to all watchers."""
        for watcher in tuple(self._watchers):
            watcher.put(event)

    def forget(self, watcher: Watcher) -> None:
        """Take a watcher out."""
        if watcher in self._watchers:
            self._watchers.remove(watcher)
            if not self._watchers:
                self._end()

    def close(self) -> None:
        """Cut all watchers."""
        for watcher in tuple(self._watchers):
            watcher.cut()
