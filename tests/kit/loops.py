"""Both event loops: a conftest that imports the hook runs every asynchronous test of its folder on each."""

import asyncio
from collections.abc import Callable, Mapping

import uvloop

__all__ = ["pytest_asyncio_loop_factories"]


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}
