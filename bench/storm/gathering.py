"""Waiting while a pump turns: for people who are let in a few at a time, and for whatever else has to come about."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

from bench.engine.pump import Pump
from bench.engine.record import SECOND_NS
from bench.server import Unreachable
from bench.storm.visit import Guest, Stage

LOOK_NS = SECOND_NS // 100  # between two looks at a condition that is dear to look at


def enter(stage: Stage, guests: Sequence[Guest], at_once: int, quiet_ns: int) -> None:
    """Lets everybody in, so many at a time. Raises Unreachable when nobody new comes for so long."""
    waiting, dialled = deque(guests), list[Guest]()

    def entered() -> bool:
        dialled[:] = [guest for guest in dialled if not guest.present]
        while waiting and len(dialled) < at_once:
            dialled.append(waiting.popleft())
            dialled[-1].dial()
        return not waiting and not dialled

    wait(stage, entered, lambda: sum(guest.present for guest in guests), quiet_ns, "people")


def wait(stage: Stage, done: Callable[[], bool], moved: Callable[[], int], quiet_ns: int, what: str) -> None:
    """Turns the pump until `done`. Raises Unreachable when `moved`, how many of what, does not move for so long."""
    seen, moved_ns = -1, time.perf_counter_ns()

    def over() -> bool:
        nonlocal seen, moved_ns
        if done():
            return True
        now, now_ns = moved(), time.perf_counter_ns()
        if now != seen:
            seen, moved_ns = now, now_ns
        elif now_ns - moved_ns > quiet_ns:
            reasons = ", ".join(reason for reason, _ in stage.failures.most_common(3))
            raise Unreachable(f"only {now:,} {what}: {reasons or 'no answer'}")
        return False

    look_now_and_then(stage.pump, over)


def look_now_and_then(pump: Pump, over: Callable[[], bool]) -> None:
    """Turns the pump until the condition holds, which is looked at LOOK_NS after it was looked at last."""
    due_ns = 0

    def looked() -> bool:
        nonlocal due_ns
        if time.perf_counter_ns() < due_ns:
            return False
        found = over()
        due_ns = time.perf_counter_ns() + LOOK_NS
        return found

    pump.run(looked)
