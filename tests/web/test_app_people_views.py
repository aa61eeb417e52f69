"""Every view of people in a real browser: axe-core finds nothing, nothing is wider than the window, whatever people are
called, and in every width, theme and language."""

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.kit import demo_chats, demo_people
from tests.kit.app_page import AXE, AppPage, app_page
from tests.kit.browser import BROWSER, watched_context, web_daemon
from tests.kit.chat_page import client_of
from tests.kit.daemon import RunningDaemon
from tests.kit.soak import SOAKING

pytestmark = [
    *BROWSER,
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: make web"),
]

WINDOWS = {390: 844, 768: 900, 1360: 860}
THEMES = ("light", "dark")
LANGUAGES = ("en-GB", "zh-CN")
NARROW = 320  # WCAG 2.2, 1.4.10
HOSTILE = {
    "bob": "W" * 64,
    "carol": "ن" * 64,
    "eve": "中" * 64,
    "nur": "💚" * 32,
    "wang": "<b>x</b>",
    "zoe": "M" * 64,
}


class World:
    """A daemon with people who know each other."""

    def __init__(self, daemon: RunningDaemon, rooms: dict[str, str]) -> None:
        self.daemon = daemon
        self.rooms = rooms


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(built: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with (
        web_daemon(tmp_path_factory.mktemp("people"), people={"enabled": True}) as daemon,
        demo_chats.people(daemon) as clients,
        client_of(daemon, "zoe") as stranger,
    ):
        yield World(daemon, await demo_people.fill(clients, stranger))


Act = Callable[[AppPage], Awaitable[None]]


async def _nothing(app: AppPage) -> None:
    pass


def _pressing(selector: str, *, last: bool = False) -> Act:
    """Return an act that presses a button and waits for its dialog."""

    async def act(app: AppPage) -> None:
        buttons = app.page.locator(selector)
        await (buttons.last if last else buttons.first).click()
        await app.dialog.wait_for()

    return act


async def _as_stranger(app: AppPage) -> None:
    await app.page.locator("select.choice").first.select_option("stranger")
    await app.page.locator(".seen .home").wait_for()


async def _with_a_line(app: AppPage) -> None:
    await app.page.locator(".card-form button.setting").click()
    await app.page.locator(".field-row").last.wait_for()


# Each view: its route, what shows that it is there, and what is done on it.
VIEWS: dict[str, tuple[str, str, Act]] = {
    "chats": ("", ".requests-row", _nothing),
    "box": ("requests", ".list .chat-row", _nothing),
    "stranger": ("r/{stranger}", ".asks-common", _nothing),
    "friends": ("people", ".list .chat-row", _nothing),
    "add": ("people", ".entry", _pressing(".list-head button")),
    "requests": ("people/requests", ".request", _nothing),
    "circles": ("people/circles", ".circle-mark", _nothing),
    "circle": ("people/circles/2", ".person", _pressing(".card button.setting")),
    "following": ("people/following", ".person", _nothing),
    "no such page": ("people/nothing", ".empty", _nothing),
    "friend": ("u/carol", ".fields", _nothing),
    "asked": ("u/wang", ".standing", _nothing),
    "asking": ("u/nur", ".standing", _nothing),
    "blocked": ("u/eve", ".standing", _nothing),
    "ask": ("u/zoe", ".home-deeds", _pressing(".home-deeds .button", last=True)),
    "own card": ("me/card", ".card-form", _with_a_line),
    "as a stranger": ("me/card", ".card-form", _as_stranger),
    "privacy": ("me/privacy", ".rule", _nothing),
    "rule": ("me/privacy", ".rule", _pressing(".rule")),
    "blocks": ("me/blocked", ".person", _nothing),
    "details": ("r/{lin}/about", ".swatch", _nothing),
}

LOOKS = [*product(WINDOWS, THEMES, LANGUAGES)]
# In the suite each view once, and all widths, themes and languages along the way; in a soak everything.
CHOSEN = (
    [(look, [*VIEWS]) for look in LOOKS]
    if SOAKING
    else [
        ((390, "light", "en-GB"), [*VIEWS][::3]),
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


async def leave(app: AppPage) -> None:
    if await app.dialog.count():
        await app.page.keyboard.press("Escape")


@pytest.mark.parametrize(("look", "views"), CHOSEN, ids=lambda value: "-".join(map(str, value[:3])))
async def test_no_view_has_a_barrier(
    browser: Any, world: World, look: tuple[int, str, str], views: list[str]
) -> None:
    width, theme, language = look
    options = {
        "viewport": {"width": width, "height": WINDOWS[width]},
        "color_scheme": theme,
        "locale": language,
    }
    async with watched_context(browser, reduced_motion="reduce", **options) as (context, watch):
        app = await app_page(context, world.daemon, "alice")
        for view in views:
            await show(app, world, view)
            assert await app.findings() == [], view
            assert await app.overflow() == [], view
            await leave(app)
        assert watch.errors == []


async def test_no_name_breaks_a_view(browser: Any, world: World) -> None:
    for user, name in HOSTILE.items():
        assert (await world.daemon.api("PUT", f"/v1/users/{user}", name=name)).status == 200
    async with watched_context(browser, viewport={"width": NARROW, "height": 640}) as (context, watch):
        app = await app_page(context, world.daemon, "alice")
        for view in VIEWS:
            await show(app, world, view)
            assert await app.overflow() == [], view
            await leave(app)
        await app.go("u/wang")
        await app.page.locator(".home-name").get_by_text("<b>x</b>").wait_for()
        assert watch.errors == []
