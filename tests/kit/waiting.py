"""The waits of tests, for conditions and never for time: what never comes ends with the timeout of the suite."""

import asyncio
from collections.abc import Callable

# What takes more turns than this waits for a socket, a thread or a process, which need the processor more.
TURNS = 100
PAUSE_S = 0.002


async def until(condition: Callable[[], object]) -> None:
    """Let other tasks run until `condition()` holds."""
    turns = 0
    while not condition():
        turns += 1
        await asyncio.sleep(0 if turns < TURNS else PAUSE_S)


async def nothing_is_ready() -> None:
    """Let every task go as far as it can without a socket, a thread or a timer. Needs the event loop of asyncio
    itself."""
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    await asyncio.sleep(0)
    while ready:
        await asyncio.sleep(0)
