"""protocol.md "Comments": a group that is linked to a channel holds the comments on its posts."""

import random
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from chatd.storage.sqlite import removal
from tests.kit.client import TestClient, fresh_key
from tests.kit.clients import Clients
from tests.kit.inprocess import InProcessClient, InProcessServer, in_process, new_key
from tests.kit.random_workload import SECTIONS
from tests.kit.soak import scaled, seed_base

CHANNELS = {"enabled": True, "create": "users"}
pytestmark = pytest.mark.settings(channels=CHANNELS)


async def linked(ann: TestClient, **settings: Any) -> tuple[str, str]:
    """Return a channel of Ann with two posts, 2 and 3, and the closed group of its comments."""
    channel = await ann.create_group("Bike news", kind="channel", **settings)
    for text in ("Spring tour", "Autumn tour"):
        await ann.send(channel, text)
    group = await ann.create_group("Discussion")
    await ann.mutate("room.update", channel, comments=group)
    return channel, group


async def texts(client: TestClient, group: str, **asked: Any) -> list[str]:
    return [event["body"]["text"] for event in await client.request_history(group, **asked)]


async def counts(client: TestClient, channel: str, *seqs: int) -> dict[int, int]:
    reply = await client.request({"type": "comments", "room": channel, "seqs": [*seqs]})
    return {row["seq"]: row["count"] for row in reply["counts"]}


async def test_followers_enter_the_group_and_comment_on_posts(clients: Clients) -> None:
    ann, bob = await clients.connect_all("ann", "bob")
    channel, group = await linked(ann)
    await ann.send(group, "Any questions?")
    await bob.mutate("room.join", channel)
    assert (await bob.get_room(channel))["comments"] == group
    await bob.mutate("room.join", group)
    summary = await bob.get_room(group)
    assert (summary["channel"], summary.get("first_visible", 1)) == (channel, 1)
    sent = await bob.send(group, "I come along", post=2)
    event = await ann.next_event(group, "message")
    while event["seq"] != sent["seq"]:
        event = await ann.next_event(group, "message")
    assert event["post"] == 2
    await ann.send(group, "So do I", post=2)
    await ann.send(group, "How long?", post=3)
    assert await texts(bob, group, post=2) == ["I come along", "So do I"]
    assert await texts(bob, group, post=2, before=sent["seq"] + 1) == ["I come along"]
    assert await texts(bob, group, post=2, around=sent["seq"] + 1) == ["I come along", "So do I"]
    assert await texts(bob, group, post=3, after=1) == ["How long?"]
    assert await counts(bob, channel, 1, 2, 3) == {2: 2, 3: 1}
    await bob.recall(group, sent["seq"])
    assert await texts(bob, group, post=2) == ["So do I"]
    assert await counts(bob, channel, 2, 3) == {2: 1, 3: 1}
    edited = (await bob.request_history(group, post=3))[0]["seq"]
    await ann.edit(group, edited, "How long is it?")
    assert await texts(bob, group, post=3) == ["How long is it?"]


async def test_a_page_of_comments_says_what_it_covers(clients: Clients) -> None:
    (ann,) = await clients.connect_all("ann")
    _, group = await linked(ann)
    for number in range(4):
        await ann.send(group, f"comment {number}", post=2)
        await ann.send(group, "beside")
    page = await ann.request({"type": "history", "room": group, "post": 2, "limit": 2})
    newest = [event["seq"] for event in page["events"]]
    assert (page["low"], page["high"], "end" in page) == (newest[0], page["seq"], False)
    page = await ann.request({"type": "history", "room": group, "post": 2, "before": page["low"]})
    assert [event["body"]["text"] for event in page["events"]] == ["comment 0", "comment 1"]
    assert (page["low"], page["high"], page["end"]) == (1, newest[0] - 1, True)


async def test_both_rooms_are_told_of_the_link_and_of_its_end(clients: Clients) -> None:
    ann, bob = await clients.connect_all("ann", "bob")
    channel, group = await linked(ann)
    other = await ann.create_group("Another", bob)
    await ann.mutate("room.update", channel, comments=other)
    event = await bob.next_event(other, "settings")
    assert (event["channel"], event["user"]) == (channel, "ann")
    assert "channel" not in await ann.get_room(group)
    assert (await ann.get_room(channel))["comments"] == other
    repeated = await ann.mutate("room.update", channel, comments=other)
    assert repeated["duplicate"]
    await ann.send(other, "a comment", post=2)
    await ann.mutate("room.update", channel, comments="")
    assert (await bob.next_event(other, "settings"))["channel"] == ""
    assert "comments" not in await ann.get_room(channel)
    assert await counts(ann, channel, 2) == {}
    assert await texts(bob, other, post=2) == ["a comment"]
    log = [event["comments"] for event in await ann.read_log(channel) if event["kind"] == "settings"]
    assert log == [group, other, ""]


