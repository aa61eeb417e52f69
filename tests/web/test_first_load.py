"""The first load of the served page, in a real browser: nothing foreign, nothing refused, nothing large."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.kit.browser import BROWSER, open_as, watched_context, web_daemon
from tests.kit.daemon import RunningDaemon

pytestmark = BROWSER

FIRST_LOAD_BYTES_MAX = 60 * 1024  # on the wire, head lines included


@pytest_asyncio.fixture(loop_scope="session")
async def daemon(browser: Any, tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    async with web_daemon(tmp_path) as running:
        yield running


async def test_the_page_asks_nobody_else_and_breaks_no_rule_of_its_policy(
    browser: Any, daemon: RunningDaemon
) -> None:
    async with watched_context(browser) as (context, watch):
        page = await open_as(context, daemon, "alice")
        await page.wait_for_load_state("networkidle")
        assert await page.locator("body :visible").count() > 0
        assert watch.origins <= {daemon.http_url, daemon.http_url.replace("http", "ws")}
        assert watch.errors == []
