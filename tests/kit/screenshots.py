"""`python -m tests.kit.screenshots [DIRECTORY]`: pictures of the web client with real chats, into docs/images/."""

import asyncio
import base64
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatd.config.push import PushApp
from tests.kit import demo_chats, demo_media, demo_people
from tests.kit.app_page import AppPage, app_page
from tests.kit.browser import built_now, chromium, watched_context, web_daemon, why_no_browser
from tests.kit.chat_page import client_of
from tests.kit.daemon import RunningDaemon
from tests.kit.newcomer import ROOT
from tests.kit.push_services.web_push import WebPush

IMAGES = ROOT / "docs/images"
QUALITY = 80  # of WebP: flat surfaces and letters show no trace of it, and a picture is some 40 KB
PHONE = {"viewport": {"width": 390, "height": 780}, "device_scale_factor": 2, "has_touch": True}
DESKTOP = {"viewport": {"width": 1360, "height": 850}, "device_scale_factor": 1.5}


async def _as_it_is(app: AppPage) -> None:
    pass


async def _new_group(app: AppPage) -> None:
    await app.page.locator(".list-head button").click()
    await app.dialog.locator(".segment").last.click()
    await app.dialog.get_by_label("Name of the group").fill("Sunday ride")
    for name in ("Carol Green", "林小雨"):
        await app.dialog.get_by_role("button", name=name).click()


async def _rule(app: AppPage) -> None:
    await app.page.locator(".rule").nth(4).click()
    await app.dialog.wait_for()


async def _ask(app: AppPage) -> None:
    await app.field.fill("Shall we go on Sunday?")
    await app.page.locator(".send").click()
    await app.page.locator(".ask-bar").wait_for()


async def _folders(app: AppPage) -> None:
    for chat, place in (("Daniel Kern", 3), ("Carol Green", 4)):
        await app.row(chat).click(button="right")
        await app.page.get_by_role("menuitem").nth(place).click()
    for _ in ("the choice", "the folders"):
        await app.dialog.get_by_role("button", name="New folder").click()
    await app.dialog.locator("input").fill("Bikes")
    await app.dialog.locator("button[type=submit]").click()
    await app.page.locator(".folder", has_text="Bikes").wait_for()


def _of_group(place: int, *presses: str) -> Callable[[AppPage], Awaitable[None]]:
    """Press an action of the card of a group, and what comes then."""

    async def act(app: AppPage) -> None:
        await app.page.locator(".card").last.locator("button.setting").nth(place).click()
        await app.dialog.wait_for()
        for press in presses:
            await app.dialog.locator(press).click()
        await app.until_still()

    return act


