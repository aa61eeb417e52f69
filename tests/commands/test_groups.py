"""Governed groups through a whole server: what members are told, and what lists show them."""

from pathlib import Path
from typing import Any

from tests.kit.inprocess import InProcessClient, in_process, new_key


async def done(client: InProcessClient, kind: str, room: str, **keys: Any) -> dict[str, Any]:
    reply = await client.request(type=kind, room=room, key=new_key(), **keys)
    assert reply["type"] == "ok", reply
    return reply


async def code(client: InProcessClient, kind: str, room: str, **keys: Any) -> str:
    return str((await client.request(type=kind, room=room, key=new_key(), **keys)).get("code", "ok"))


async def test_a_member_is_removed_with_what_they_wrote_and_stays_out_until_the_ban_is_over(
    tmp_path: Path,
) -> None:
    async with in_process(tmp_path) as server:
        ann, bob, cat = [await server.connect(user) for user in ("ann", "bob", "cat")]
        room = await ann.create_group("bob", "cat", public=True)
        seqs = [(await cat.send(room, f"advertisement {number}"))["seq"] for number in range(3)]
        for client in (ann, bob, cat):
            client.take()
        end = server.env.now_ms() + 60_000
        await done(ann, "members.remove", room, users=["cat"], ban=True, until=end, recall=True)
        assert [push.get("reason", "removed") for push in cat.take("gone")] == ["removed"]
        (push,) = bob.take("event")
        kinds = [(event["kind"], event.get("from"), event.get("to")) for event in push["events"]]
        assert kinds == [("removed", None, None), ("erased", seqs[0], seqs[-1])]
        shown = (await bob.request(type="messages", room=room, seqs=seqs))["events"]
        assert [event.get("recalled") for event in shown] == [True] * 3
        assert await code(cat, "room.join", room) == "not_member"
        assert await code(bob, "members.list", room, role="banned") == "forbidden"
        (row,) = (await done(ann, "members.list", room, role="banned"))["members"]
        assert (row["user"], row["banned_until"]) == ("cat", end)
        await server.advance(60)
        ann, cat = await server.connect("ann"), await server.connect("cat")
        assert (await done(ann, "members.list", room, role="banned"))["members"] == []
        assert await code(cat, "room.join", room) == "ok"


