"""An event loop on virtual time: nothing waits, everything happens in one order, and a dead process runs no more."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context, ContextVar
from heapq import heappop
from typing import Any
from weakref import WeakKeyDictionary

from tests.simulation.choices import Lane

# The duration of a callback: as long as handling a packet takes.
STEP_S = 2e-5
# A large run takes 20,000; beyond it something goes on for ever.
STEPS_MAX = 60_000
# Callbacks due in one instant come in another order, within so many.
REORDERED = 4

Process = ContextVar[object]
# The process of a callback; inherited by what it schedules.
PROCESS: Process = ContextVar("process")


class Deadlock(AssertionError):
    """Everything waits and no timer is set."""


class Runaway(AssertionError):
    """Callbacks go on and on without progress."""


class SimLoop(asyncio.BaseEventLoop):
    """`run_in_executor` runs its functions inline, after a while that `takes_s` says, in order for each executor.

    asyncio promises that callbacks run in the order of `call_soon`, so only what comes from outside (timers,
    sockets, threads: all of them timers here) changes places, and only with what is due in the same instant.
    """

    def __init__(self, order: Lane) -> None:
        super().__init__()
        self.steps = 0
        self.complaints: list[dict[str, Any]] = []
        self.takes_s: Callable[[], float] = lambda: 0.0
        self.dead: set[object] = set()
        self._order = order
        self._now = 0.0
        self._free: dict[object, float] = {}
        # Tasks by their process.
        self.born_of: WeakKeyDictionary[asyncio.Task[Any], object] = WeakKeyDictionary()
        self._asleep: list[asyncio.Task[Any]] = []
        self.set_task_factory(self._bear)
        self.set_exception_handler(lambda _, context: self.complaints.append(context))

    def _bear(self, loop: object, work: Any, context: Context | None = None) -> "asyncio.Task[Any]":
        task: asyncio.Task[Any] = asyncio.Task(work, loop=self, context=context)
        self.born_of[task] = PROCESS.get(None) if context is None else context.get(PROCESS)
        return task

    def time(self) -> float:
        return self._now

    def kill(self, process: object) -> None:
        """End `process`: none of its callbacks is called any more."""
        self.dead.add(process)
        # What sleeps may be held by its timer alone, and with that it would be destroyed.
        self._asleep += [task for task, born in self.born_of.items() if born is process and not task.done()]

    def pause(self, seconds: float) -> None:
        """Let time pass in which nothing runs, as while a collector or the machine holds everything."""
        self._now += seconds

    def waiting(self, process: object) -> list[asyncio.TimerHandle]:
        """Return the timers of `process` that are set."""
        timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        return [timer for timer in timers if not timer.cancelled() and owner(timer) is process]

    # threads, run inline

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Begin `func` when the functions before it on this executor are done; the result takes a while, too."""
        future = self.create_future()
        begins = max(self._now, self._free.get(executor, 0.0)) + self.takes_s()
        self._free[executor] = begins
        self.call_at(begins, self._carry_out, executor, future, func, args)
        return future

    def _carry_out(self, executor: object, future: asyncio.Future[Any], func: Any, args: Any) -> None:
        finished = max(self._now, self._free[executor]) + self.takes_s()
        self._free[executor] = finished
        try:
            result = func(*args)
        except BaseException as error:
            self.call_at(finished, settle, future, None, error)
        else:
            self.call_at(finished, settle, future, result, None)

    # private parts of BaseEventLoop; test_loop.py fails when a release of Python changes them

    def _run_once(self) -> None:
        ready = self._ready  # type: ignore[attr-defined]
        if not ready:
            self._now = max(self._now, self._next_due())
        self._take_due(ready)
        dead = self.dead
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle._cancelled or (dead and owner(handle) in dead):
                continue
            self._now += STEP_S
            self.steps += 1
            handle._run()
        if self.steps > STEPS_MAX:
            raise Runaway(f"{self.steps} callbacks by {self._now:.3f} s")

    def _next_due(self) -> float:
        timers = self._scheduled  # type: ignore[attr-defined]
        while timers and (timers[0]._cancelled or (self.dead and owner(timers[0]) in self.dead)):
            heappop(timers)._scheduled = False
        if not timers:
            raise Deadlock(f"nothing is ready and no timer is set at {self._now:.3f} s")
        when: float = timers[0]._when
        return when

    def _take_due(self, ready: deque[asyncio.Handle]) -> None:
        timers = self._scheduled  # type: ignore[attr-defined]
        due = []
        while timers and timers[0]._when <= self._now:
            handle = heappop(timers)
            handle._scheduled = False
            if not handle._cancelled:
                due.append(handle)
        while len(due) > 1:
            ready.append(due.pop(self._order.pick(min(len(due), REORDERED))))
        ready.extend(due)

    def _process_events(self, event_list: object) -> None: ...

    def _write_to_self(self) -> None: ...

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)


def owner(handle: asyncio.Handle) -> object:
    """Return the process of a callback."""
    return handle._context.get(PROCESS, None)  # type: ignore[attr-defined]


def settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    """Give a future its outcome, unless it was cancelled."""
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
