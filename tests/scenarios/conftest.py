"""Fixtures of the scenarios: a daemon for each, and its clients."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.clients import Clients
from tests.kit.daemon import DaemonProcess, RunningDaemon, config_for, daemon_process, running_daemon
from tests.kit.loops import Loops, loops_of
from tests.kit.stepped_env import SteppedEnv

# Connections and their ends, pushes and their order, time. The decisions in all other files know no event loop.
ON_BOTH_LOOPS = {
    "test_convergence",
    "test_delivery",
    "test_ephemerals",
    "test_hello",
    "test_listeners",
    "test_overload",
    "test_sessions",
    "test_slow_readers",
    "test_sync",
    "test_transport",
}


def pytest_asyncio_loop_factories(item: pytest.Item) -> Loops:
    return loops_of(item, ON_BOTH_LOOPS)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "settings(**sections): changes of the daemon's configuration")
    config.addinivalue_line("markers", "environment(**settings): settings of the daemon process")


@pytest.fixture
def clock() -> SteppedEnv:
    """The time of `daemon`, for tests that ask for it: it passes when they say so. Others live in real time."""
    return SteppedEnv()


@pytest.fixture
async def daemon(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[RunningDaemon]:
    """A daemon in this event loop; `@pytest.mark.settings(limits={...})` changes its configuration."""
    env = request.getfixturevalue("clock") if "clock" in request.fixturenames else None
    async with running_daemon(config_for(tmp_path, **_marked(request, "settings")), env) as running:
        yield running


@pytest.fixture
async def clients(daemon: RunningDaemon) -> AsyncIterator[Clients]:
    """A factory of clients; at the end each of them must have found all promises kept."""
    clients = Clients(daemon.url)
    yield clients
    await clients.leave()


@pytest.fixture
async def server(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[DaemonProcess]:
    """The daemon as a process; `@pytest.mark.environment(LIMITS__PAGE="20")` changes its settings."""
    async with daemon_process(tmp_path, **_marked(request, "environment")) as running:
        yield running


@pytest.fixture
async def callers(server: DaemonProcess) -> AsyncIterator[Clients]:
    """A factory of clients of the daemon process."""
    clients = Clients(server.url)
    yield clients
    await clients.leave()


def _marked(request: pytest.FixtureRequest, name: str) -> dict[str, Any]:
    sections: dict[str, Any] = {}
    for marker in request.node.iter_markers(name):
        for section, values in marker.kwargs.items():
            sections.setdefault(section, values)
    return sections
