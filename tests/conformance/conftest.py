import asyncio
from collections.abc import Callable, Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run on the loop that operators use; the other one differs in sockets, not in frames."""
    return {"uvloop": uvloop.new_event_loop}