async def _place(app: AppPage) -> None:
    await app.page.locator(".attach button").click()
    await app.page.get_by_role("menuitem").first.click()
    address, name = app.dialog.locator("input").first, app.dialog.locator("input").last
    await address.fill("https://www.openstreetmap.org/?mlat=51.2093&mlon=3.2247")
    await app.dialog.locator(".shared-box").wait_for()
    await name.fill("The café at the lock")


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: the route, an element that shows that it is there, and what the window is like."""

    name: str
    route: str
    sign: str
    window: dict[str, Any]
    theme: str = "light"
    locale: str = "en-GB"
    act: Callable[[AppPage], Awaitable[None]] = _as_it_is


PICTURES = (
    # The first, before any chat was opened: nothing is read yet.
    Picture("chats-phone", "", ".list .chat-row", PHONE),
    Picture("chat-desktop", "r/{tour}", "article", DESKTOP),
    Picture("chat-desktop-dark", "r/{tour}", "article", DESKTOP, "dark"),
    Picture("chat-phone-dark", "r/{tour}", "article", PHONE, "dark"),
    Picture("group-phone", "", ".list .chat-row", PHONE, act=_new_group),
    Picture("person-phone", "u/carol", ".cover", PHONE),
    Picture("me-phone-zh", "me", ".cover", PHONE, "dark", "zh-CN"),
    Picture("folders-phone", "", ".list .chat-row", PHONE, act=_folders),
    Picture(
        *("invite-phone-dark", "r/{tour}/about", ".members-head", PHONE, "dark"),
        act=_of_group(1, "button[type=submit]", "button[type=submit]"),
    ),
    Picture("place-phone", "r/{lin}", "article", PHONE, act=_place),
    Picture("rules-phone-zh", "r/{tour}/about", ".members-head", PHONE, locale="zh-CN", act=_of_group(0)),
)

# With people switched on.
OF_PEOPLE = (
    Picture("people-desktop", "people/requests", ".request", DESKTOP),
    Picture("card-phone", "u/carol", ".home-bio", PHONE),
    Picture("stranger-phone", "r/{stranger}", ".asks", PHONE, "dark"),
    Picture("privacy-phone-zh", "me/privacy", ".rule", PHONE, locale="zh-CN", act=_rule),
)


# With push switched on, too.
OF_PUSH = (
    Picture("notifications-phone", "me/notifications", ".push-example", PHONE),
    Picture("ask-phone-dark", "r/{tour}", "article", PHONE, "dark", act=_ask),
    Picture("why-phone-zh", "me/notifications/why", ".told", PHONE, locale="zh-CN"),
)


async def _viewer(app: AppPage) -> None:
    await app.page.locator(".tile-open").nth(1).click()
    await app.page.locator(".viewer-picture.there").last.wait_for()


async def _to_end(app: AppPage) -> None:
    # A room that was read opens there.
    if await app.page.locator(".jump").count():
        await app.page.locator(".jump").last.click()
        await app.page.locator(".jump").last.wait_for(state="detached")


# With files of users.
OF_MEDIA = (
    Picture("files-desktop", "r/{tour}", ".voice", DESKTOP, act=_to_end),
    Picture("files-phone-dark-zh", "r/{tour}", ".voice", PHONE, "dark", "zh-CN", act=_to_end),
    Picture("viewer-phone", "r/{tour}", ".tile-picture.there", PHONE, act=_viewer),
)


async def take(directory: Path) -> None:
    """Write all pictures into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, built_now(Path(scratch) / "static"):
        async with chromium() as browser:
            async with web_daemon(Path(scratch) / "data") as daemon, demo_chats.people(daemon) as clients:
                rooms = await demo_chats.fill(clients)
                await _take_all(browser, daemon, PICTURES, rooms, directory)
            async with (
                web_daemon(Path(scratch) / "people", people={"enabled": True}) as daemon,
                demo_chats.people(daemon) as clients,
                client_of(daemon, "zoe") as stranger,
            ):
                rooms = await demo_people.fill(clients, stranger)
                await _take_all(browser, daemon, OF_PEOPLE, rooms, directory)
            media = {"enabled": True, "address": "127.0.0.1:0"}
            folder = Path(scratch) / "pictures"
            folder.mkdir()
            async with (
                web_daemon(Path(scratch) / "media", media=media) as daemon,
                demo_chats.people(daemon) as clients,
                watched_context(browser, **DESKTOP) as (context, _),
            ):
                rooms = await demo_chats.fill(clients)
                await demo_media.fill(context, daemon, rooms["tour"], folder)
                await _take_all(browser, daemon, OF_MEDIA, rooms, directory)
            app = PushApp(**WebPush(Path(scratch)).app())
            push = {"enabled": True, "apps": (app,), "vapid_subject": "mailto:ops@example.org", "workers": 0}
            async with (
                web_daemon(Path(scratch) / "push", people={"enabled": True}, push=push) as daemon,
                demo_chats.people(daemon) as clients,
                client_of(daemon, "zoe") as stranger,
            ):
                rooms = await demo_people.fill(clients, stranger)
                await _take_all(browser, daemon, OF_PUSH, rooms, directory)


async def _take_all(
    browser: Any, daemon: RunningDaemon, pictures: Iterable[Picture], rooms: dict[str, str], directory: Path
) -> None:
    for picture in pictures:
        options = {**picture.window, "color_scheme": picture.theme, "locale": picture.locale}
        async with watched_context(browser, reduced_motion="reduce", **options) as (context, _):
            app = await app_page(context, daemon, "alice")
            await app.go(picture.route.format(**rooms))
            await app.page.locator(picture.sign).first.wait_for()
            await picture.act(app)
            await _shoot(app, directory / f"{picture.name}.webp")


async def _shoot(app: AppPage, path: Path) -> None:
    # Names, faces and presence come after the rows.
    await app.page.wait_for_load_state("networkidle")
    await app.until_still()
    devtools = await app.page.context.new_cdp_session(app.page)
    shot = await devtools.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    path.write_bytes(base64.b64decode(shot["data"]))
    print(f"{path}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    if reason := why_no_browser():
        sys.exit(reason)
    asyncio.run(take(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES))
