"""Every view of the web client in a real browser: axe-core finds nothing, nothing is wider than the window, whatever
people are called, and in every width, theme and language."""

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.kit import demo_chats
from tests.kit.app_page import AXE, AppPage, app_page
from tests.kit.browser import BROWSER, expect, watched_context, web_daemon
from tests.kit.daemon import RunningDaemon
from tests.kit.soak import SOAKING

pytestmark = [
    *BROWSER,
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: make web"),
]

WIDTHS = {390: 844, 768: 900, 1360: 860}
THEMES = ("light", "dark")
LANGUAGES = ("en-GB", "zh-CN")
NARROW = 320  # WCAG 2.2, 1.4.10
LONG = "W" * 64
HOSTILE = {"bob": LONG, "carol": "ن" * 64, "lin": "中" * 64, "eve": "<b>x</b>\u202egnp.exe", "nur": "💚" * 32}


class World:
    """A daemon with chats, and a room of people with names that break layouts."""

    def __init__(self, daemon: RunningDaemon, rooms: dict[str, str]) -> None:
        self.daemon = daemon
        self.rooms = rooms


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(built: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with web_daemon(tmp_path_factory.mktemp("views")) as daemon, demo_chats.people(daemon) as clients:
        yield World(daemon, await demo_chats.fill(clients))


@pytest_asyncio.fixture(loop_scope="session")
async def hostile(built: Path, tmp_path: Path) -> AsyncIterator[World]:
    async with web_daemon(tmp_path) as daemon, demo_chats.people(daemon) as clients:
        rooms = await demo_chats.fill(clients)
        for user, name in HOSTILE.items():
            assert (await daemon.api("PUT", f"/v1/users/{user}", name=name)).status == 200
        await clients["alice"].room(rooms["tour"]).update(title="ا" * 64 + LONG)
        await clients["bob"].room(rooms["tour"]).send("x" * 200)
        yield World(daemon, rooms)


Act = Callable[[AppPage], Awaitable[None]]


async def _nothing(app: AppPage) -> None:
    pass


async def _new_group(app: AppPage) -> None:
    await app.page.locator(".list-head button").click()
    await app.dialog.locator(".segment").last.click()
    await app.dialog.locator(".picker button").first.click()
    await app.dialog.locator(".chip").first.wait_for()


async def _search(app: AppPage) -> None:
    await app.page.locator(".search input").fill("nothing like it")
    await app.page.locator(".list .empty").wait_for()


async def _members(app: AppPage) -> None:
    await app.page.locator(".members-head").scroll_into_view_if_needed()
    await app.page.locator(".member").first.wait_for()


async def _member_menu(app: AppPage) -> None:
    await _members(app)
    await app.page.locator(".member .icon-button").first.click()
    await app.page.get_by_role("menuitem").first.wait_for()


async def _row_menu(app: AppPage) -> None:
    await app.page.locator(".list .chat-row").first.click(button="right")
    await app.page.get_by_role("menuitem").first.wait_for()


async def _folders(app: AppPage) -> None:
    await _row_menu(app)
    # Before the one that hides the chat, and the one that clears it.
    items = app.page.get_by_role("menuitem")
    await items.nth(await items.count() - 3).click()
    await app.dialog.locator("button.button").click()
    await app.dialog.locator("button.button").first.click()
    await app.dialog.locator("input").first.wait_for()


def _of_group(place: int) -> Act:
    """Press an action of the card of a group: 0 its rules, 1 its invites, 2 the own name in it, 3 who is banned."""

    async def act(app: AppPage) -> None:
        await app.page.locator(".card").last.locator("button.setting").nth(place).click()
        await app.dialog.wait_for()

    return act


async def _code(app: AppPage) -> None:
    await _of_group(1)(app)
    for _ in ("the list", "a new link"):
        await app.dialog.locator("button[type=submit]").click()
    await app.dialog.locator(".code").wait_for()


async def _sign_out(app: AppPage) -> None:
    await app.page.locator(".card .setting.danger").last.click()
    await app.dialog.wait_for()


# Each view: its route, what shows that it is there, and what is done on it.
VIEWS: dict[str, tuple[str, str, Act]] = {
    "chats": ("", ".list .chat-row", _nothing),
    "new group": ("", ".list .chat-row", _new_group),
    "search": ("", ".list .chat-row", _search),
    "people": ("people", ".list .chat-row", _nothing),
    "chat": ("r/{tour}", "article", _nothing),
    "group": ("r/{tour}/about", ".members-head", _members),
    "menu": ("r/{tour}/about", ".members-head", _member_menu),
    "row menu": ("", ".list .chat-row", _row_menu),
    "folders": ("", ".list .chat-row", _folders),
    "rules": ("r/{tour}/about", ".members-head", _of_group(0)),
    "code": ("r/{tour}/about", ".members-head", _code),
    "nickname": ("r/{tour}/about", ".members-head", _of_group(2)),
    "invitation": ("invite/AAAAAAAAAAAAAAAAAAAAAA", ".empty h1", _nothing),
    "direct": ("r/{lin}/about", ".cover", _nothing),
    "gone": ("r/gAAAAAAAAAAA", ".empty h1", _nothing),
    "person": ("u/carol", ".cover", _nothing),
    "me": ("me", ".switch", _nothing),
    "notifications": ("me/notifications", ".obstacle", _nothing),
    "sign out": ("me", ".switch", _sign_out),
}

LOOKS = [*product(WIDTHS, THEMES, LANGUAGES)]
# In the suite each view once, and all widths, themes and languages along the way; in a soak everything.
CHOSEN = (
    [(look, [*VIEWS]) for look in LOOKS]
    if SOAKING
    else [
        ((390, "light", "zh-CN"), [*VIEWS][::3]),
        ((768, "dark", "zh-CN"), [*VIEWS][1::3]),
        ((1360, "dark", "en-GB"), [*VIEWS][2::3]),
    ]
)


async def show(app: AppPage, world: World, view: str) -> None:
    route, sign, act = VIEWS[view]
    await app.go(route.format(**world.rooms))
    await app.page.locator(sign).first.wait_for()
    await act(app)
    await app.until_still()


@pytest.mark.parametrize(("look", "views"), CHOSEN, ids=lambda value: "-".join(map(str, value[:3])))
async def test_no_view_has_a_barrier(
    browser: Any, world: World, look: tuple[int, str, str], views: list[str]
) -> None:
    width, theme, language = look
    options = {
        "viewport": {"width": width, "height": WIDTHS[width]},
        "color_scheme": theme,
        "locale": language,
    }
    async with watched_context(browser, reduced_motion="reduce", **options) as (context, watch):
        app = await app_page(context, world.daemon, "alice")
        for view in views:
            await show(app, world, view)
            assert await app.findings() == [], view
            assert await app.overflow() == [], view
            await app.page.keyboard.press("Escape")
        assert watch.errors == []


async def test_the_sign_in_has_no_barrier(browser: Any, world: World) -> None:
    async with watched_context(browser, viewport={"width": NARROW, "height": 640}) as (context, _):
        app = AppPage(await context.new_page())
        await app.page.goto(world.daemon.http_url)
        await app.page.get_by_label("Password").wait_for()
        assert await app.findings() == []
        assert await app.overflow() == []


async def test_no_name_breaks_a_view(browser: Any, hostile: World) -> None:
    async with watched_context(browser, viewport={"width": NARROW, "height": 640}) as (context, watch):
        app = await app_page(context, hostile.daemon, "alice")
        for view in VIEWS:
            await show(app, hostile, view)
            assert await app.overflow() == [], view
            await app.page.keyboard.press("Escape")
        for user in HOSTILE:
            await app.go(f"u/{user}")
            await app.page.locator(".home-name").get_by_text(HOSTILE[user]).wait_for()
            assert await app.overflow() == [], user
        await expect(app.page.locator(".home-name b")).to_have_count(0)
        assert watch.errors == []


async def test_the_axe_is_sharp(browser: Any, world: World) -> None:
    async with watched_context(browser) as (context, _):
        app = await app_page(context, world.daemon, "alice")
        await app.page.evaluate(
            "() => document.querySelector('.list-head button').removeAttribute('aria-label')"
        )
        assert any(line.startswith("button-name") for line in await app.findings())
        await app.page.evaluate("() => { document.querySelector('.list-head').style.minWidth = '9999px' }")
        assert await app.overflow() != []
