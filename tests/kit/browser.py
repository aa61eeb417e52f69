"""A real browser: the Chromium of the system, driven by playwright, and a daemon that serves it the web client.

A test that uses it is marked with `BROWSER`: one browser serves all tests of a process, on the loop of the session.
"""

import importlib.util
import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from chatd.web import assets
from tests.kit import web_sources
from tests.kit.daemon import RunningDaemon, config_for, running_daemon

try:
    from playwright.async_api import expect
except ImportError:
    expect = None  # type: ignore[assignment]  # the tests that use it are skipped

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)

# Users by the code of their login link.
LINKS = {"0123456789_-abcdefABCD": "alice", "abcdefABCD_-0123456789": "bob"}
# Parts that the browser leaves out. For each profile it would open its address bar as pages of its own, which cost
# more than a page of ours, and a process in case of another page.
COSTLY = ("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "SpareRendererForSitePerProcess")
# Parts that playwright leaves out, named again: of two such arguments the last one counts.
UNSTEADY = (
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)
WORKER = {"service_workers": "allow"}  # options of a context
WAIT_MS = 120_000  # of a machine that is busy; nothing that passes waits for it
if expect is not None:
    expect.set_options(timeout=WAIT_MS)

# Listens before any script of the page: violations are events, too.
_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error("violation of the policy:", event.violatedDirective, event.blockedURI, event.sample));
"""


def why_no_browser() -> str | None:
    """Return the reason why there is no browser for tests here; None when there is one."""
    if CHROMIUM is None:
        return "no Chromium is installed (Debian: apt install chromium)"
    if importlib.util.find_spec("playwright") is None:
        return "playwright is not installed (pip install -e '.[browser]')"
    if not (assets.STATIC / assets.MANIFEST).exists() and web_sources.why_not_built():
        return f"there are no built files, and {web_sources.why_not_built()}"
    return None


BROWSER = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(why_no_browser() is not None, reason=str(why_no_browser())),
]


def arguments() -> list[str]:
    """Return the arguments with which the browser starts here."""
    # As root its sandbox does not start; /dev/shm of a container is small; without a GPU, one would be emulated.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    left_out = ",".join(COSTLY + UNSTEADY)
    # The microphone is one that beeps, and asks nobody.
    sound = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    # What a page loads need not pass through another process: a tenth of all that it costs.
    features = [f"--disable-features={left_out}", "--enable-features=NetworkServiceInProcess2"]
    return ["--disable-dev-shm-usage", "--disable-gpu", *features, *sound, *sandbox]


@asynccontextmanager
async def chromium() -> AsyncIterator["Browser"]:
    """Run the browser around the block."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments())
        try:
            yield browser
        finally:
            await browser.close()


@contextmanager
def built_now(directory: Path) -> Iterator[Path]:
    """Serve a build of the sources as they are, where Node is installed, instead of the committed files."""
    committed = assets.STATIC
    if web_sources.why_not_built() is None:
        assets.STATIC = web_sources.build(directory)
    try:
        yield assets.STATIC
    finally:
        assets.STATIC = committed


def program(*arguments: str) -> tuple[str, ...]:
    """Return the command of a daemon process that serves the same files as this process."""
    main = f"import chatd.web.assets as s; from pathlib import Path; s.STATIC = Path({str(assets.STATIC)!r})"
    return sys.executable, "-c", f"{main}; from chatd.cli.main import main; main()", *arguments


@asynccontextmanager
async def web_daemon(
    directory: Path, *, links: Mapping[str, str] = LINKS, **sections: dict[str, Any]
) -> AsyncIterator[RunningDaemon]:
    """Run a daemon that serves the web client, with an account and a login link for alice and bob."""
    listen = {"origins": ("http://127.0.0.1:*",), **sections.pop("listen", {})}
    web = {"enabled": True, **sections.pop("web", {})}
    config = config_for(directory, listen=listen, web=web, **sections)
    async with running_daemon(config, login_links=links) as daemon:
        for user in links.values():
            answer = await daemon.api("PUT", f"/v1/users/{user}", name=user.capitalize())
            assert answer.status == 200
        yield daemon


def link(daemon: RunningDaemon, user: str) -> str:
    """Return the address that logs in as a user."""
    (code,) = (code for code, name in LINKS.items() if name == user)
    return f"{daemon.http_url}/#login={code}"


class Watch:
    """What a browser context says and asks for: errors of its pages, and the origins of its requests."""

    def __init__(self, context: "BrowserContext") -> None:
        self.errors: list[str] = []
        self.origins: set[str] = set()
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on("request", lambda request: self._on_address(request.url))
        context.on("page", lambda page: page.on("websocket", lambda socket: self._on_address(socket.url)))

    def _on_console(self, message: "ConsoleMessage") -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url')})")

    def _on_address(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("blob", "data"):
            self.origins.add(f"{parts.scheme}://{parts.netloc}")


@asynccontextmanager
async def watched_context(
    browser: "Browser", **options: Any
) -> AsyncIterator[tuple["BrowserContext", Watch]]:
    """Give a context, which is a browser profile of its own, and a watch over all its pages.

    Its pages have no service worker, which fetches all files of the client once more, unless given `WORKER`.
    """
    context = await browser.new_context(**{"service_workers": "block"} | options)
    context.set_default_timeout(WAIT_MS)
    await context.add_init_script(_VIOLATIONS)
    try:
        yield context, Watch(context)
    finally:
        await context.close()


async def open_as(context: "BrowserContext", daemon: RunningDaemon, user: str) -> "Page":
    """Return a new window that was opened with the login link of a user."""
    page = await context.new_page()
    await page.goto(link(daemon, user))
    return page
