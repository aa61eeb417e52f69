"""A store that can be made to fail and to wait: it wraps a real one."""

import asyncio
from collections import Counter, deque
from typing import Any

from chatd.storage.interface import Store


class Hold:
    """One call that waits. `reached` is set when it does; `release` lets it continue."""

    def __init__(self, *, after: bool) -> None:
        self.after = after
        self.reached = asyncio.Event()
        self._released = asyncio.Event()

    def release(self) -> None:
        self._released.set()

    async def wait(self) -> None:
        self.reached.set()
        await self._released.wait()


class TamperedStore:
    """A store with the methods of the one it wraps. `calls` counts the calls of each method."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._failures: dict[str, deque[Exception]] = {}
        self._holds: dict[str, deque[Hold]] = {}
        self._waiting: list[Hold] = []
        self.calls: Counter[str] = Counter()

    def fail(self, method: str, error: Exception) -> None:
        """Make the next call of `method` that has no failure yet raise `error` and do nothing."""
        self._failures.setdefault(method, deque()).append(error)

    def hold(self, method: str, *, after: bool = False) -> Hold:
        """Make the next call of `method` wait before it does anything; with `after`, when it has its result."""
        hold = Hold(after=after)
        self._holds.setdefault(method, deque()).append(hold)
        self._waiting.append(hold)
        return hold

    def release_all(self) -> None:
        """Let everything continue, now and later: for the end of a test, also of one that failed."""
        for hold in self._waiting:
            hold.release()

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)
        if not asyncio.iscoroutinefunction(real):
            return real

        async def tampered(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] += 1
            holds, failures = self._holds.get(name), self._failures.get(name)
            hold = holds.popleft() if holds else None
            if hold is not None and not hold.after:
                await hold.wait()
            if failures:
                raise failures.popleft()
            result = await real(*args, **kwargs)
            if hold is not None and hold.after:
                await hold.wait()
            return result

        return tampered
