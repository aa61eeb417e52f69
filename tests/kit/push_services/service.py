"""The part that all push services of the tests have in common: faults to come, a gate, and what was accepted."""

import asyncio
from collections import deque
from typing import Any, Self

from tests.kit.push_services.authority import Authority
from tests.kit.push_services.listener import Fault, Listener, Request, Response

Told = Response | Fault


class Service:
    """`next`: what becomes of the requests to come, one each, whatever they say; `always`: of all of them.

    `objections`: breaches of the published protocol that a real service would overlook; a test wants none.
    `requests`: all that came. `listener`: to drop connections and to send GOAWAY.
    """

    def __init__(self, authority: Authority | None = None, streams: int = 1000) -> None:
        self.next: deque[Told] = deque()
        self.always: Told | None = None
        self.requests: list[Request] = []
        self.objections: list[str] = []
        self.listener = Listener(self._on_request, authority, streams)
        self._changed = asyncio.Event()
        self._gate = asyncio.Event()
        self._gate.set()

    @property
    def url(self) -> str:
        return self.listener.url

    async def __aenter__(self) -> Self:
        await self.listener.__aenter__()
        return self

    async def __aexit__(self, *rest: object) -> None:
        await self.listener.__aexit__(*rest)

    def hold(self) -> None:
        """Keep requests waiting from now on, until `release`."""
        self._gate.clear()

    def release(self) -> None:
        self._gate.set()

    async def until(self, condition: Any, timeout_s: float = 60.0) -> None:
        """Wait until a condition holds; it is looked at whenever a request came or was answered."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def came(self, count: int) -> None:
        """Wait until so many requests came, answered or not."""
        await self.until(lambda: len(self.requests) >= count)

    async def _on_request(self, request: Request) -> Told:
        self.requests.append(request)
        self._changed.set()
        await self._gate.wait()
        told = self.next.popleft() if self.next else self.always
        try:
            return told or await self.answer(request)
        except Exception as problem:
            self.objections.append(repr(problem))
            return Response(500)
        finally:
            self._changed.set()

    async def answer(self, request: Request) -> Told:
        """Answer as the real service does."""
        raise AssertionError("every service answers")