async def test_who_is_silenced_is_told_waits_and_is_not_shown_as_typing(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server:
        ann, bob = await server.connect("ann"), await server.connect("bob")
        room = await ann.create_group("bob")
        await ann.request(type="focus", rooms=[room])
        for client in (ann, bob):
            client.take()
        end = server.env.now_ms() + 60_000
        await done(ann, "members.silence", room, users=["bob"], until=end)
        (told,) = [push["summary"]["silenced_until"] for push in bob.take("room")]
        assert told == end
        await bob.request(type="typing", room=room)
        assert ann.take("typing") == []
        refused = await bob.send(room)
        assert (refused["code"], refused["retry"], refused["scope"]) == ("muted", "later", "room")
        await server.advance(refused["retry_after"] / 1000)
        ann, bob = await server.connect("ann"), await server.connect("bob")
        await ann.request(type="focus", rooms=[room])
        assert (await bob.send(room))["type"] == "ok"
        await bob.request(type="typing", room=room)
        assert [push["user"] for push in ann.take("typing")] == ["bob"]


async def test_slow_mode_is_no_abuse(tmp_path: Path) -> None:
    async with in_process(tmp_path, rates={"abuse_refusals": 3}) as server:
        ann, bob = await server.connect("ann"), await server.connect("bob")
        room = await ann.create_group("bob")
        await done(ann, "room.update", room, policy={"slow_s": 3600})
        await bob.send(room)
        await server.advance(1000)
        bob = await server.connect("bob")
        for _ in range(5):
            refused = await bob.send(room)
            assert (refused["code"], refused["scope"], refused["retry_after"]) == (
                "rate_limited", "slow", 2_600_000
            )  # fmt: skip
        assert bob.wire.closed_with is None


async def test_newcomers_read_what_the_rules_show_them(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server:
        ann, bob = await server.connect("ann"), await server.connect("bob")
        room = await ann.create_group("dan")
        first = (await ann.send(room, "before"))["seq"]
        await done(ann, "room.update", room, policy={"history": "all"})
        await done(ann, "members.add", room, users=["bob"])
        (summary,) = [push["summary"] for push in bob.take("room")]
        assert (summary.get("first_visible", 1), summary.get("unread", 0)) == (1, 0)
        events = (await bob.request(type="history", room=room))["events"]
        assert [event["body"]["text"] for event in events] == ["before"]
        readers = await done(ann, "readers", room, seq=first, unread=True)
        assert (readers["count"], [row["user"] for row in readers["readers"]]) == (1, ["dan"])


async def test_a_group_that_hides_its_members_shows_plain_members_its_staff(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server:
        ann, bob = await server.connect("ann"), await server.connect("bob")
        room = await ann.create_group("bob", "cat", "dan")
        await done(ann, "members.role", room, users=[{"user": "dan", "role": "admin"}])
        await done(ann, "room.update", room, policy={"hide_members": True})
        seq = (await ann.send(room))["seq"]

        async def users(client: InProcessClient, kind: str, **keys: Any) -> list[str]:
            return [row["user"] for row in (await done(client, kind, room, **keys))["members"]]

        assert await users(ann, "members.list") == ["ann", "bob", "cat", "dan"]
        assert await users(bob, "members.list") == ["ann", "bob", "dan"]
        pages = [await users(bob, "members.list", limit=1, more=user) for user in ("ann", "bob", "dan")]
        assert pages == [["bob"], ["dan"], []]
        assert await users(bob, "members.list", role="member") == ["bob"]
        assert await users(bob, "members.list", role="member", prefix="c") == []
        assert await users(bob, "members.list", role="admin") == ["dan"]
        assert await users(bob, "members.get", users=["ann", "bob", "cat"]) == ["ann", "bob"]
        readers = await done(bob, "readers", room, seq=seq, unread=True)
        assert (readers["count"], readers["readers"]) == (3, [])
        assert len((await done(ann, "readers", room, seq=seq, unread=True))["readers"]) == 3


async def test_nothing_that_hidden_members_do_names_them_to_others(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server:
        ann, bob, cat = [await server.connect(user) for user in ("ann", "bob", "cat")]
        room = await ann.create_group("bob", "cat")
        await done(ann, "room.update", room, policy={"hide_members": True})
        for client, shown in ((ann, ["bob", "cat"]), (cat, [])):
            focused = (await client.request(type="focus", rooms=[room]))["rooms"][0]
            assert [row["user"] for row in focused.get("receipts", [])] == shown
        cat.take()
        ann.take()
        seq = (await ann.request(type="room.get", room=room))["summary"]["seq"]
        await done(bob, "read", room, seq=seq)
        await done(bob, "typing", room)
        await done(bob, "members.nickname", room, nickname="Bobby")
        await done(ann, "members.silence", room, users=["bob"], until=1)
        await server.advance(10)
        assert "bob" not in str(cat.take())
        assert [push["receipts"][0]["user"] for push in ann.take("receipts")] == ["bob"]
        log = await done(cat, "log", room, **{"from": 2})
        assert "bob" not in str(log["events"])


async def test_a_group_that_is_made_to_hide_its_members_names_none(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server:
        ann, bob = await server.connect("ann"), await server.connect("bob")
        room = await ann.create_group("bob", "cat", policy={"hide_members": True})
        assert (await done(bob, "log", room, **{"from": 1}))["events"][0]["users"] == ["ann"]


async def test_an_announcement_is_in_every_list_and_goes_with_its_message(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server:
        ann, bob = await server.connect("ann"), await server.connect("bob")
        room = await ann.create_group("bob")
        seq = (await bob.send(room, "We meet at nine"))["seq"]
        bob.take()
        await done(ann, "announce", room, target=seq)
        assert [push["summary"]["announcement"] for push in bob.take("room")] == [seq]
        again = await server.connect("bob", 2)
        assert (await again.request(type="room.get", room=room))["summary"]["announcement"] == seq
        await done(bob, "recall", room, target=seq)
        assert "announcement" not in (await again.request(type="room.get", room=room))["summary"]
        assert ["announcement" in push["summary"] for push in again.take("room")] == [False]
