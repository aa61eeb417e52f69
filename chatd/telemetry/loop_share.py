"""The share of the event loop that background work may take: it rests in proportion to the CPU time that it used."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from typing import Any, ParamSpec, TypeVar, cast

from chatd.env import Env

P = ParamSpec("P")
T = TypeVar("T")

# A timer that comes so much too late: others wait for the loop, whatever the queue says.
LATE_S = 0.003
# While work rests, a queue that comes or goes is noticed within this.
LOOK_S = 0.05


class LoopShare:
    """A share of one core, for all work that is given the same object.

    CPU time that was used is owed, and time that passes pays for it, so fast that the work takes `share` of the time
    on average, and `share_busy` while `is_busy()` or the loop is late, unless `is_urgent()`. Nothing is saved up: work
    that rested longer gets no more. `ahead_s`: what may be owed before it rests, so that work in tiny pieces wakes the
    loop seldom. `spent_s`: all CPU seconds so far.
    """

    def __init__(
        self,
        env: Env,
        is_busy: Callable[[], bool],
        share: float = 0.1,
        share_busy: float = 0.02,
        is_urgent: Callable[[], bool] = lambda: False,
        ahead_s: float = 0.0,
    ) -> None:
        self._env = env
        self._is_busy = is_busy
        self._is_urgent = is_urgent
        self._ahead_s = ahead_s
        self._is_late = False
        self._share = share
        self._share_busy = share_busy
        self._owed_s = 0.0
        self._paid_at = env.monotonic()
        self.spent_s = 0.0

    def spend(self, cpu_s: float) -> None:
        """Owe CPU time that was used, on the loop or in a thread."""
        # While it was used, as much time passed, which pays for a part.
        self._owed_s += cpu_s * (1 - self._pay())
        self.spent_s += cpu_s

    async def rest(self, spent_s: float = 0.0) -> None:
        """Wait until nothing is owed, if it is too much. `spent_s`: CPU seconds that were used since the last call."""
        self.spend(spent_s)
        if self._owed_s <= self._ahead_s:
            return
        while self._owed_s:
            pause_s, began = min(self._owed_s / self._rate, LOOK_S), self._env.monotonic()
            await asyncio.sleep(pause_s)
            self._is_late = self._env.monotonic() > began + pause_s + LATE_S
            self._pay()

    @asynccontextmanager
    async def slice(self) -> AsyncIterator[None]:
        """Wait until nothing is owed, then count the CPU time of the block, which must not await."""
        await self.rest()
        began = self._env.thread_cpu_s()
        try:
            yield
        finally:
            self.spend(self._env.thread_cpu_s() - began)

    async def counted(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await `work()` and owe the CPU time of its steps on the loop, without those of tasks that it starts."""
        return await Counted(work(), self._env, self.spend)

    @property
    def _rate(self) -> float:
        is_busy = (self._is_late or self._is_busy()) and not self._is_urgent()
        return self._share_busy if is_busy else self._share

    def _pay(self) -> float:
        """Pay with the time that passed; return the share at which it did."""
        rate, now = self._rate, self._env.monotonic()
        self._owed_s = max(0.0, self._owed_s - rate * (now - self._paid_at))
        self._paid_at = now
        return rate


class Counted(Awaitable[T]):
    """A coroutine whose steps are timed: `spend` is told the CPU seconds of each."""

    def __init__(self, work: Coroutine[Any, Any, T], env: Env, spend: Callable[[float], None]) -> None:
        self._work = work
        self._env = env
        self._spend = spend

    def __await__(self) -> Generator[Any, Any, T]:
        sent: Any = None
        raised: BaseException | None = None
        while True:
            began = self._env.thread_cpu_s()
            try:
                awaited = self._work.send(sent) if raised is None else self._work.throw(raised)
            except StopIteration as end:
                return cast(T, end.value)
            finally:
                self._spend(self._env.thread_cpu_s() - began)
            sent = raised = None
            try:
                sent = yield awaited
            except GeneratorExit:
                self._work.close()
                raise
            except BaseException as error:
                raised = error


def with_cpu_s(cpu_s: Callable[[], float], call: Callable[P, T]) -> Callable[P, tuple[T, float]]:
    """Return `call` so that it returns also the CPU seconds that it took, by the clock `cpu_s` of its thread."""

    def timed(*args: P.args, **kwargs: P.kwargs) -> tuple[T, float]:
        began = cpu_s()
        found = call(*args, **kwargs)
        return found, cpu_s() - began

    return timed
