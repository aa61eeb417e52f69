"""One browser, and one build of the pages, for all tests of a process."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.kit.browser import built_now, chromium
from tests.kit.console_page import Console


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "settings(**sections): changes of the daemon's configuration")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with built_now(tmp_path_factory.mktemp("built") / "static") as directory:
        yield directory


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(built: Path) -> AsyncIterator[Any]:
    """The browser; the daemons of this process serve it the pages as their sources are now."""
    async with chromium() as launched:
        yield launched


@pytest_asyncio.fixture(loop_scope="session")
async def console(built: Path, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Console]:
    """A daemon with a console; `@pytest.mark.settings(limits={...})` changes its configuration."""
    marker = request.node.get_closest_marker("settings")
    console = Console(tmp_path, **(marker.kwargs if marker else {}))
    await console.daemon.start()
    try:
        yield console
    finally:
        await console.daemon.stop()
