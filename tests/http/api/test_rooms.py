"""Rooms and members through the API: those of the host, those of users, and the pages of messages."""

from typing import Any

import pytest

from tests.http.api.conftest import Caller, WithKey
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon

KEY = "host-key-1"
GROUP = {"key": KEY, "title": "Harbour tour", "users": ["alice", "bob"]}


async def audited(daemon: RunningDaemon, target: str) -> list[str]:
    entries = (await daemon.api("GET", f"/v1/audit?target={target}")).json["audit"]
    return [one["action"] for one in reversed(entries)]


async def test_a_group_of_the_host_reaches_its_members_and_is_made_once(
    daemon: RunningDaemon, clients: Clients, with_key: WithKey
) -> None:
    caller = await with_key("rooms")
    alice = await clients.connect("alice")
    made = (await caller("POST", "/v1/rooms", {**GROUP, "data": {"tour": 7}})).json
    assert {**made, "room": "", "time": 0, "created_at": 0} == {
        "room": "", "kind": "group", "title": "Harbour tour", "members": 2, "seq": 1, "ordinal": 0, "time": 0,
        "created_at": 0, "data": {"tour": 7},
    }  # fmt: skip
    push = await alice.receive("room")
    assert (push["summary"]["room"], "role" in push["summary"]) == (made["room"], False)
    again = await caller("POST", "/v1/rooms", {**GROUP, "data": {"tour": 7}})
    assert again.json == {**made, "duplicate": True}
    other = await caller("POST", "/v1/rooms", {**GROUP, "title": "Another"})
    assert (other.status, other.json["field"]) == (409, "key")
    assert await audited(daemon, made["room"]) == ["POST /v1/rooms"] * 2


async def test_a_group_of_a_user_is_theirs(with_key: WithKey) -> None:
    caller = await with_key("rooms")
    made = (await caller("POST", "/v1/rooms", {**GROUP, "as": "alice"})).json
    assert (made["creator"], made["members"]) == ("alice", 2)
    members = await caller.get(f"/v1/rooms/{made['room']}/members?role=owner")
    assert [row["user"] for row in members["members"]] == ["alice"]


async def test_settings_are_changed_value_by_value_and_a_room_is_deleted(
    daemon: RunningDaemon, clients: Clients, with_key: WithKey
) -> None:
    caller = await with_key("rooms")
    room, (alice, _) = await clients.in_group("alice", "bob")
    path = f"/v1/rooms/{room}"
    assert (await caller("PATCH", path, {"title": "new"})).json["title"] == "new"
    event = await alice.next_event(room, "settings")
    assert (event["title"], "user" in event, "avatar" in event) == ("new", False, False)
    assert (await caller("PATCH", path, {"as": "bob", "title": "x"})).json["code"] == "forbidden"
    assert (await caller("PATCH", path, {"as": "alice", "avatar": "a.png"})).json["title"] == "new"
    assert (await caller("PATCH", path, {})).status == 200
    assert (await caller("DELETE", f"{path}?as=bob")).json["code"] == "forbidden"
    for _ in range(2):
        assert (await caller("DELETE", path)).json == {}
    assert (await alice.receive("gone"))["reason"] == "deleted"
    gone = await caller("GET", path)
    assert (gone.status, gone.json["code"]) == (410, "gone")


async def test_a_room_is_shown_as_a_user_sees_it_or_not(clients: Clients, with_key: WithKey) -> None:
    caller = await with_key("rooms.read")
    room, _ = await clients.in_group("alice", "bob")
    shown = await caller.get(f"/v1/rooms/{room}")
    assert (shown["creator"], shown["members"], shown["title"]) == ("alice", 2, "a group")
    assert await caller.get(f"/v1/rooms/{room}?as=bob") == shown
    for path in (f"{room}?as=eve", "gAbCdEfGhIj0", "gAbCdEfGhIj0?as=alice", f"{room}/members?as=eve"):
        answer = await caller("GET", f"/v1/rooms/{path}")
        assert (answer.status, answer.json["code"]) == (404, "not_found"), path
    assert (await caller("PATCH", f"/v1/rooms/{room}", {"title": "x"})).json["code"] == "forbidden"


