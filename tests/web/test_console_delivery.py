"""The console's page of webhooks, in a real browser: an endpoint that fails, and what is done about it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chatd.config.hooks import Endpoint
from chatd.core.audit import Audit
from chatd.core.webhooks import Parked, SaveConsumers
from tests.kit.browser import BROWSER, watched_context
from tests.kit.clients import Clients
from tests.kit.console_page import AXE, Console, check_themes, go_to
from tests.kit.waiting import until
from tests.kit.webhook_receiver import ReceiverProcess, receiver_process

pytestmark = BROWSER


@pytest_asyncio.fixture(loop_scope="session")
async def receiver(tmp_path: Path) -> AsyncIterator[ReceiverProcess]:
    async with receiver_process(tmp_path) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def console(built: Path, tmp_path: Path, receiver: ReceiverProcess) -> AsyncIterator[Console]:
    endpoint = Endpoint(name="backend", url=receiver.url, secret_file=str(receiver.secret_file))
    console = Console(tmp_path / "data", events={"enabled": True}, hooks={"endpoints": (endpoint,)})
    await console.daemon.start()
    await until(lambda: "backend" in console.daemon.app.host.webhooks.deliveries.dispatchers)
    try:
        yield console
    finally:
        await console.daemon.stop()


async def park(console: Console) -> str:
    """Set an entry aside, as a delivery does that is refused again and again; return its id."""
    clients = Clients(console.daemon.url)
    room, (ann, _) = await clients.in_direct("ann", "bob")
    await ann.send(room, "hello")
    await clients.leave()
    page = (await console.daemon.api("GET", "/v1/events?types=event.message")).json
    entry = str(page["events"][0]["id"])
    parked = Parked("backend", entry, 500, console.daemon.app.host.admin.now_ms())
    console.daemon.app.host.webhooks.deliveries.dispatchers["backend"].answers[entry] = "no such table"
    await console.daemon.app.host.admin.decide(
        "", SaveConsumers((), (parked,)), Audit("socket", "a test", "", "")
    )
    return entry


async def test_an_endpoint_is_watched_replayed_and_its_parked_events_sent_again(
    browser: Any, console: Console, receiver: ReceiverProcess
) -> None:
    entry = await park(console)
    await until(lambda: entry in receiver.accepted)
    async with watched_context(browser) as (context, watch):
        page = await console.open(context, "admin")
        await go_to(page, "Delivery")
        await page.get_by_role("link", name="backend").click()
        await page.get_by_text(re.compile("500")).wait_for()
        await page.get_by_role("button", name=f"Send again {entry}").click()
        await page.get_by_text("It was taken now.").wait_for()
        await page.get_by_text("Nothing was refused for good.").wait_for()
        await until(lambda: receiver.received.count(entry) == 2)
        await page.get_by_role("button", name="Replay").click()
        await page.get_by_label("Begin with").select_option("All that is kept")
        await page.get_by_role("dialog").get_by_role("button", name="Replay").click()
        await page.get_by_role("cell", name="moved an endpoint").wait_for()
        await until(lambda: receiver.received.count(entry) == 3)
        assert watch.errors == []


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (make web)")
async def test_its_pages_are_accessible_and_fit(browser: Any, console: Console) -> None:
    await park(console)
    async with watched_context(browser, color_scheme="light", bypass_csp=True) as (context, _):
        page = await console.open(context, "admin")
        await go_to(page, "Delivery")
        await page.get_by_role("link", name="backend").wait_for()
        await check_themes(page, "Delivery")
        await page.get_by_role("link", name="backend").click()
        await page.get_by_text(re.compile("500")).wait_for()
        await check_themes(page, "an endpoint")
