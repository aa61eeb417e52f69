"""protocol.md "Channels": few write, any number follows, over real sockets."""

import asyncio
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chatd.core import room_cache
from tests.kit.client import TestClient, fresh_key
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon
from tests.kit.inprocess import in_process
from tests.kit.stepped_env import SteppedEnv
from tests.kit.waiting import until

CHANNELS = {
    "enabled": True,
    "create": "users",
    "head_interval_s": 1.0,
    "staff_max": 2,
    "followed_max": 10,
}
pytestmark = pytest.mark.settings(channels=CHANNELS)


async def in_channel(clients: Clients, owner: str, *followers: str) -> tuple[str, list[TestClient]]:
    """Create a channel and let these users follow it; nothing waits."""
    peers = await clients.connect_all(owner, *followers)
    room = await peers[0].create_group("a channel", kind="channel")
    for peer in peers[1:]:
        await peer.mutate("room.join", room)
    for peer in peers:
        await peer.forget()
    return room, peers


async def test_a_channel_is_followed_posted_to_and_read(clients: Clients, clock: SteppedEnv) -> None:
    room, (alice, bob) = await in_channel(clients, "alice", "bob")
    assert room.startswith("c")
    sent = await alice.send(room, "hello, world")
    clock.advance(1.0)
    head = await bob.wait_for_head(room, sent["seq"])
    assert (head["ordinal"], head["preview"]["body"]) == (1, {"text": "hello, world"})
    summary = await bob.get_room(room)
    assert {key: summary[key] for key in ("kind", "members", "unread", "title")} == {
        "kind": "channel",
        "members": 2,
        "unread": 1,
        "title": "a channel",
    }
    assert [event["body"] for event in await bob.request_history(room)] == [{"text": "hello, world"}]
    assert (await bob.read(room, sent["seq"]))["unread"] == 0
    again, reply = await clients.reconnect(bob)
    (row,) = reply["sync"]["rooms"]
    assert (row["room"], row.get("unread", 0), row["seq"]) == (room, 0, sent["seq"])
    assert await again.mutate("room.leave", room)
    await again.expect_refusal("not_member", {"type": "room.get", "room": room})
    assert (await alice.get_room(room))["members"] == 1


async def test_a_newcomer_sees_everything_and_nothing_of_it_is_unread(clients: Clients) -> None:
    room, (alice,) = await in_channel(clients, "alice")
    await alice.send(room, "long ago")
    bob = await clients.connect("bob")
    assert "seq" not in await bob.mutate("room.join", room)
    summary = await bob.get_room(room)
    assert ("unread" in summary, "first_visible" in summary) == (False, False)
    assert [event["body"]["text"] for event in await bob.request_history(room)] == ["long ago"]
    assert (await bob.mutate("room.join", room))["duplicate"]


async def test_followers_write_nothing_and_staff_does(clients: Clients, clock: SteppedEnv) -> None:
    room, (alice, bob, carol) = await in_channel(clients, "alice", "bob", "carol")
    post = {"type": "send", "room": room, "key": fresh_key(), "body": {"text": "me, too"}}
    await bob.expect_refusal("forbidden", post)
    await alice.mutate("members.role", room, users=[{"user": "bob", "role": "admin"}])
    assert (await bob.get_room(room))["role"] == "admin"
    sent = await bob.send(room, "a post of an admin")
    clock.advance(1.0)
    assert (await carol.wait_for_head(room, sent["seq"]))["preview"]["user"] == "bob"
    third = {"type": "members.role", "room": room, "users": [{"user": "carol", "role": "admin"}]}
    await alice.expect_refusal("room_full", {**third, "key": fresh_key()})
    stranger = await clients.connect("dave")
    await stranger.expect_refusal("not_found", {**post, "key": fresh_key()})


async def test_the_longest_serving_admin_follows_the_owner_and_no_follower_does(clients: Clients) -> None:
    room, (alice, bob, carol) = await in_channel(clients, "alice", "bob", "carol")
    await alice.mutate("members.role", room, users=[{"user": "carol", "role": "admin"}])
    await alice.mutate("room.leave", room)
    assert (await carol.get_room(room))["role"] == "owner"
    await carol.mutate("room.leave", room)
    summary = await bob.get_room(room)
    assert (summary.get("role", "member"), summary["members"]) == ("member", 1)


