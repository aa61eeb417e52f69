"""Notifications in the web client: asked for in context, registered, received by way of a push service, explained.

No push service of a browser is reachable here: the page is given a subscription of one that the test runs. The daemon
seals and sends to it; what came is opened there and delivered to the worker by the DevTools.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from bench.machine import free_ports
from chatd.client import Client, Room
from chatd.config.push import PushApp
from tests.kit.app_page import AXE, AppPage, app_page
from tests.kit.browser import BROWSER, WORKER, expect, watched_context, web_daemon
from tests.kit.chat_page import client_of
from tests.kit.daemon import RunningDaemon
from tests.kit.push_page import push_page
from tests.kit.push_services.web_push import WebPush
from tests.kit.waiting import until

pytestmark = [
    *BROWSER,
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: make web"),
]

PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "locale": "zh-CN", **WORKER}
DESKTOP = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **WORKER}

BROWSER_PUSH = """
(given) => {
  let [permission, current] = [given.permission, null];
  Object.defineProperty(Notification, "permission", { get: () => permission });
  Notification.requestPermission = async () => {
    window.asked = (window.asked ?? 0) + 1;
    return (permission = given.answer);
  };
  const bytes = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0)).buffer;
  PushManager.prototype.getSubscription = async () => current;
  PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
    if (!given.token) throw new DOMException("push service not available", "AbortError");
    current = {
      endpoint: given.token,
      options: { applicationServerKey: applicationServerKey.buffer },
      getKey: (name) => bytes(given[name]),
      unsubscribe: async () => ((current = null), true),
    };
    return current;
  };
}
"""


class World(NamedTuple):
    daemon: RunningDaemon
    service: WebPush
    bob: Client
    room: Room


@pytest_asyncio.fixture(loop_scope="session")
async def world(browser: Any, tmp_path: Path) -> AsyncIterator[World]:
    async with WebPush(tmp_path) as service:
        push = {
            "enabled": True,
            "apps": (PushApp(**service.app()),),
            "vapid_subject": "mailto:ops@example.org",
            "workers": 0,
            "delay_s": 0,
        }
        # A restart keeps its address.
        listen = {"address": f"127.0.0.1:{free_ports(1)[0]}"}
        sections = {
            "people": {"enabled": True},
            "egress": {"allow": ("127.0.0.0/8",)},
            "push": push,
            "listen": listen,
        }
        async with web_daemon(tmp_path / "data", **sections) as daemon, client_of(daemon, "bob") as bob:
            await bob.request_friend("alice")
            room = await bob.create_group("Bike tour", public=True)
            async with client_of(daemon, "alice") as alice:
                await alice.accept_friend("bob")
                await alice.join(room.id)
            yield World(daemon, service, bob, room)


async def window(
    context: Any, world: World, permission: str = "default", answer: str = "granted", **given: str
) -> AppPage:
    """Open the client as alice, in a browser with a subscription of the service, or with none."""
    script = f"({BROWSER_PUSH})({json.dumps({'permission': permission, 'answer': answer, **given})})"
    await context.add_init_script(script)
    app = await app_page(context, world.daemon, "alice")
    await app.row("Bike tour").wait_for()
    return app


async def of_alice(world: World) -> dict[str, Any]:
    answer = await world.daemon.api("GET", "/v1/users/alice/push")
    assert answer.status == 200
    found: dict[str, Any] = answer.json
    return found


async def until_of_alice(world: World, **expected: Any) -> None:
    """Wait until the preferences, or with `platforms` the registrations, are these."""
    while True:
        found = await of_alice(world)
        known = {**found["preferences"], "platforms": [one["platform"] for one in found["registrations"]]}
        if expected.items() <= known.items():
            return


async def notify(client: Client, room: Room, level: str) -> None:
    await client.call({"type": "preferences", "room": room.id, "notify": level})


async def check(app: AppPage) -> None:
    """Look for barriers, and for what is wider than its place."""
    await app.until_still()
    assert await app.findings() == []
    assert await app.overflow() == []


async def test_who_says_yes_after_the_first_message_is_notified_while_away(
    browser: Any, world: World
) -> None:
    options = {**DESKTOP, "permissions": ["notifications"]}
    async with watched_context(browser, **options) as (context, watch):
        app = await window(context, world, **world.service.subscribe())
        await app.go(f"r/{world.room.id}")
        await app.field.wait_for()
        bar = app.page.locator(".ask-bar")
        await expect(bar).to_have_count(0)
        await app.say("Who brings the map?")
        await bar.wait_for()
        assert await app.page.evaluate("() => window.asked") is None
        await check(app)
        await bar.get_by_role("button", name="Turn on").click()
        await bar.wait_for(state="detached")
        await until_of_alice(world, platforms=["web"])
        await app.page.close()
        # Somebody whose connection is still there would be looking at it.
        await until(lambda: world.daemon.sockets == 1)
        await world.room.send("I have two.")
        await world.service.until(lambda: world.service.accepted)
        payload = world.service.accepted[0].payload
        assert (payload["kind"], payload["name"], payload["title"]) == ("message", "Bob", "Bike tour")
        again = await window(context, world)
        push = await push_page(again.page, world.daemon)
        await push.deliver(json.dumps(payload))
        (shown,) = await push.until("shown.length === 1")
        assert (shown["title"], shown["body"]) == ("Bike tour", "Bob: I have two.")
        await push.press(shown["tag"])
        await again.title.get_by_text("Bike tour").wait_for()
        await push.until("shown.length === 0")
        assert watch.errors == []
        assert world.service.objections == []


async def test_a_no_is_remembered_and_can_be_undone(browser: Any, world: World) -> None:
    options = {**PHONE, "permissions": ["notifications"]}
    async with watched_context(browser, **options) as (context, watch):
        app = await window(context, world, **world.service.subscribe())
        bar = app.page.locator(".ask-bar")
        await app.go(f"r/{world.room.id}")
        await app.say("Hi")
        await bar.wait_for()
        await check(app)
        await bar.get_by_role("button", name="暂不").click()
        await bar.wait_for(state="detached")
        await app.page.reload()
        await app.say("Hi again")
        await app.page.locator("article.out").nth(1).wait_for()
        await expect(bar).to_have_count(0)
        await app.go("me/notifications")
        switch = app.page.get_by_role("switch").first
        await expect(switch).not_to_be_checked()
        await switch.click()
        await until_of_alice(world, platforms=["web"])
        await check(app)
        await app.page.get_by_role("button", name="发送测试通知").click()
        await app.page.locator(".test-result").get_by_text("已发送").wait_for()
        assert [one.payload["kind"] for one in world.service.accepted] == ["test"]
        await switch.click()
        await until_of_alice(world, platforms=[])
        assert watch.errors == []


async def test_what_the_server_forgot_is_registered_again_until_the_sign_out(
    browser: Any, world: World
) -> None:
    async with watched_context(browser, **DESKTOP, permissions=["notifications"]) as (context, _):
        app = await window(context, world, permission="granted", **world.service.subscribe())
        await app.go("me/notifications")
        await app.page.get_by_role("switch").first.click()
        await until_of_alice(world, platforms=["web"])
        (registered,) = (await of_alice(world))["registrations"]
        forgotten = await world.daemon.api("DELETE", f"/v1/users/alice/push/{registered['device']}")
        assert forgotten.status in (200, 204)
        await until_of_alice(world, platforms=[])
        await world.daemon.restart()
        await until_of_alice(world, platforms=["web"])
        await app.go("me")
        await app.page.get_by_role("button", name="Sign out", exact=True).last.click()
        await app.dialog.get_by_role("button", name="Sign out").click()
        await app.page.get_by_label("Password").wait_for()
        await until_of_alice(world, platforms=[])


@pytest.mark.parametrize(
    ("permission", "subscribes", "title"),
    [("denied", True, "Blocked in this browser"), ("granted", False, "Not registered yet")],
)
async def test_what_stands_in_the_way_is_said(
    browser: Any, world: World, permission: str, subscribes: bool, title: str
) -> None:
    async with watched_context(browser, **DESKTOP) as (context, _):
        given = world.service.subscribe() if subscribes else {}
        app = await window(context, world, permission, **given)
        await app.go("me/notifications")
        if not subscribes:
            await app.page.get_by_role("switch").first.click()
        await app.page.locator(".obstacle").get_by_text(title).wait_for()
        await check(app)
        await app.go(f"r/{world.room.id}")
        await app.say("Hi")
        await app.page.locator("article.out").wait_for()
        await expect(app.page.locator(".ask-bar")).to_have_count(0)


async def test_what_is_told_is_chosen_for_the_account_and_for_a_chat(browser: Any, world: World) -> None:
    await world.room.send("Who brings the map?")
    async with watched_context(browser, **DESKTOP) as (context, watch):
        app = await window(context, world, **world.service.subscribe())
        page = app.page
        await app.go("me/notifications")
        await page.get_by_role("combobox", name="Groups").select_option("mentions")
        await until_of_alice(world, groups="mentions")
        await page.get_by_role("switch", name="Reactions to my messages").click()
        await until_of_alice(world, reactions=True)
        await page.get_by_role("radio", name="Name").check(force=True)
        await until_of_alice(world, content="sender", reactions=True)
        await page.locator(".push-example").get_by_text("New message from").wait_for()
        await page.get_by_role("button", name="Add quiet hours").click()
        await app.dialog.get_by_role("checkbox", name="Sunday").uncheck(force=True)
        await check(app)
        await app.dialog.get_by_role("button", name="Save").click()
        days = [1, 2, 3, 4, 5, 6]
        await until_of_alice(world, quiet=[{"from": "22:00", "to": "07:00", "days": days}])
        await page.get_by_role("radio", name="Not at all").check(force=True)
        await until_of_alice(world, quiet_mode="off")
        await check(app)
        await app.go(f"r/{world.room.id}")
        await page.get_by_role("button", name="Notifications").click()
        await page.get_by_role("menuitemradio", name="As usual: mentions", checked=True).wait_for()
        await check(app)
        await page.get_by_role("menuitemradio", name="All messages").click()
        await app.go(f"r/{world.room.id}/about")
        choice = page.locator("label.setting").filter(has_text="Notifications").locator("select")
        shows = "([select, value]) => select.value === value"
        await page.wait_for_function(shows, arg=[await choice.element_handle(), "all"])
        await choice.select_option("none")
        await page.reload()
        await page.wait_for_function(shows, arg=[await choice.element_handle(), "none"])
        assert watch.errors == []


async def test_the_number_is_that_of_what_would_alert(browser: Any, world: World) -> None:
    direct = await world.bob.direct("alice")
    await direct.send("Hi")
    for text in ("one", "two"):
        await world.room.send(text)
    async with (
        watched_context(browser, **DESKTOP) as (context, _),
        client_of(world.daemon, "alice") as phone,
    ):
        app = await window(context, world, **world.service.subscribe())
        await app.until_title("(3) chatd")
        await notify(phone, world.room, "none")
        await app.until_title("(1) chatd")
        assert (await of_alice(world))["badge"] == 1
        await notify(phone, world.room, "mentions")
        await world.room.send({"text": "@Alice three", "mentions": ["alice"]})
        await app.until_title("(2) chatd")
        assert (await of_alice(world))["badge"] == 2


async def test_it_says_why(browser: Any, world: World) -> None:
    async with client_of(world.daemon, "alice") as phone:
        await phone.room(world.room.id).preferences(muted_until=1)
    seq = (await world.room.send("Nobody hears this")).seq
    async with watched_context(browser, **DESKTOP) as (context, watch):
        app = await window(context, world, **world.service.subscribe())
        page = app.page
        await app.go("me/notifications")
        await page.set_viewport_size({"width": 320, "height": 640})
        await page.get_by_role("link", name="Why was I notified, or not?").click()
        row = page.locator(".told").filter(has_text="Bike tour").first
        await row.wait_for()
        await check(app)
        await page.get_by_role("radio", name="Not notified").check(force=True)
        await row.wait_for()
        await row.get_by_role("link", name="Bike tour").click()
        message = page.locator(f'article[data-seq="{seq}"]')
        await message.focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("menuitem", name="Why was I notified, or not?").click()
        await app.dialog.locator(".outcome").first.wait_for()
        await check(app)
        assert watch.errors == []
