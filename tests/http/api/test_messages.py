"""Messages through the API: in the place of a user, by the host itself, and what phones are shown of it."""

from typing import Any

import pytest

from tests.http.api.conftest import Caller, WithKey
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon

KEY = "host-key-1"


async def posted(caller: Caller, room: str, user: str, text: str, key: str = KEY) -> Any:
    asked = {"as": user, "key": key, "body": {"text": text}}
    return await caller("POST", f"/v1/rooms/{room}/messages", asked)


async def test_a_message_of_a_user_is_posted_once_and_reaches_the_others(
    clients: Clients, with_key: WithKey
) -> None:
    caller = await with_key("messages")
    room, (alice, bob) = await clients.in_group("alice", "bob")
    first = await posted(caller, room, "alice", "hi")
    assert first.json == {"seq": 2, "ordinal": 1, "time": first.json["time"]}
    for client in (alice, bob):
        event = await client.next_event(room)
        assert (event["user"], event["kind"], event["body"]) == ("alice", "message", {"text": "hi"})
    assert (await posted(caller, room, "alice", "hi")).json == {**first.json, "duplicate": True}
    again = await posted(caller, room, "alice", "something else")
    assert (again.status, again.json["code"], again.json["field"]) == (409, "conflict", "key")


async def test_as_gives_the_rights_of_that_user_and_no_more(clients: Clients, with_key: WithKey) -> None:
    caller = await with_key("messages")
    room, (alice, *_) = await clients.in_group("alice", "bob")
    sent = await alice.send(room, "mine")
    path = f"/v1/rooms/{room}/messages/{sent['seq']}"
    assert (await posted(caller, room, "eve", "hi")).json["code"] == "not_found"
    assert (await caller("PATCH", path, {"as": "bob", "body": {"text": "x"}})).json["code"] == "forbidden"
    assert (await caller("DELETE", f"{path}?as=bob")).json["code"] == "forbidden"
    assert (await caller("PATCH", path, {"body": {"text": "x"}})).json["field"] == "as"
    changed = await caller("PATCH", path, {"as": "alice", "body": {"text": "better"}})
    assert changed.json["seq"] == sent["seq"] + 1
    same = await caller("PATCH", path, {"as": "alice", "body": {"text": "better"}})
    assert same.json == {"duplicate": True}
    assert (await caller("DELETE", f"{path}?as=alice")).json["seq"] == sent["seq"] + 2


async def test_a_disabled_user_does_nothing_in_any_place(clients: Clients, with_key: WithKey) -> None:
    caller = await with_key("messages", "users", "rooms")
    room, _ = await clients.in_group("alice", "bob")
    await caller("PUT", "/v1/users/alice", {"disabled": True})
    refused = await posted(caller, room, "alice", "hi")
    assert (refused.status, refused.json["code"], refused.json["field"]) == (403, "forbidden", "as")
    assert (await caller("PATCH", f"/v1/rooms/{room}", {"as": "alice", "title": "x"})).status == 403
    await caller("PUT", "/v1/users/alice", {"disabled": False})
    assert (await posted(caller, room, "alice", "hi")).status == 200


async def test_the_host_takes_any_message_back_and_repeating_it_changes_nothing(
    daemon: RunningDaemon, clients: Clients, with_key: WithKey
) -> None:
    caller = await with_key("messages", "stats.read")
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    sent = await alice.send(room, "spam")
    await bob.next_event(room, "message")
    path = f"/v1/rooms/{room}/messages/{sent['seq']}"
    assert (await caller("DELETE", path)).json["seq"] == sent["seq"] + 1
    event = await bob.next_event(room)
    assert (event["kind"], event["target"], "user" in event) == ("recall", sent["seq"], False)
    assert (await caller("DELETE", path)).json == {"duplicate": True}
    entries = (await caller.get(f"/v1/audit?target={room}"))["audit"]
    assert [(one["key"], one["action"]) for one in entries] == [
        (caller.id, "DELETE /v1/rooms/{room}/messages/{seq}")
    ]


