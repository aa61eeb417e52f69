"""Notifications in a browser: what the DevTools deliver to the worker of a page, and what it shows."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tests.kit.daemon import RunningDaemon

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Page, Worker

LIMIT_S = 60.0  # of a machine that is busy; nothing that passes waits for it

# The lock under which the worker shows and the pages look: a look at what is shown may lose what is being shown.
# Chromium forgets what it keeps of a notification and does not display yet.
LOCK = "chatd-push"

SHOWN = f"""
async () => {{
  const {{ ready }} = navigator.serviceWorker;
  const shown = await navigator.locks.request("{LOCK}", async () => (await ready).getNotifications());
  return shown.map(({{ title, body, tag, silent, data }}) =>
    ({{ title, body: body.replace(/[\\u2068\\u2069]/g, ""), tag, silent, data }}));
}}
"""

# Count the pushes that the worker is done with.
COUNT = """
() => {
  self.donePushes = 0;
  const { waitUntil } = ExtendableEvent.prototype;
  ExtendableEvent.prototype.waitUntil = function (work) {
    if (this.type === "push") work.catch(() => undefined).then(() => self.donePushes++);
    return waitUntil.call(this, work);
  };
}
"""
PAUSE = "await new Promise((resolve) => setTimeout(resolve, 20));"
DONE = f"async (count) => {{ while (self.donePushes < count) {PAUSE} }}"

# A press on a notification. A browser without a window has none: the event is made by hand, so it keeps nothing alive,
# and whatever it does beside its message to the page needs a real press.
PRESS = """
async (tag) => {
  const [notification] = await self.registration.getNotifications({ tag });
  const event = new NotificationEvent("notificationclick", { notification });
  let done;
  event.waitUntil = (work) => (done = work.catch(() => undefined));
  self.dispatchEvent(event);
  await done;
}
"""


class PushPage:
    """The worker behind a page."""

    def __init__(self, page: "Page", worker: "Worker", devtools: "CDPSession", origin: str, id: str) -> None:
        self.page = page
        self.worker = worker
        self._devtools = devtools
        self._target = {"origin": origin, "registrationId": id}
        self._delivered = 0

    async def deliver(self, data: str = "", **payload: Any) -> None:
        """Deliver a payload, or any text, as the push service of the browser would; return when the worker is done."""
        text = data or json.dumps({"v": 1, **payload})
        await self._devtools.send("ServiceWorker.deliverPushMessage", {**self._target, "data": text})
        self._delivered += 1
        async with asyncio.timeout(LIMIT_S):
            await self.worker.evaluate(DONE, self._delivered)

    async def shown(self) -> list[dict[str, Any]]:
        """Return the notifications that are shown."""
        found: list[dict[str, Any]] = await self.page.evaluate(SHOWN)
        return found

    async def until(self, condition: str) -> list[dict[str, Any]]:
        """Wait until an expression about `shown`, a list, is true; return that list."""
        # Nobody tells a page what is shown, so it looks again and again.
        look = f"""
        async () => {{
          for (;;) {{
            const shown = await ({SHOWN})();
            if ({condition}) return shown;
            {PAUSE}
          }}
        }}"""
        async with asyncio.timeout(LIMIT_S):
            found: list[dict[str, Any]] = await self.page.evaluate(look)
        return found

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Keep the worker from showing anything, and the pages from looking at what is shown."""
        await self.page.evaluate(
            """
            (name) => new Promise((held) =>
              navigator.locks.request(name, () => new Promise((release) => (self.release = release, held()))))""",
            LOCK,
        )
        try:
            yield
        finally:
            await self.page.evaluate("() => self.release()")

    async def until_one_waits(self) -> None:
        """Wait until the worker or a page waits for the end of `alone`."""
        waits = "(await navigator.locks.query()).pending.some(({ name }) => name === lock)"
        async with asyncio.timeout(LIMIT_S):
            await self.page.evaluate(f"async (lock) => {{ while (!{waits}) {PAUSE} }}", LOCK)

    async def press(self, tag: str) -> None:
        await self.worker.evaluate(PRESS, tag)


async def push_page(page: "Page", daemon: RunningDaemon) -> PushPage:
    """Wait for the worker of a page; its context has the permission `notifications`."""
    await page.evaluate("async () => void (await navigator.serviceWorker.ready)")
    devtools = await page.context.new_cdp_session(page)
    registrations: list[dict[str, str]] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registrations.extend(event["registrations"]),
    )
    await devtools.send("ServiceWorker.enable")
    while not registrations:
        await page.evaluate("() => new Promise(requestAnimationFrame)")
    worker = page.context.service_workers[0]
    await worker.evaluate(COUNT)
    return PushPage(page, worker, devtools, daemon.http_url, registrations[0]["registrationId"])