async def test_members_are_set_listed_and_removed(clients: Clients, with_key: WithKey) -> None:
    caller = await with_key("rooms")
    room, (alice, bob) = await clients.in_group("alice", "bob")
    path = f"/v1/rooms/{room}/members"
    assert (await caller("PUT", path, {"users": ["carol", "bob"], "role": "admin"})).json == {}
    joined, role = await alice.next_event(room, "joined"), await alice.next_event(room, "role")
    assert (joined["users"], [row["user"] for row in role["users"]]) == (["carol"], ["carol", "bob"])
    first = await caller.get(f"{path}?limit=2")
    assert ([row["user"] for row in first["members"]], first["count"]) == (["alice", "bob"], 3)
    rest = await caller.get(f"{path}?limit=2&more={first['more']}")
    assert ([row["user"] for row in rest["members"]], "more" in rest) == (["carol"], False)
    assert (await caller("PUT", path, {"as": "bob", "users": ["alice"], "role": "member"})).status == 403
    assert (await caller("DELETE", f"{path}/bob?as=carol")).json["code"] == "forbidden"
    for _ in range(2):
        assert (await caller("DELETE", f"{path}/bob")).json == {}
    assert (await bob.receive("gone"))["room"] == room
    assert (await caller("DELETE", f"{path}/carol?as=carol")).json == {}
    assert (await alice.next_event(room, "left"))["user"] == "carol"


async def test_rules_bans_silences_and_the_announcement_of_a_group(
    clients: Clients, with_key: WithKey
) -> None:
    caller = await with_key("rooms")
    room, (alice, bob) = await clients.in_group("alice", "bob")
    path = f"/v1/rooms/{room}"
    rules = {"policy": {"slow_s": 5, "history": "all"}, "about": "We ride", "tags": ["bikes"]}
    changed = (await caller("PATCH", path, rules)).json
    assert {name: changed[name] for name in rules} == rules
    owned = await caller("PATCH", path, {"as": "bob", "policy": {"history": "none"}})
    assert (owned.status, owned.json["code"]) == (403, "forbidden")
    assert (await caller("PATCH", path, {"policy": {"slow_s": -1}})).status == 400
    sent = await alice.send(room, "we meet at nine")
    assert (await caller("PUT", f"{path}/announcement", {"target": sent["seq"]})).json == {}
    assert (await caller.get(path))["announcement"] == sent["seq"]
    assert (await caller("PUT", f"{path}/silences/bob", {"as": "alice", "until": 1})).json == {}
    assert (await alice.next_event(room, "silenced"))["users"] == ["bob"]
    [row] = (await caller.get(f"{path}/members?role=member"))["members"]
    assert (row["user"], row["silenced_until"]) == ("bob", 1)
    assert (await caller("DELETE", f"{path}/members/bob?ban=true&recall=true&until=9999999999999")).json == {}
    assert (await bob.receive("gone"))["room"] == room
    banned = await caller.get(f"{path}/members?role=banned")
    assert [(row["user"], row["banned_until"]) for row in banned["members"]] == [("bob", 9999999999999)]
    assert (await caller("PUT", f"{path}/members", {"users": ["bob"]})).json == {"not_added": ["bob"]}
    assert (await caller("DELETE", f"{path}/bans/bob")).json == {}
    assert (await caller("PUT", f"{path}/members", {"users": ["bob"]})).json == {}


async def test_in_the_place_of_a_member_no_more_members_are_listed_than_they_see(
    clients: Clients, with_key: WithKey
) -> None:
    caller = await with_key("rooms")
    room, _ = await clients.in_group("alice", "bob", "carol")
    path = f"/v1/rooms/{room}/members"
    await caller("PATCH", f"/v1/rooms/{room}", {"policy": {"hide_members": True}})
    await caller("DELETE", f"{path}/carol?ban=true")
    for query, seen in (
        ("", ["alice", "bob"]),
        ("?as=alice", ["alice", "bob"]),
        ("?as=bob", ["alice", "bob"]),
    ):
        assert [row["user"] for row in (await caller.get(f"{path}{query}"))["members"]] == seen
    assert (await caller.get(f"{path}?role=banned&as=alice"))["count"] == 1
    assert (await caller("GET", f"{path}?role=banned&as=bob")).status == 403


async def test_a_direct_room_is_opened_for_two_and_found_again(clients: Clients, with_key: WithKey) -> None:
    caller = await with_key("rooms")
    made = (await caller("POST", "/v1/rooms/direct", {"users": ["bob", "alice"]})).json
    assert (made["kind"], made["users"], made["members"]) == ("direct", ["alice", "bob"], 2)
    again = await caller("POST", "/v1/rooms/direct", {"users": ["alice", "bob"], "as": "bob"})
    assert again.json == made
    alice = await clients.connect("alice")
    assert await alice.open_direct("bob") == made["room"]
    for users, as_ in ((["alice", "alice"], {}), (["alice"], {}), (["alice", "bob"], {"as": "eve"})):
        answer = await caller("POST", "/v1/rooms/direct", {"users": users, **as_})
        assert (answer.status, answer.json["code"]) == (400, "bad_request")