async def test_the_audit_tells_in_whose_place_it_was_done(
    daemon: RunningDaemon, clients: Clients, with_key: WithKey
) -> None:
    caller = await with_key("messages", "rooms", "stats.read")
    room, _ = await clients.in_group("alice", "bob")
    await posted(caller, room, "alice", "hi")
    await caller("DELETE", f"/v1/rooms/{room}/messages/2?as=alice")
    await caller("PATCH", f"/v1/rooms/{room}", {"title": "new"})
    await caller.get(f"/v1/rooms/{room}/messages?as=bob")

    async def told(query: str) -> list[tuple[str, str]]:
        entries = (await caller.get(f"/v1/audit?{query}"))["audit"]
        return [(one["action"].split()[0], one.get("as", "")) for one in entries]

    assert await told("as=alice") == [("DELETE", "alice"), ("POST", "alice")]
    assert await told("as=bob") == [("GET", "bob")]
    assert await told(f"as=alice&target={room}&limit=1") == [("DELETE", "alice")]
    assert await told("as=alice&target=elsewhere") == []
    assert await told(f"target={room}") == [
        ("GET", "bob"),
        ("PATCH", ""),
        ("DELETE", "alice"),
        ("POST", "alice"),
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "body"), ({"text": 7}, "body.text"), ({"data": {"n": 2**60}}, "body.data"), (None, "body")],
)
async def test_a_body_obeys_the_rules_of_bodies(
    clients: Clients, with_key: WithKey, body: Any, field: str
) -> None:
    caller = await with_key("messages")
    room, _ = await clients.in_group("alice", "bob")
    for path, rest in (("messages", {"as": "alice"}), ("notices", {})):
        answer = await caller("POST", f"/v1/rooms/{room}/{path}", {"key": KEY, "body": body, **rest})
        assert (answer.status, answer.json["code"], answer.json["field"]) == (400, "bad_request", field)


async def test_host_data_is_as_on_the_wire_and_unknown_keys_of_a_body_are_ignored(
    clients: Clients, with_key: WithKey
) -> None:
    caller = await with_key("messages")
    room, (alice, _) = await clients.in_group("alice", "bob")
    body = {"data": {"sealed": {"$bytes": "AAE"}, "n": 1.5}, "later": 1}
    asked = {"as": "alice", "key": KEY, "body": body, "silent": True}
    answer = await caller("POST", f"/v1/rooms/{room}/messages", asked)
    assert "ordinal" not in answer.json
    event = await alice.next_event(room)
    assert event["body"] == {"data": {"sealed": b"\x00\x01", "n": 1.5}}


async def test_a_card_is_posted_and_messages_are_forwarded_as_a_user(
    clients: Clients, with_key: WithKey
) -> None:
    caller = await with_key("messages")
    room, _ = await clients.in_group("alice", "bob")
    other, (bob, _) = await clients.in_group("bob", "cat")
    card = {"type": "link", "url": "https://example.com/", "title": "Example"}
    body = {"text": "Look", "card": card}
    asked = {"as": "alice", "key": KEY, "body": body}
    assert (await caller("POST", f"/v1/rooms/{room}/messages", asked)).json["seq"] == 2
    wrong = {**asked, "key": "host-key-2", "body": {"card": {**card, "url": "http://example.com/"}}}
    refused = await caller("POST", f"/v1/rooms/{room}/messages", wrong)
    assert (refused.status, refused.json["field"]) == (400, "body.card.url")
    forged = {**asked, "key": "host-key-3", "body": {"text": "x", "forwarded": {"user": "cat"}}}
    refused = await caller("POST", f"/v1/rooms/{room}/messages", forged)
    assert (refused.status, refused.json["field"]) == (400, "body.forwarded")
    forward = {"as": "bob", "key": KEY, "from": room, "seqs": [2], "credit": True}
    answer = await caller("POST", f"/v1/rooms/{other}/forwards", forward)
    assert (answer.status, answer.json["seqs"]) == (200, [2])
    event = await bob.next_event(other)
    assert event["body"] == {
        **body,
        "forwarded": {"user": "alice", "time": event["body"]["forwarded"]["time"]},
    }
    assert answer.json["event"] == event
    again = await caller("POST", f"/v1/rooms/{other}/forwards", forward)
    assert again.json == {**answer.json, "duplicate": True}
    stranger = await caller(
        "POST", f"/v1/rooms/{other}/forwards", {**forward, "as": "cat", "key": "host-key-4"}
    )
    assert (stranger.json["code"], stranger.json["field"]) == ("not_found", "from")


async def test_a_notice_has_no_author(clients: Clients, with_key: WithKey) -> None:
    caller = await with_key("messages")
    room, (alice, _) = await clients.in_group("alice", "bob")
    asked = {"key": KEY, "body": {"text": "Maintenance at 2."}}
    first = await caller("POST", f"/v1/rooms/{room}/notices", asked)
    event = await alice.next_event(room)
    assert (event["kind"], "user" in event, "ordinal" in first.json) == ("notice", False, False)
    assert (await caller("POST", f"/v1/rooms/{room}/notices", asked)).json == {
        **first.json,
        "duplicate": True,
    }