async def test_a_room_that_is_deleted_is_linked_no_more(clients: Clients) -> None:
    (ann,) = await clients.connect_all("ann")
    channel, group = await linked(ann)
    await ann.mutate("room.delete", group)
    assert "comments" not in await ann.get_room(channel)
    again = await ann.create_group("Another")
    await ann.mutate("room.update", channel, comments=again)
    await ann.mutate("room.delete", channel)
    told = [(await ann.next_event(again, "settings"))["channel"] for _ in range(2)]
    assert told == [channel, ""]
    assert "channel" not in await ann.get_room(again)
    late = {"type": "send", "room": again, "key": fresh_key(), "body": {"text": "late"}, "post": 2}
    assert (await ann.expect_refusal("not_found", late))["field"] == "post"


async def test_only_posts_that_are_there_have_comments(clients: Clients) -> None:
    (ann,) = await clients.connect_all("ann")
    channel, group = await linked(ann)
    head = (await ann.get_room(channel))["seq"]
    for room, post in ((group, head + 1), (channel, 2), (await ann.create_group("Not linked"), 2)):
        packet = {"type": "send", "room": room, "key": fresh_key(), "body": {"text": "early"}, "post": post}
        assert (await ann.expect_refusal("not_found", packet))["field"] == "post"
    key = fresh_key()
    first = await ann.send(group, "twice", key=key, post=2)
    again = await ann.send(group, "twice", key=key, post=2)
    assert (again["duplicate"], again["seq"]) == (True, first["seq"])


async def test_who_does_not_follow_the_channel_learns_nothing_of_the_group(clients: Clients) -> None:
    ann, bob, eve = await clients.connect_all("ann", "bob", "eve")
    channel, group = await linked(ann, policy={"join": "closed"})
    join = {"type": "room.join", "room": group}
    await eve.expect_refusal("not_found", {**join, "key": fresh_key()})
    await eve.expect_refusal("not_found", {"type": "comments", "room": channel, "seqs": [2]})
    await ann.mutate("members.add", channel, users=["bob"])
    await bob.mutate("room.join", group)
    await ann.mutate("members.remove", group, users=["bob"], ban=True)
    await bob.expect_refusal("not_member", {**join, "key": fresh_key()})
    await ann.mutate("room.update", channel, comments="")
    await ann.mutate("members.add", channel, users=["eve"])
    await eve.expect_refusal("not_found", {**join, "key": fresh_key()})


async def test_only_rooms_that_one_knows_and_owns_are_linked(clients: Clients) -> None:
    ann, bob = await clients.connect_all("ann", "bob")
    channel, group = await linked(ann)
    of_bob, not_hers = await bob.create_group("of Bob", ann), await bob.create_group("Not hers")
    for name, code in ((of_bob, "forbidden"), (not_hers, "not_found"), ("g" + "0" * 11, "not_found")):
        packet = {"type": "room.update", "room": channel, "key": fresh_key(), "comments": name}
        await ann.expect_refusal(code, packet)
    assert (await ann.get_room(channel))["comments"] == group


async def test_rooms_that_nobody_used_for_long_are_linked_entered_and_commented_in(tmp_path: Path) -> None:
    """Every decision reads the other room of the link, wherever it is."""
    async with in_process(tmp_path / "data", **{**SECTIONS, "channels": CHANNELS}) as server:
        ann, bob, eve = [await server.connect(user) for user in ("ann", "bob", "eve")]
        created = await ann.request(type="room.create", key=new_key(), kind="channel", title="t")
        channel, group = created["summary"]["room"], await ann.create_group()
        await ann.send(channel)
        await bob.request(type="room.join", room=channel, key=new_key())

        async def asked(client: InProcessClient, kind: str, room: str, **fields: Any) -> dict[str, Any]:
            server.app.rooms.cache.forget_idle(float("inf"), [])
            return await client.request(type=kind, room=room, key=new_key(), **fields)

        assert (await asked(ann, "room.update", channel, comments=group))["type"] == "ok"
        assert (await asked(eve, "room.join", group))["code"] == "not_found"
        assert group not in server.app.rooms.cache.rooms
        assert (await asked(bob, "room.join", group))["type"] == "ok"
        assert (await asked(bob, "send", group, body={"text": "hi"}, post=2))["type"] == "ok"
        assert (await asked(bob, "send", group, body={"text": "hi"}, post=4))["code"] == "not_found"
        assert (await asked(ann, "room.delete", group))["type"] == "ok"
        assert "comments" not in (await asked(ann, "room.get", channel))["summary"]


