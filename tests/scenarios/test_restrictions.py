"""A ban, a mute and a limit over real sockets: in force when the host is answered, and seen by nobody else."""

import time
from typing import Any

import pytest

from tests.kit.client import TestClient, fresh_key
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon

HOUR_MS = 3_600_000


def soon() -> int:
    return int(time.time() * 1000) + HOUR_MS


async def restrict(daemon: RunningDaemon, user: str, what: str, until: int = 1) -> None:
    answer = await daemon.api("PUT", f"/v1/users/{user}/restriction", what=what, until=until, reason="spam")
    assert (answer.status, answer.json) == (200, {"what": what, "until": until, "reason": "spam"})


@pytest.mark.parametrize("for_ever", [True, False])
async def test_a_ban_ends_every_connection_and_the_next_hello(
    daemon: RunningDaemon, clients: Clients, for_ever: bool
) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    other = await clients.connect("alice")
    await restrict(daemon, "alice", "ban", 1 if for_ever else soon())
    for client in (alice, other):
        bye = await client.expect_bye(4202)
        assert bye["reason"] == "banned"
        assert ("retry_after" in bye) == (not for_ever)
    again = await clients.open("alice")
    error = await again.expect_refusal("forbidden", again.hello())
    assert error["retry"] == "never"
    assert error.get("retry_after", 0) <= HOUR_MS
    assert ("retry_after" in error) == (not for_ever)
    await again.expect_bye(4202)
    assert (await daemon.api("DELETE", "/v1/users/alice/restriction")).json == {}
    back = await clients.connect("alice")
    await back.send(room, "the room is still mine")
    assert (await bob.next_event(room))["body"]["text"] == "the room is still mine"


async def test_who_is_muted_says_nothing_and_can_still_read_and_take_back(
    daemon: RunningDaemon, clients: Clients
) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    sent = await alice.send(room, "before")
    await restrict(daemon, "alice", "mute", soon())
    body = {"text": "after"}
    key = fresh_key()
    for packet in (
        {"type": "send", "room": room, "key": key, "body": body},
        {"type": "edit", "room": room, "key": fresh_key(), "target": sent["seq"], "body": body},
        {"type": "room.create", "key": fresh_key(), "kind": "group", "title": "loud"},
    ):
        error = await alice.expect_refusal("muted", packet)
        assert (error["scope"], error["retry"]) == ("user", "later")
        assert 0 < error["retry_after"] <= HOUR_MS
    await alice.post({"type": "typing", "room": room})
    await alice.read(room, sent["seq"])
    await alice.recall(room, sent["seq"])
    await bob.next_event(room, "recall")
    assert (await daemon.api("DELETE", "/v1/users/alice/restriction")).status == 200
    await alice.request({"type": "send", "room": room, "key": key, "body": body})
    assert (await bob.next_event(room))["body"] == body
    assert not [packet for packet in bob.waiting() if packet["type"] == "typing"]


async def test_who_connects_later_is_muted_as_well(daemon: RunningDaemon, clients: Clients) -> None:
    room, _ = await clients.in_group("alice", "bob")
    await clients.leave()
    await restrict(daemon, "alice", "mute")
    alice = await clients.connect("alice")
    said = {"type": "send", "room": room, "key": fresh_key(), "body": {"text": "hi"}}
    assert (await alice.expect_refusal("muted", said))["retry_after"] == 86_400_000


