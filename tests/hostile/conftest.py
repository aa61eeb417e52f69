"""Attacked daemons, one for each file of tests and event loop: an attempt that harms it would harm the next."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
import uvloop

from tests.hostile.attacked_daemon import AttackedDaemon, attacked
from tests.kit.stepped_env import SteppedEnv

# The deadline of a request where a test waits for it.
SOON_S = 0.2


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}


# Short names of directories: the path of a Unix socket has at most 107 bytes.


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def attacked_daemon(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AttackedDaemon]:
    async with attacked(tmp_path_factory.mktemp("h")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stepped_daemon(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AttackedDaemon]:
    """An attacked daemon whose time passes only when a scenario says so."""
    async with attacked(
        tmp_path_factory.mktemp("t"), SteppedEnv(), listen={"request_deadline_s": SOON_S}
    ) as running:
        yield running
