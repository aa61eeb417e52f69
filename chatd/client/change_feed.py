"""The path of changes to the app: callbacks, and an async iterator on top of them.

The queue of an iterator is bounded. A reader that lags by more than the bound loses the changes it has not read and
gets one `ChangesMissed` instead: the rooms hold the current state, so only the steps that led to it are lost. The
socket is never slowed down by a slow reader, for that would cost the connection.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from .core.changes import Change, ChangesMissed

log = logging.getLogger(__name__)

Listener = Callable[[Change], None]


class ChangeFeed:
    """The changes of one client, to any number of listeners, in order."""

    def __init__(self) -> None:
        self._listeners: dict[object, Listener] = {}

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every change, at once and on the event loop; the result ends it.

        A listener must return soon. What it raises is logged.
        """
        token = object()
        self._listeners[token] = listener
        return lambda: self._unsubscribe(token)

    def emit(self, change: Change) -> None:
        """Call every listener with `change`."""
        for listener in tuple(self._listeners.values()):
            try:
                listener(change)
            except Exception:
                # A fault of the app must not cost the connection.
                log.exception("a listener failed at %r", change)

    def _unsubscribe(self, token: object) -> None:
        self._listeners.pop(token, None)


class ChangeStream:
    """An async iterator of changes; it sees everything from its creation on, until it or the client is closed."""

    def __init__(self, feed: ChangeFeed, bound: int) -> None:
        self._waiting: deque[Change] = deque()
        self._bound = bound
        self._missed = 0
        self._ended = False
        self._wake = asyncio.Event()
        self._unsubscribe = feed.subscribe(self._put)

    def __aiter__(self) -> "ChangeStream":
        return self

    async def __anext__(self) -> Change:
        while not self._waiting:
            if self._ended:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        change = self._waiting.popleft()
        if isinstance(change, ChangesMissed):
            self._missed = 0
        return change

    def __len__(self) -> int:
        """Return the number of changes that wait to be read."""
        return len(self._waiting)

    def end(self) -> None:
        """Take no more changes; those that are queued can still be read, then the iteration ends."""
        self._unsubscribe()
        self._ended = True
        self._wake.set()

    def _put(self, change: Change) -> None:
        if len(self._waiting) >= self._bound:
            self._missed += len(self._waiting) - (1 if self._missed else 0)
            self._waiting.clear()
            self._waiting.append(ChangesMissed(self._missed))
        self._waiting.append(change)
        self._wake.set()