async def pages(caller: Caller, path: str, query: str) -> list[list[str]]:
    """The texts of all pages, from the first to the one without `more`."""
    found, more = [], ""
    while not found or more:
        page = await caller.get(f"{path}?limit=2{query if not more else f'&more={more}'}")
        found.append([one["body"]["text"] for one in page["messages"]])
        more = page.get("more", "")
    return found


async def test_messages_are_read_page_by_page_in_both_directions_and_it_is_noted(
    daemon: RunningDaemon, clients: Clients, with_key: WithKey
) -> None:
    caller = await with_key("messages.read")
    room, (alice, _) = await clients.in_group("alice", "bob")
    sent = [await alice.send(room, str(number)) for number in range(5)]
    path = f"/v1/rooms/{room}/messages"
    assert await pages(caller, path, "") == [["3", "4"], ["1", "2"], ["0"]]
    assert await pages(caller, path, f"&before={sent[3]['seq']}") == [["1", "2"], ["0"]]
    assert await pages(caller, path, "&after=0") == [["0", "1"], ["2", "3"], ["4"]]
    assert await pages(caller, path, f"&after={sent[2]['seq']}") == [["3", "4"]]
    around = await caller.get(f"{path}?limit=3&around={sent[2]['seq']}")
    assert [one["body"]["text"] for one in around["messages"]] == ["1", "2", "3"]
    reads = await audited(daemon, room)
    assert reads == ["GET /v1/rooms/{room}/messages"] * len(reads)
    assert len(reads) == 3 + 2 + 3 + 1 + 1
    for query in ("before=2&after=2", "more=x1", "more=b", "before=0", "around=a", f"more=a{2**60}"):
        answer = await caller("GET", f"{path}?{query}")
        assert (answer.status, answer.json["code"] in ("bad_request", "bad_cursor")) == (400, True), query


async def test_who_came_later_sees_as_much_as_their_phone(clients: Clients, with_key: WithKey) -> None:
    caller = await with_key("messages.read", "rooms")
    room, (alice, _) = await clients.in_group("alice", "bob")
    await alice.send(room, "before")
    await caller("PUT", f"/v1/rooms/{room}/members", {"users": ["carol"]})
    await alice.send(room, "after")
    path = f"/v1/rooms/{room}/messages"
    assert await pages(caller, path, "&as=carol") == [["after"]]
    assert (await caller("GET", f"{path}?as=eve")).json["code"] == "not_found"
    await caller("DELETE", f"/v1/rooms/{room}/members/carol")
    assert (await caller("GET", f"{path}?as=carol")).json["code"] == "not_member"


async def test_a_recalled_message_has_no_text_for_the_host_either(
    clients: Clients, with_key: WithKey
) -> None:
    caller = await with_key("messages.read")
    room, (alice, _) = await clients.in_group("alice", "bob")
    sent = await alice.send(room, "secret")
    await alice.recall(room, sent["seq"])
    [message] = (await caller.get(f"/v1/rooms/{room}/messages"))["messages"]
    assert (message["recalled"], "body" in message) == (True, False)


async def test_a_read_position_moves_up_for_all_devices(clients: Clients, with_key: WithKey) -> None:
    caller = await with_key("messages", "users.read")
    room, (alice, bob) = await clients.in_group("alice", "bob")
    first, second = await alice.send(room, "1"), await alice.send(room, "2")
    path = f"/v1/rooms/{room}/read"
    answer = await caller("PUT", path, {"as": "bob", "seq": first["seq"]})
    assert answer.json == {"read": first["seq"], "unread": 1, "unread_mentions": 0}
    assert (await bob.receive("position"))["read"] == first["seq"]
    [listed] = (await caller.get("/v1/users/bob/rooms"))["rooms"]
    read = [listed[name] for name in ("read", "seq", "unread", "unread_mentions")]
    assert read == [first["seq"], second["seq"], 1, 0]
    assert (await caller("PUT", path, {"as": "bob", "seq": second["seq"]})).json["unread"] == 0
    assert (await caller("PUT", path, {"as": "eve", "seq": 1})).json["code"] == "not_found"


