"""Tasks that run as long as the daemon does."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

RESTART_S = 1.0  # work that fails at once fails once a second: seen soon, and no load


async def supervised(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` until it returns; a failure is logged as a defect, and it is started again."""
    while True:
        try:
            await work()
            return
        except Exception:
            log.exception("%s failed, and is started again", name)
        await asyncio.sleep(RESTART_S)