async def test_posts_of_an_interval_are_one_head_that_shows_the_newest(
    clients: Clients, clock: SteppedEnv
) -> None:
    room, (alice, bob) = await in_channel(clients, "alice", "bob")
    clock.advance(1.0)
    first = await alice.send(room, "at once")
    assert (await bob.wait_for_head(room, first["seq"]))["preview"]["body"]["text"] == "at once"
    for number in range(3):
        last = await alice.send(room, f"post {number}")
    await bob.expect_silence("head", "event")
    clock.advance(1.0)
    assert (await bob.wait_for_head(room, last["seq"]))["preview"]["body"]["text"] == "post 2"
    kept = await alice.send(room, "written")
    taken = await alice.recall(room, kept["seq"])
    clock.advance(1.0)
    assert "preview" not in await bob.wait_for_head(room, taken["seq"])
    titled = await alice.mutate("room.update", room, title="another title")
    clock.advance(1.0)
    assert (await bob.wait_for_head(room, titled["seq"]))["preview"]["title"] == "another title"


async def test_a_head_shows_a_follower_no_post_that_they_deleted_meanwhile(
    clients: Clients, clock: SteppedEnv
) -> None:
    room, (alice, bob, carol) = await in_channel(clients, "alice", "bob", "carol")
    clock.advance(1.0)
    first = await alice.send(room, "at once")
    await bob.wait_for_head(room, first["seq"])
    kept = await alice.send(room, "read in the log")
    await bob.request({"type": "read", "room": room, "seq": kept["seq"]})
    await bob.request({"type": "delete", "room": room, "ranges": [[kept["seq"], kept["seq"]]]})
    clock.advance(1.0)
    assert "preview" not in await bob.wait_for_head(room, kept["seq"])
    assert (await carol.wait_for_head(room, kept["seq"]))["preview"]["body"]["text"] == "read in the log"


async def test_a_channel_on_screen_still_sends_heads_only(clients: Clients, clock: SteppedEnv) -> None:
    room, (alice, bob) = await in_channel(clients, "alice", "bob")
    await bob.request({"type": "focus", "rooms": [room]})
    sent = await alice.send(room, "to everybody")
    clock.advance(1.0)
    await bob.wait_for_head(room, sent["seq"])
    await alice.request({"type": "typing", "room": room})
    await bob.expect_silence("event", "typing")


async def test_mentions_and_marks_count_nothing(clients: Clients, clock: SteppedEnv) -> None:
    room, (alice, bob) = await in_channel(clients, "alice", "bob")
    sent = await alice.send(room, "look, bob and all", body={"mentions": ["bob", "*"]})
    clock.advance(1.0)
    await bob.wait_for_head(room, sent["seq"])
    assert "unread_mentions" not in await bob.get_room(room)
    await bob.request({"type": "delivered", "rooms": [{"room": room, "seq": sent["seq"]}]})
    await bob.read(room, sent["seq"])
    readers = await alice.request({"type": "readers", "room": room, "seq": sent["seq"]})
    assert (readers["count"], readers["readers"]) == (0, [])


async def test_a_post_writes_no_row_of_a_follower(daemon: RunningDaemon, clients: Clients) -> None:
    room, (alice, bob, _) = await in_channel(clients, "alice", "bob", "carol")

    def rows() -> dict[str, tuple[int, int]]:
        with closing(sqlite3.connect(daemon.database)) as connection:
            found = connection.execute("SELECT user, stamp, read FROM members WHERE user <> 'alice'")
            return {user: (stamp, read) for user, stamp, read in found}

    before = rows()
    for number in range(40):
        sent = await alice.send(room, f"post {number}")
    assert rows() == before
    await bob.read(room, sent["seq"])
    assert {user for user, row in rows().items() if row != before[user]} == {"bob"}


async def test_a_deleted_channel_is_gone_for_all_at_once_and_for_who_comes_back(
    daemon: RunningDaemon, clients: Clients
) -> None:
    room, (alice, bob, carol) = await in_channel(clients, "alice", "bob", "carol")
    away = (await clients.reconnect(carol))[1]["sync"]["cursor"]
    await clients.peers[-1].link.close()
    await alice.mutate("room.delete", room)
    for client in (alice, bob):
        assert (await client.receive("gone"))["reason"] == "deleted"
    await bob.expect_refusal("gone", {"type": "room.get", "room": room})
    epoch = (await clients.reconnect(alice))[1]["epoch"]
    _, reply = await clients.reconnect(carol, cursor=away, epoch=epoch)
    assert reply["sync"]["gone"] == [room]

    def left() -> int:
        with closing(sqlite3.connect(daemon.database)) as connection:
            return int(connection.execute("SELECT count(*) FROM members WHERE gone IS NULL").fetchone()[0])

    await until(lambda: not left())
    _, reply = await clients.reconnect(carol)
    assert reply["sync"]["rooms"] == []


async def test_one_follows_as_many_channels_as_a_user_may(clients: Clients) -> None:
    alice, bob = await clients.connect_all("alice", "bob")
    for number in range(10):
        room = await alice.create_group(f"channel {number}", kind="channel")
        await bob.mutate("room.join", room)
    eleventh = await alice.create_group("one more", kind="channel")
    await bob.expect_refusal("quota", {"type": "room.join", "room": eleventh, "key": fresh_key()})
    await bob.mutate("room.leave", room)
    await bob.mutate("room.join", eleventh)
    assert (await alice.mutate("members.add", room, users=["bob"]))["not_added"] == ["bob"]