async def test_who_is_limited_says_one_thing_at_a_time(daemon: RunningDaemon, clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    await restrict(daemon, "alice", "limit")
    await alice.send(room, "one")
    for _ in range(2):
        again = {"type": "send", "room": room, "key": fresh_key(), "body": {"text": "two"}}
        error = await alice.expect_refusal("rate_limited", again)
        assert (error["scope"], error["retry"]) == ("slow", "later")
    error = await alice.expect_refusal("rejected", {"type": "room.direct", "user": "carl"})
    assert (error["reason"], error["retry"]) == ("limited", "never")
    await bob.send(room, "others are not slowed")
    await restrict(daemon, "bob", "limit", soon())
    await daemon.api("DELETE", "/v1/users/alice/restriction")
    await alice.send(room, "two")


async def seen_of(client: TestClient, room: str, user: str) -> list[Any]:
    """Return what another member is shown of a user."""
    asked: list[dict[str, Any]] = [
        {"type": "users.get", "users": [user]},
        {"type": "watch", "users": [user]},
        {"type": "members.list", "room": room},
        {"type": "readers", "room": room, "seq": 1},
        {"type": "room.direct", "user": user},
    ]
    replies = [await client.reply_to(packet) for packet in asked]
    for reply in replies:
        reply.pop("id", None)
    return replies


@pytest.mark.settings(people={"enabled": True})
@pytest.mark.parametrize("what", ["ban", "mute", "limit"])
async def test_nobody_else_is_shown_a_restriction(daemon: RunningDaemon, clients: Clients, what: str) -> None:
    room, (_, bob) = await clients.in_group("alice", "bob")
    await clients.peers[0].hang_up()
    await bob.receive("presence") if bob.waiting() else None
    before = await seen_of(bob, room, "alice")
    await restrict(daemon, "alice", what)
    assert await seen_of(bob, room, "alice") == before


async def test_the_host_sees_and_lists_restrictions_until_they_end(daemon: RunningDaemon) -> None:
    assert (await daemon.api("GET", "/v1/users/u1/restriction")).status == 404
    late = soon()
    await restrict(daemon, "u1", "mute", late)
    await restrict(daemon, "u2", "ban")
    mute = {"what": "mute", "until": late, "reason": "spam"}
    assert (await daemon.api("GET", "/v1/users/u1/restriction")).json == mute
    assert (await daemon.api("GET", "/v1/users/u1")).json["restriction"] == mute
    first = (await daemon.api("GET", "/v1/restrictions?limit=1")).json
    assert (first["users"], first["more"]) == ([{"user": "u1", **mute}], "u1")
    rest = (await daemon.api("GET", "/v1/restrictions?more=u1")).json
    assert [row["user"] for row in rest["users"]] == ["u2"]
    assert (await daemon.api("DELETE", "/v1/users/u1/restriction")).json == {}
    assert (await daemon.api("GET", "/v1/users/u1/restriction")).json["code"] == "not_found"
    assert "restriction" not in (await daemon.api("GET", "/v1/users/u1")).json


@pytest.mark.parametrize(
    ("asked", "field", "words"),
    [
        ({"what": "shun", "until": 1}, "what", "ban, limit, mute"),
        ({"what": "ban", "until": 1000}, "until", "time to come"),
        ({"what": "ban", "until": 0}, "until", "at least 1"),
        ({"what": "ban"}, "until", "missing"),
        ({"what": "ban", "until": 1, "reason": "x" * 65}, "reason", "at most 64"),
    ],
)
async def test_a_restriction_that_is_none_changes_nothing(
    daemon: RunningDaemon, asked: dict[str, Any], field: str, words: str
) -> None:
    problem = (await daemon.api("PUT", "/v1/users/u1/restriction", **asked)).json
    assert problem["field"] == field
    assert words in problem["detail"]
    assert (await daemon.api("GET", "/v1/users/u1")).status == 404


async def test_the_host_writes_as_nobody_who_may_not(daemon: RunningDaemon, clients: Clients) -> None:
    room, _ = await clients.in_group("alice", "bob")
    path, body = f"/v1/rooms/{room}/messages", {"text": "hi"}
    for what, code in (("mute", "muted"), ("ban", "forbidden")):
        await restrict(daemon, "alice", what)
        answer = await daemon.api("POST", path, **{"as": "alice", "key": "host-key-1", "body": body})
        assert (answer.status, answer.json["code"]) == (403, code)