async def test_figures_name_the_daemon_and_nobody(
    daemon: RunningDaemon, clients: Clients, with_key: WithKey
) -> None:
    caller = await with_key("stats.read")
    room, (alice, _) = await clients.in_group("alice", "bob")
    await alice.send(room, "hi")
    shown = await caller.get("/v1/stats")
    assert (shown["users"], shown["connections"], shown["epoch"]) == (2, 2, daemon.app.store.epoch)
    assert (shown["events"]["message"], shown["stamp"]) == (1, daemon.app.store.stamp)
    assert "alice" not in str(shown)


@pytest.mark.parametrize("asked", [{"title": 7}, {"public": "yes"}, {"data": {"a": 2**60}}, {"owner": "u1"}])
async def test_a_wrong_setting_is_named_and_changes_nothing(
    clients: Clients, with_key: WithKey, asked: dict[str, Any]
) -> None:
    caller = await with_key("rooms")
    room, (alice, _) = await clients.in_group("alice", "bob")
    answer = await caller("PATCH", f"/v1/rooms/{room}", asked)
    assert (answer.status, answer.json["code"], answer.json["field"]) == (
        400,
        "bad_request",
        next(iter(asked)),
    )
    await alice.expect_silence("event", "room")


async def test_requests_and_invites_of_a_group(clients: Clients, with_key: WithKey) -> None:
    caller = await with_key("rooms")
    room, _ = await clients.in_group("alice", "bob")
    path = f"/v1/rooms/{room}"
    await caller("PATCH", path, {"policy": {"join": "request"}})
    eve, dan = [await clients.connect(user) for user in ("eve", "dan")]
    for client in (eve, dan):
        await client.mutate("room.join", room, text="hello")
    first = await caller.get(f"{path}/joins?limit=1")
    rest = await caller.get(f"{path}/joins?limit=1&more={first['more']}")
    # Both may have come in the same millisecond.
    waiting = sorted((row["user"], row["text"]) for row in (*first["joins"], *rest["joins"]))
    assert waiting == [("dan", "hello"), ("eve", "hello")]
    refused = await caller("POST", f"{path}/joins", {"as": "bob", "users": ["eve"], "accept": True})
    assert (refused.status, refused.json["code"]) == (403, "forbidden")
    assert (await caller("POST", f"{path}/joins", {"users": ["eve"], "accept": True})).json == {}
    assert (await eve.receive("room"))["summary"]["room"] == room
    banned = {"users": ["dan"], "accept": False, "ban": True}
    assert (await caller("POST", f"{path}/joins", banned)).json == {}
    made = (await caller("POST", f"{path}/invites", {"key": "flyer-2026", "uses_max": 5})).json
    assert (made["by"], made["uses_max"]) == ("", 5)
    again = (await caller("POST", f"{path}/invites", {"key": "flyer-2026", "uses_max": 5})).json
    assert again["invite"] == made["invite"]
    await dan.expect_refusal("not_found", {"type": "invites.look", "invite": made["invite"]})
    fay = await clients.connect("fay")
    used = {"type": "invites.use", "invite": made["invite"], "key": "key-of-fay"}
    assert (await fay.request(used))["summary"]["room"] == room
    [listed] = (await caller.get(f"{path}/invites"))["invites"]
    assert listed["uses"] == 1
    assert (await caller("DELETE", f"{path}/invites")).json == {}
    assert (await caller.get(f"{path}/invites"))["invites"] == []
    assert {row["user"] for row in (await caller.get(f"{path}/members"))["members"]} == {
        *("alice", "bob", "eve", "fay"),
    }


async def test_the_host_app_links_its_channel_to_a_group(with_key: WithKey) -> None:
    caller = await with_key("rooms")
    wanted = {"title": "Bike news", "kind": "channel", "key": "host-key-2"}
    channel = (await caller("POST", "/v1/rooms", wanted)).json["room"]
    group = (await caller("POST", "/v1/rooms", GROUP)).json["room"]
    linked = await caller("PATCH", f"/v1/rooms/{channel}", {"comments": group})
    assert linked.json["comments"] == group
    assert (await caller.get(f"/v1/rooms/{group}"))["channel"] == channel
    twice = await caller("PATCH", f"/v1/rooms/{group}", {"comments": channel})
    assert (twice.json["code"], twice.json["field"]) == ("bad_request", "comments")