@pytest.mark.settings(channels={**CHANNELS, "create": "host"})
async def test_only_the_host_makes_channels_unless_it_says_so(
    daemon: RunningDaemon, clients: Clients
) -> None:
    alice = await clients.connect("alice")
    packet = {"type": "room.create", "key": fresh_key(), "kind": "channel", "title": "news"}
    await alice.expect_refusal("forbidden", packet)
    made = await daemon.api("POST", "/v1/rooms", key=fresh_key(), kind="channel", title="news")
    assert (made.json["kind"], made.json["members"]) == ("channel", 0)
    room = made.json["room"]
    await alice.mutate("room.join", room)
    await daemon.api("PUT", f"/v1/rooms/{room}/members", users=["alice"], role="admin")
    assert (await alice.send(room, "first"))["seq"]


@pytest.mark.settings(channels={"enabled": False})
async def test_where_channels_are_off_nobody_makes_one(clients: Clients) -> None:
    alice = await clients.connect("alice")
    packet = {"type": "room.create", "key": fresh_key(), "kind": "channel", "title": "news"}
    await alice.expect_refusal("not_supported", packet)


async def test_followers_who_are_forgotten_are_read_again_as_they_are(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for two followers in memory, eight come, go, read and mute at once, against a model."""
    monkeypatch.setattr(room_cache, "FOLLOWERS_IN_MEMORY", 3)
    names = [f"u{number}" for number in range(8)]
    room, (alice, *peers) = await in_channel(clients, "alice", *names)
    draw = random.Random(7)
    read, muted, present = dict.fromkeys(names, 1), dict.fromkeys(names, 0), dict.fromkeys(names, True)
    seq = 1

    async def act(name: str, peer: TestClient) -> None:
        what = draw.choice(("read", "mute", "move", "look"))
        if what == "move":
            await peer.mutate("room.leave" if present[name] else "room.join", room)
            present[name] = not present[name]
            if present[name]:
                read[name], muted[name] = seq, 0
        elif not present[name]:
            await peer.expect_refusal("not_member", {"type": "room.get", "room": room})
        elif what == "read":
            await peer.read(room, seq)
            read[name] = seq
        elif what == "mute":
            muted[name] = draw.choice((0, 1))
            await peer.request({"type": "preferences", "room": room, "muted_until": muted[name]})
        else:
            summary = await peer.get_room(room)
            assert summary.get("muted_until", 0) == muted[name]
            assert summary.get("unread", 0) == seq - read[name]

    for _ in range(25):
        seq = (await alice.send(room, "a post"))["seq"]
        await asyncio.gather(*(act(name, peer) for name, peer in zip(names, peers, strict=True)))
    assert (await alice.get_room(room))["members"] == 1 + sum(present.values())


async def test_an_erased_follower_leaves_and_an_erased_owner_has_said_nothing(
    daemon: RunningDaemon, clients: Clients
) -> None:
    room, (alice, bob, carol) = await in_channel(clients, "alice", "bob", "carol")
    await alice.mutate("members.role", room, users=[{"user": "carol", "role": "admin"}])
    post = (await alice.send(room, "by alice"))["seq"]
    await bob.react(room, post, "👍")
    for user in ("bob", "alice"):
        await daemon.api("PUT", f"/v1/erasures/{user}")
    await daemon.app.persons.erasures.carry_out_due()
    summary = await carol.get_room(room)
    assert (summary["members"], summary["role"]) == (1, "owner")
    (message,) = await carol.request_history(room)
    assert ("body" in message, message["recalled"]) == (False, True)


async def test_a_follower_who_comes_back_hears_what_a_commit_changes_meanwhile(clients: Clients) -> None:
    room, (alice, bob) = await in_channel(clients, "alice", "bob")
    for number in range(20):
        post = asyncio.create_task(alice.send(room, f"post {number}"))
        _, reply = await clients.reconnect(bob)
        sent = await post
        (row,) = reply["sync"]["rooms"]
        assert row["seq"] in (sent["seq"] - 1, sent["seq"])
        assert row.get("unread", 0) == row.get("ordinal", 0)


async def test_one_asks_to_follow_a_channel_or_comes_by_an_invite(clients: Clients) -> None:
    alice, bob, carol = await clients.connect_all("alice", "bob", "carol")
    room = await alice.create_group("for some", kind="channel", policy={"join": "request"})
    assert (await bob.mutate("room.join", room, text="please"))["requested"]
    await alice.mutate("joins.decide", room, users=["bob"], accept=True)
    assert (await bob.get_room(room))["members"] == 2
    invite = (await alice.mutate("invites.create", room))["invite"]["invite"]
    used = await carol.request({"type": "invites.use", "invite": invite, "key": fresh_key()})
    assert used["summary"]["kind"] == "channel"
    assert (await alice.get_room(room))["members"] == 3


@pytest.mark.settings(channels={**CHANNELS, "followed_max": 1})
async def test_no_more_channels_are_followed_by_being_let_in(clients: Clients) -> None:
    (alice, bob) = await clients.connect_all("alice", "bob")
    first, second = [
        await alice.create_group(name, kind="channel", policy={"join": "request"}) for name in ("one", "two")
    ]
    for room in (first, second):
        await bob.mutate("room.join", room)
    assert "not_added" not in await alice.mutate("joins.decide", first, users=["bob"], accept=True)
    reply = await alice.mutate("joins.decide", second, users=["bob"], accept=True)
    assert (reply["not_added"], reply["duplicate"]) == (["bob"], True)


async def test_unread_numbers_of_a_follower_are_explained_and_read_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_cache, "FOLLOWERS_IN_MEMORY", 1)
    names = ["bob", "carol", "dave"]
    async with in_process(tmp_path, channels=CHANNELS) as server:
        alice = await server.connect("alice")
        made = await alice.request(
            type="room.create", key=fresh_key(), kind="channel", title="news", users=names
        )
        room = made["summary"]["room"]
        posts = [(await alice.send(room, f"post {number}"))["seq"] for number in range(3)]
        followers = [await server.connect(name) for name in names]
        for follower in followers:
            explained = await follower.request(type="unread", room=room)
            assert (explained["unread"], explained["seqs"]) == (3, posts)
        for follower in followers:
            reply = await follower.request(type="reads", rooms=[{"room": room, "seq": posts[-1]}])
            assert [(row["room"], row["read"], row["unread"]) for row in reply["rooms"]] == [
                (room, posts[-1], 0)
            ]
        for follower in followers:
            summary = (await follower.request(type="room.get", room=room))["summary"]
            assert (summary["read"], summary.get("unread", 0)) == (posts[-1], 0)


async def test_a_post_is_forwarded_with_its_place(clients: Clients) -> None:
    room, (alice, bob) = await in_channel(clients, "alice", "bob")
    post = (await alice.send(room, "worth telling"))["seq"]
    direct = await bob.open_direct("alice")
    (sent,) = (await bob.mutate("forward", direct, **{"from": room}, seqs=[post]))["seqs"]
    (message,) = await bob.request_history(direct)
    assert (message["seq"], message["body"]["text"]) == (sent, "worth telling")
    assert message["body"]["forwarded"] == {"room": room, "seq": post}


async def test_a_banned_follower_and_a_silenced_one(clients: Clients) -> None:
    room, (alice, bob, carol) = await in_channel(clients, "alice", "bob", "carol")
    post = (await alice.send(room, "a post"))["seq"]
    await alice.mutate("members.silence", room, users=["carol"], until=1)
    reaction = {"type": "react", "room": room, "key": fresh_key(), "target": post, "emoji": "👍", "set": True}
    await carol.expect_refusal("forbidden", reaction)
    await alice.mutate("members.remove", room, users=["bob"], ban=True)
    await bob.expect_refusal("not_member", {"type": "room.join", "room": room, "key": fresh_key()})
    banned = await alice.request({"type": "members.list", "room": room, "role": "banned"})
    assert [row["user"] for row in banned["members"]] == ["bob"]
    shown = await carol.request({"type": "members.list", "room": room})
    assert [row["user"] for row in shown["members"]] == ["alice", "carol"]
    await alice.mutate("members.unban", room, users=["bob"])
    await bob.mutate("room.join", room)


@pytest.mark.settings(groups={"bans_max": 3})
async def test_bans_of_a_channel_have_a_bound_though_few_of_its_rows_are_in_memory(
    clients: Clients, clock: SteppedEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_cache, "FOLLOWERS_IN_MEMORY", 1)
    room, (alice,) = await in_channel(clients, "alice")
    end = clock.now_ms() + 1_000
    for user, ends in (("eve", {}), ("fay", {"until": end}), ("gus", {})):
        await alice.mutate("members.remove", room, users=[user], ban=True, **ends)
    asked = {"type": "members.remove", "room": room, "users": ["hal"], "ban": True}
    await alice.expect_refusal("quota", {**asked, "key": fresh_key()})
    await alice.mutate("members.remove", room, users=["gus"], ban=True, until=end)
    clock.advance(2.0)
    await alice.mutate("members.remove", room, users=["hal", "ivy"], ban=True)
    await alice.expect_refusal("quota", {**asked, "users": ["fay"], "key": fresh_key()})