class Discussion:
    """A channel, its group, and what Ann and Bob do there by chance."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.channel = self.group = ""

    async def begin(self, server: InProcessServer) -> None:
        ann = await server.connect("ann")
        created = await ann.request(type="room.create", key=new_key(), kind="channel", title="t")
        self.channel = created["summary"]["room"]
        for _ in range(3):
            await ann.send(self.channel)
        self.group = await ann.create_group("bob", policy={"retain_s": 7200})
        await ann.request(type="room.update", room=self.channel, key=new_key(), comments=self.group)

    async def act(self, server: InProcessServer, client: InProcessClient) -> None:
        """Comment, write beside it, edit, recall, or let time pass until old messages go."""
        what = self.chance.choice(("comment",) * 6 + ("beside", "edit", "edit", "recall", "recall", "purge"))
        own = [event["seq"] for event in await self.history(client) if "body" in event]
        if what in ("comment", "beside"):
            about = {"post": self.chance.randint(2, 4)} if what == "comment" else {}
            await client.send(self.group, **about)
        elif what == "purge":
            await server.advance(self.chance.choice((600, 3600, 7200)))
            await server.app.persons.retention.purge()
        elif own:
            asked: dict[str, Any] = {"type": what, "room": self.group, "key": new_key()}
            asked["target"] = self.chance.choice(own)
            if what == "edit":
                asked["body"] = {"text": f"edited {self.chance.random()}"}
            await client.request(**asked)

    async def history(self, client: InProcessClient, **asked: Any) -> list[dict[str, Any]]:
        """Return all messages of the group, or all comments on a post, by small pages."""
        found: list[dict[str, Any]] = []
        before: dict[str, Any] = {}
        while True:
            page = await client.request(type="history", room=self.group, limit=3, **asked, **before)
            found[:0] = page["events"]
            if "end" in page:
                return found
            before = {"before": page["low"]}

    async def check(self, client: InProcessClient) -> None:
        """Compare the comments on each post, and their number, with a scan of the whole history."""
        every = [event for event in await self.history(client) if "recalled" not in event]
        asked = {"type": "comments", "room": self.channel, "seqs": [2, 3, 4]}
        numbers = {row["seq"]: row["count"] for row in (await client.request(**asked))["counts"]}
        for post in (2, 3, 4):
            scanned = [event for event in every if event.get("post") == post]
            assert await self.history(client, post=post) == scanned
            assert numbers.get(post, 0) == len(scanned)


async def discuss(directory: Path, seed: int) -> None:
    """Have a discussion over three lives of a daemon, and check it at the end of each."""
    discussion = Discussion(seed)
    for life in range(3):
        async with in_process(directory / "data", **{**SECTIONS, "channels": CHANNELS}) as server:
            if life == 0:
                await discussion.begin(server)
            for _ in range(25):
                # Time passes, so connections are new.
                clients = [await server.connect("ann"), await server.connect("bob", device=2)]
                await discussion.act(server, discussion.chance.choice(clients))
            await discussion.check(await server.connect("ann"))


@pytest.mark.parametrize("seed", range(seed_base(), seed_base() + scaled(4, 400)))
async def test_the_comments_on_a_post_are_those_of_the_history(tmp_path: Path, seed: int) -> None:
    await discuss(tmp_path, seed)


async def test_a_recalled_comment_that_is_still_counted_is_found_out(tmp_path: Path) -> None:
    unchanged = "UPDATE events SET target = target WHERE position = ?"
    with patch.object(removal, "RECALL_COMMENT", unchanged), pytest.raises(AssertionError):
        await discuss(tmp_path, 1)
