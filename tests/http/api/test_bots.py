"""Bots and official accounts through the API: what an account is, what the host says of a bot, what it is told."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.http.api.conftest import ADDRESS, Caller, WithKey
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.waiting import until

SETTINGS = {
    "commands": [{"name": "rain", "description": "Will it rain today?"}],
    "welcome": {"text": "Where are you?", "buttons": [[{"label": "Vienna", "data": "city=vie"}]]},
}
SWITCHES = {"events": {"enabled": True}, "bots": {"enabled": True}}


@pytest.fixture
def people() -> bool:
    """Whether people are switched on."""
    return True


both = pytest.mark.parametrize("people", [True, False], ids=["people", "without people"])


@pytest.fixture
async def daemon(tmp_path: Path, people: bool) -> AsyncIterator[RunningDaemon]:
    switches = {**SWITCHES, "people": {"enabled": people}}
    async with running_daemon(config_for(tmp_path, listen=ADDRESS, **switches)) as running:
        yield running


@pytest.fixture
async def host(with_key: WithKey) -> Caller:
    return await with_key("bots", "users", "messages", "rooms")


async def put(host: Caller, bot: str = "weather", **settings: Any) -> Any:
    answer = await host("PUT", f"/v1/bots/{bot}", settings)
    assert answer.status == 200, answer.body
    return answer.json


def told(page: Any) -> list[Any]:
    """The texts of the messages of a page."""
    return [one["event"]["body"]["text"] for one in page["events"] if one["type"] == "event.message"]


@both
async def test_the_kind_of_an_account_is_on_its_card(
    people: bool, clients: Clients, with_key: WithKey
) -> None:
    ann, shop = await clients.connect("ann"), await clients.connect("shop", hello={"features": ["account"]})
    caller = await with_key("users")
    answer = (await caller("PUT", "/v1/users/shop", {"name": "Shop", "kind": "official"})).json
    assert (answer["kind"], answer["version"]) == ("official", 1)
    assert (await caller.get("/v1/users"))["users"][0]["kind"] == "official"
    if people:
        (row,) = (await shop.receive("account"))["sections"]["account"]
        assert row["value"]["kind"] == "official"
    plate = {"user": "shop", "name": "Shop", "version": 1, "kind": "official"}
    assert (await ann.request({"type": "users.get", "users": ["shop"]}))["users"] == [plate]
    await caller("PUT", "/v1/users/shop", {"name": "The shop"})
    assert (await caller.get("/v1/users/shop"))["kind"] == "official", "what is absent stays"
    same = (await caller("PUT", "/v1/users/shop", {"kind": "official"})).json
    assert same["version"] == 2, "nothing changed"
    assert (await caller("PUT", "/v1/users/shop", {"kind": "person"})).json.get("kind") is None
    refused = await caller("PUT", "/v1/users/shop", {"kind": "robot"})
    assert (refused.status, refused.json["field"]) == (400, "kind")
    assert "bot, official, person" in refused.json["detail"]


async def test_the_settings_of_a_bot_are_put_read_and_removed(host: Caller) -> None:
    bot = await put(host, **SETTINGS)
    assert bot == {"user": "weather", "kind": "bot", "sees": "mentions", **SETTINGS}
    await put(host, "another")
    page = await host.get("/v1/bots?limit=1")
    assert [one["user"] for one in page["bots"]] == ["another"]
    assert await host.get(f"/v1/bots?more={page['more']}") == {"bots": [bot]}
    secret = "whsec_" + "A" * 32
    changed = await put(
        host, welcome=None, sees="all", hook={"url": "https://example.com/b", "secret": secret}
    )
    assert changed["hook"]["url"] == "https://example.com/b"
    assert {name: changed[name] for name in changed if name != "hook"} == {
        "user": "weather",
        "kind": "bot",
        "commands": SETTINGS["commands"],
        "sees": "all",
    }
    assert secret not in (await host("GET", "/v1/bots/weather")).body.decode()
    assert (await host("DELETE", "/v1/bots/weather")).status == 200
    assert (await host("GET", "/v1/bots/weather")).status == 404
    assert (await host("DELETE", "/v1/bots/weather")).status == 404
    assert (await host.get("/v1/users/weather"))["kind"] == "bot"


@pytest.mark.parametrize(
    ("settings", "status", "field"),
    [
        ({"commands": [{"name": "Rain", "description": "x"}]}, 400, "commands[0].name"),
        ({"commands": [{"name": f"c{n}", "description": "x"} for n in range(101)]}, 413, "commands"),
        ({"welcome": {"text": ""}}, 400, "body"),
        ({"welcome": {"text": "x", "reply_to": 1}}, 400, "body.reply_to"),
        ({"welcome": {"text": "x", "buttons": [[{"label": "x"}]]}}, 400, "body.buttons[0][0]"),
        ({"sees": "everything"}, 400, "sees"),
        ({"hook": {"url": "ftp://example.com", "secret": "whsec_" + "A" * 32}}, 400, "hook.url"),
        ({"hook": {"url": "https://u:p@example.com", "secret": "whsec_" + "A" * 32}}, 400, "hook.url"),
        ({"hook": {"url": "https://example.com", "secret": "whsec_short"}}, 400, "hook.secret"),
        ({"hook": {"url": "https://example.com"}}, 400, "hook.secret"),
    ],
)
async def test_settings_that_are_refused_change_nothing(
    host: Caller, settings: Any, status: int, field: str
) -> None:
    answer = await host("PUT", "/v1/bots/weather", settings)
    assert (answer.status, answer.json.get("field")) == (status, field), answer.body
    assert (await host("GET", "/v1/bots/weather")).status == 404
    assert (await host("GET", "/v1/users/weather")).status == 404


@both
async def test_a_person_talks_with_a_bot(host: Caller, clients: Clients) -> None:
    await put(host, **SETTINGS)
    ann = await clients.connect("ann", hello={"features": ["bots"]})
    shown = await ann.request({"type": "bots.get", "bot": "weather"})
    assert (shown["commands"], shown["welcome"]) == (SETTINGS["commands"], True)
    await ann.expect_refusal("not_found", {"type": "bots.get", "bot": "ann"})
    summary = (await ann.request({"type": "room.direct", "user": "weather"}))["summary"]
    room = summary["room"]
    assert (summary["seq"], summary["unread"]) == (2, 1)
    pressed = {"text": "Vienna", "reply_to": 2, "data": "city=vie"}
    await ann.send(room, "Vienna", body=pressed)
    page = await host.get("/v1/bots/weather/events")
    assert [one["type"] for one in page["events"]] == ["event.created", "event.message"]
    assert page["events"][1]["event"]["body"] == pressed
    answer = {"as": "weather", "key": "answer-1", "body": {"text": "Sunny", "reply_to": 3}}
    assert (await host("POST", f"/v1/rooms/{room}/messages", answer)).status == 200
    greeting, sunny = await ann.next_event(room), await ann.next_event(room)
    assert (greeting["seq"], greeting["body"]) == (2, SETTINGS["welcome"])
    assert (sunny["seq"], sunny["user"], sunny["body"]["text"]) == (4, "weather", "Sunny")
    assert (await host.get(f"/v1/bots/weather/events?after={page['next']}"))["events"] == [], (
        "bots hear no bots"
    )


async def test_in_a_group_a_bot_is_told_what_is_meant_for_it(host: Caller, clients: Clients) -> None:
    await put(host)
    await put(host, "log", sees="all")
    room, (ann, _) = await clients.in_group("ann", "bob")
    await ann.send(room, "before")
    await ann.request({"type": "members.add", "room": room, "key": "add-bots-1", "users": ["weather", "log"]})
    await ann.send(room, "hello")
    await ann.send(room, "you there", body={"mentions": ["weather"]})
    await ann.send(room, "/rain")
    said = await host(
        "POST",
        f"/v1/rooms/{room}/messages",
        {"as": "weather", "key": "answer-1", "body": {"text": "No rain"}},
    )
    await ann.send(room, "thanks", body={"reply_to": said.json["seq"]})
    page = await host.get("/v1/bots/weather/events")
    assert told(page) == ["you there", "/rain", "thanks"]
    assert page["events"][0]["event"]["users"] == ["weather", "log"], "it is told that it was added"
    assert told(await host.get("/v1/bots/log/events")) == ["hello", "you there", "/rain", "thanks"]
    await ann.request({"type": "members.remove", "room": room, "key": "remove-bot-1", "users": ["weather"]})
    await ann.send(room, "/gone")
    (last,) = (await host.get(f"/v1/bots/weather/events?after={page['next']}"))["events"]
    assert (last["type"], last["event"]["users"]) == ("event.removed", ["weather"])
    assert told(await host.get("/v1/bots/weather/events")) == [], "what it left is not for it any more"


async def test_a_bot_is_told_no_text_of_a_message_that_it_does_not_see(
    host: Caller, clients: Clients
) -> None:
    await put(host, "log", sees="all")
    room, (ann, _) = await clients.in_group("ann", "bob")
    before = await ann.send(room, "before")
    await ann.mutate("members.add", room, users=["log"])
    deleted, seen = await ann.send(room, "deleted"), await ann.send(room, "seen")
    bot = await clients.connect("log")
    await bot.request({"type": "read", "room": room, "seq": seen["seq"]})
    await bot.request({"type": "delete", "room": room, "ranges": [[deleted["seq"], deleted["seq"]]]})
    for one in (before, deleted, seen):
        await ann.mutate("edit", room, target=one["seq"], body={"text": f"edited {one['seq']}"})
    entries = (await host.get("/v1/bots/log/events"))["events"]
    said = [one["event"] for one in entries if one["type"] in ("event.message", "event.edit")]
    assert [one.get("target", one["seq"]) for one in said] == [seen["seq"], seen["seq"]]


async def test_a_bot_waits_for_what_concerns_it_and_for_nothing_else(
    daemon: RunningDaemon, host: Caller, clients: Clients
) -> None:
    await put(host)
    room, (ann, _) = await clients.in_direct("ann", "weather")
    elsewhere, (bob, _) = await clients.in_direct("bob", "cid")
    cursor = (await host.get("/v1/bots/weather/events?after=latest"))["next"]
    looks = 0
    updates = daemon.app.host.bot_updates
    assert updates is not None
    store, page = updates._store, updates._store.bot_page

    async def counted(query: Any, bot: Any) -> Any:
        nonlocal looks
        looks += 1
        return await page(query, bot)

    store.bot_page = counted  # type: ignore[method-assign]
    waiting = asyncio.create_task(host.get(f"/v1/bots/weather/events?after={cursor}&wait=30"))
    await until(lambda: looks == 1)
    for _ in range(3):
        await bob.send(elsewhere, "between others")
    await ann.send(room, "for the bot")
    assert told(await waiting) == ["for the bot"]
    assert looks == 2


async def test_a_disabled_bot_is_told_nothing(host: Caller, clients: Clients) -> None:
    await put(host, **SETTINGS)
    await host("PUT", "/v1/users/weather", {"disabled": True})
    assert (await host("GET", "/v1/bots/weather/events")).status == 403
    await host("PUT", "/v1/users/weather", {"disabled": False})
    assert (await host("GET", "/v1/bots/weather/events")).status == 200


@both
async def test_a_block_stops_a_bot(people: bool, host: Caller, clients: Clients) -> None:
    await put(host)
    room, (ann, _) = await clients.in_direct("ann", "weather")
    post = f"/v1/rooms/{room}/messages"
    assert (
        await host("POST", post, {"as": "weather", "key": "answer-1", "body": {"text": "x"}})
    ).status == 200
    if people:
        await ann.request({"type": "contact.set", "user": "weather", "blocked": True})
        answer = await host("POST", post, {"as": "weather", "key": "answer-2", "body": {"text": "x"}})
        assert (answer.status, answer.json["code"]) == (403, "refused")


async def test_where_bots_are_off_there_are_none(tmp_path: Path) -> None:
    async with running_daemon(config_for(tmp_path, listen=ADDRESS)) as daemon:
        bot = "/v1/bots/weather"
        for method, path in (
            ("PUT", bot),
            ("GET", bot),
            ("DELETE", bot),
            ("GET", f"{bot}/events"),
            ("GET", "/v1/bots"),
        ):
            answer = await daemon.api(method, path)
            assert (answer.status, answer.json["code"]) == (501, "not_supported"), path
        clients = Clients(daemon.url)
        ann = await clients.connect("ann")
        await ann.expect_refusal("not_supported", {"type": "bots.get", "bot": "weather"})
        assert daemon.app.host.bot_updates is None
        await clients.leave()


async def test_small_pages_hold_what_a_large_one_does(host: Caller, clients: Clients) -> None:
    await put(host)
    room, (ann, _) = await clients.in_group("ann", "weather")
    elsewhere, (bob, _) = await clients.in_group("bob", "cid")
    for number in range(4):
        await ann.send(room, f"/command {number}")
        await ann.send(room, f"chat {number}")
        await bob.send(elsewhere, "between others")
    whole = (await host.get("/v1/bots/weather/events"))["events"]
    assert len(whole) == 5
    pages, after = [], ""
    while page := (answer := await host.get(f"/v1/bots/weather/events?limit=1&after={after}"))["events"]:
        after = answer["next"]
        pages += page
    assert pages == whole


async def test_a_bot_is_told_of_followers_and_not_of_blocks(host: Caller, clients: Clients) -> None:
    await put(host)
    ann = await clients.connect("ann")
    for change in ({"following": True}, {"blocked": True}, {"following": False}):
        await ann.request({"type": "contact.set", "user": "weather", **change})
    events = (await host.get("/v1/bots/weather/events"))["events"]
    assert [(one["user"], one["other"], one["change"]) for one in events] == [
        ("ann", "weather", "followed"),
        ("ann", "weather", "unfollowed"),
    ]


async def test_who_is_a_bot_is_known_after_a_restart_and_when_it_changes(
    daemon: RunningDaemon, host: Caller, clients: Clients
) -> None:
    await put(host)
    room, _ = await clients.in_direct("ann", "weather")
    await clients.leave()
    await daemon.restart()

    async def status(key: str) -> int:
        body = {"text": "Sure?", "buttons": [[{"label": "Yes", "data": "yes"}]]}
        content = {"as": "weather", "key": key, "body": body}
        return (await daemon.api("POST", f"/v1/rooms/{room}/messages", **content)).status

    assert await status("sure-0001") == 200
    await daemon.api("PUT", "/v1/users/weather", kind="person")
    assert await status("sure-0002") == 400
    await daemon.api("PUT", "/v1/users/weather", kind="official")
    assert await status("sure-0003") == 200


async def test_a_bot_on_a_connection_is_a_client(host: Caller, clients: Clients) -> None:
    await put(host)
    room, (ann, bot) = await clients.in_direct("ann", "weather")
    buttons = [[{"label": "Vienna", "data": "city=vie"}, {"label": "Map", "url": "https://example.com"}]]
    sent = await bot.send(room, "Where are you?", body={"buttons": buttons})
    assert "event" not in sent
    assert (await ann.next_event(room))["body"] == {"text": "Where are you?", "buttons": buttons}
    press = {"data": "city=vie", "reply_to": sent["seq"]}
    await ann.send(room, "Vienna", body=press)
    assert (await bot.next_event(room))["body"] == {"text": "Vienna", **press}
    # A client of tomorrow knows more of a button than we do.
    newer = [[{**buttons[0][0], "colour": "red"}]]
    event = (await bot.send(room, "And now?", body={"buttons": newer}))["event"]
    assert event["body"]["buttons"] == [[buttons[0][0]]]
    body = {"text": "x", "buttons": buttons}
    packet = {"type": "send", "room": room, "key": "press-0001", "body": body}
    assert (await ann.expect_refusal("bad_request", packet))["field"] == "body.buttons"
    for wrong, code in (([[]], "bad_request"), (buttons * 6, "too_large"), ([buttons[0] * 2], "too_large")):
        packet = {**packet, "key": "press-0002", "body": {"text": "x", "buttons": wrong}}
        await bot.expect_refusal(code, packet)
    await bot.mutate("edit", room, target=sent["seq"], body={"text": "Where are you?"})
    edit = await ann.next_event(room, "edit")
    assert edit["body"] == {"text": "Where are you?"}, "the buttons are gone"
