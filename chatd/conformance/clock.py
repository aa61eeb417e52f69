"""The clock of a scenario: that of the machine, or the one of the testee, which the kit moves."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from .scripted_server import ScriptedServer
from .testee import Testee

STEP_S = 0.05
"""Step of a virtual clock whose testee does not say when its next timer is due."""

HANDLED_S = 0.02
"""Time for a client to handle what has reached its socket."""

ROUNDS_MAX = 2000
"""Rounds after which a client that does not come to rest is said to be in a loop."""


class Restless(Exception):
    """A client does not come to rest although its clock stands still."""


class Clock(Protocol):
    """Seconds since the scenario began. `until` returns at `deadline`, or as soon as `ready` says so."""

    virtual: bool

    def now(self) -> float: ...
    async def settle(self) -> None:
        """Return when the client has handled everything so far, as far as that can be known."""
        ...

    async def until(self, deadline: float, ready: Callable[[], bool]) -> None: ...


class RealClock:
    """The clock of the machine."""

    virtual = False

    def __init__(self) -> None:
        self.server: ScriptedServer | None = None
        self._begun = asyncio.get_running_loop().time()
        self._changed = asyncio.Event()
        self._seen = 0

    def now(self) -> float:
        return asyncio.get_running_loop().time() - self._begun

    def wake(self) -> None:
        """Look again: something arrived."""
        self._changed.set()

    async def settle(self) -> None:
        """Give the client a moment for what was sent: nobody knows when it has handled it, and a user takes longer."""
        if self.server is not None and self.server.activity != self._seen:
            await self.server.exchanged()
            await asyncio.sleep(HANDLED_S)
            self._seen = self.server.activity

    async def until(self, deadline: float, ready: Callable[[], bool]) -> None:
        while not ready() and (left := deadline - self.now()) > 0:
            self._changed.clear()
            try:
                async with asyncio.timeout(left):
                    await self._changed.wait()
            except TimeoutError:
                return


class VirtualClock:
    """The clock of the testee, which stands still until the kit moves it.

    Before it moves, everything that is under way has arrived, on both sides, and nothing has come of it any more: so a
    run is the same on every machine.
    """

    virtual = True

    def __init__(self) -> None:
        self._now = 0.0
        self._next: float | None = None
        self._tells_next = False
        # None while the app is killed.
        self.testee: Testee | None = None
        self.server: ScriptedServer | None = None

    def now(self) -> float:
        return self._now

    def wake(self) -> None:
        """Nothing to do: arrivals are counted."""

    async def settle(self) -> None:
        assert self.server is not None
        for _ in range(ROUNDS_MAX):
            seen = self.server.activity
            await self.server.exchanged()
            await self._clock(0.0)
            await self.server.exchanged()
            if self.server.activity == seen:
                return
        raise Restless("the client goes on and on although its clock stands still")

    async def until(self, deadline: float, ready: Callable[[], bool]) -> None:
        await self.settle()
        while not ready() and self._now < deadline - 1e-9:
            step = STEP_S if self._next is None and not self._tells_next else self._next
            await self._clock(min(deadline - self._now, step if step is not None else deadline))
            await self.settle()

    async def _clock(self, seconds: float) -> None:
        # Time has passed before what is due happens.
        self._now += seconds
        if self.testee is None:
            return
        answer = await self.testee.ask("clock", advance_ms=1000 * seconds)
        next_ms = answer.get("next_ms")
        self._tells_next = self._tells_next or next_ms is not None
        self._next = None if next_ms is None else max(next_ms / 1000, 0.001)
