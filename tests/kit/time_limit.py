"""The limit of a test: what hangs fails where it hangs, and its process goes on with the other tests.

A test on an event loop is cancelled, so that its traceback names the `await` that never returned; any other is
interrupted, and so is a test that blocks its loop or swallows the cancellation. The last resort is pytest's own
(`faulthandler_timeout`): the stacks of all threads on standard error, and the end of the process.
"""

import asyncio
import signal
from types import FrameType
from typing import Any

import pytest

AGAIN_S = 30.0
"""Until what is not over yet is interrupted again: the teardown of fixtures goes on after the first time."""


def set_limit(limit_s: float) -> None:
    """Fail the test that runs now when it is not over by then. Needs the main thread."""
    message = f"no end within {limit_s:g} s"
    cancelled: list[asyncio.Task[object]] = []

    def end(signum: int, frame: FrameType | None) -> None:
        # A Runner has put its task there, to be cancelled by Ctrl-C.
        runner: Any = signal.getsignal(signal.SIGINT)
        task: asyncio.Task[object] | None = getattr(runner, "keywords", {}).get("main_task")
        if task is None or task in cancelled:
            pytest.fail(message)
        cancelled.append(task)
        # From a signal a loop that waits is not woken.
        task.get_loop().call_soon_threadsafe(task.cancel, message)

    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, limit_s, AGAIN_S)


def lift_limit() -> None:
    """Forget the limit: the test is over, or somebody looks at it with a debugger."""
    signal.setitimer(signal.ITIMER_REAL, 0)
