"""Blocking work in a thread of its own, which delays neither other work nor the exit of the process.

Not in the executor of the loop: a server that drips, or a name that nobody resolves, would take its few threads one by
one, and a process waits for them when it exits.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T], name: str) -> T:
    """Run `work` in a daemon thread, which does not delay the exit of the process; return or raise its outcome."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def complete(result: T | None, error: BaseException | None) -> None:
        if outcome.done():  # the waiting task was cancelled
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, failed = None, None
        try:
            result = work()
        except BaseException as error:
            failed = error
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(complete, result, failed)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await outcome
