"""What users chose reaches the last look: kinds, levels, content; and what no log of a room has is told as well."""

from pathlib import Path
from typing import Any

from msgspec import UNSET

from chatd.core.push import Notification
from chatd.push.outstanding import BURST, BURST_S, DIRECT_GAP_S
from tests.kit.inprocess import InProcessClient, InProcessServer, in_process, new_key
from tests.kit.push_peer import Pushing, pushing

ON: dict[str, Any] = {"push": {"enabled": True}}


async def away(server: InProcessServer, user: str) -> InProcessClient:
    """Return a connection of a user who does not look at it."""
    return await server.connect(user, 9, mode="background", features=["push", "people"])


async def prefer(client: InProcessClient, **keys: Any) -> None:
    reply = await client.request(type="preferences", **keys)
    assert reply["type"] == "ok", reply


async def told(push: Pushing) -> list[Notification]:
    await push.idle()
    return [one.notification for one in push.peer.take()]


async def test_a_friend_request_is_told_and_forgotten_when_it_is(tmp_path: Path) -> None:
    async with in_process(tmp_path, people={"enabled": True}, **ON) as server, pushing(server) as push:
        alice, bob = await server.connect("alice"), await away(server, "bob")
        await push.register("bob")
        await alice.request(type="friend.request", user="bob")
        (shown,) = await told(push)
        assert (shown.kind, shown.user, shown.name, shown.room) == ("friend", "alice", "alice", UNSET)
        assert len(await push.push.parts.store.alerts((0, 0), 9)) == 1
        push.push.save()
        await server.wait_idle()
        assert await push.push.parts.store.alerts((0, 0), 9) == []
        carol = await server.connect("carol")
        push.push.pause("fcm", True)
        await carol.request(type="friend.request", user="bob")
        await push.idle()
        await carol.request(type="friend.cancel", user="bob")
        push.push.pause("fcm", False)
        assert await told(push) == []
        assert (await push.push.decisions("bob"))[0].outcome == "recalled"
        await prefer(bob, push={"friends": False})
        await (await server.connect("dave")).request(type="friend.request", user="bob")
        assert await told(push) == []
        assert (await push.push.decisions("bob"))[0].outcome == "prefs_off"


async def test_as_much_is_shown_as_user_and_operator_allow(tmp_path: Path) -> None:
    async with in_process(tmp_path, **ON) as server, pushing(server) as push:
        alice, bob = await server.connect("alice"), await away(server, "bob")
        await push.register("bob")
        room = (await alice.request(type="room.direct", user="bob"))["summary"]["room"]
        await alice.send(room, "hello")
        assert [(one.text, one.name) for one in await told(push)] == [("hello", "alice")]
        await prefer(bob, push={"content": "sender"})
        await alice.send(room, "hello")
        assert [(one.text, one.name, one.room) for one in await told(push)] == [(UNSET, "alice", room)]
        await prefer(bob, push={"content": "none"})
        await alice.send(room, "hello")
        (bare,) = await told(push)
        assert bare == Notification("message", bare.tag, badge=3)


async def test_levels_of_rooms_and_of_the_account(tmp_path: Path) -> None:
    async with in_process(tmp_path, **ON) as server, pushing(server) as push:
        alice, bob = await server.connect("alice"), await away(server, "bob")
        await push.register("bob")
        await prefer(bob, push={"groups": "mentions", "invites": False})
        room = await alice.create_group("bob")

        async def outcomes(**body: Any) -> list[str]:
            body = {"text": "hi", **body}
            sent = await alice.request(type="send", room=room, key=new_key(), body=body)
            await push.advance(9)
            push.peer.take()
            return [one.outcome for one in await push.push.decisions("bob", room, sent["seq"])]

        assert await outcomes() == ["mentions_only"]
        assert await outcomes(mentions=["bob"]) == ["sent"]
        await prefer(bob, room=room, notify="all")
        assert "sent" in await outcomes()


async def test_a_mention_in_a_muted_room_stands_for_those_that_alert_there(tmp_path: Path) -> None:
    async with in_process(tmp_path, **ON) as server, pushing(server) as push:
        alice, bob = await server.connect("alice"), await away(server, "bob")
        await push.register("bob")
        room = await alice.create_group("bob")
        await prefer(bob, room=room, muted_until=1)
        await told(push)
        # Of one batch, and so of one plan.
        for mentions in ([], [], ["bob"]):
            body = {"text": "hi", "mentions": mentions}
            alice.send_request(type="send", room=room, key=new_key(), body=body)
        (shown,) = await told(push)
        assert (shown.kind, shown.count) == ("mention", UNSET)


async def test_a_reaction_is_told_to_who_wants_it(tmp_path: Path) -> None:
    async with in_process(tmp_path, **ON) as server, pushing(server) as push:
        alice, bob = await server.connect("alice"), await away(server, "bob")
        await push.register("bob")
        room = (await alice.request(type="room.direct", user="bob"))["summary"]["room"]
        sent = await bob.send(room, "hello")

        async def react(emoji: str) -> list[Notification]:
            await alice.request(
                type="react", room=room, key=new_key(), target=sent["seq"], emoji=emoji, set=True
            )
            return await told(push)

        assert await react("👍") == []
        await prefer(bob, push={"reactions": True})
        (shown,) = await react("🎉")
        assert (shown.kind, shown.text, shown.user) == ("reaction", "🎉", "alice")


async def test_a_flood_of_requests_and_invitations_wakes_a_phone_ten_times(tmp_path: Path) -> None:
    async with in_process(tmp_path, people={"enabled": True}, **ON) as server, pushing(server) as push:
        # Time stands still, and pays for nothing.
        push.push.parts.share._ahead_s = 60.0
        await push.register("bob")
        for number in range(12):
            client = await server.connect(f"stranger{number}")
            reply = await client.request(type="friend.request", user="bob")
            assert reply["type"] == "ok", reply
        assert len(await told(push)) == BURST
        await push.advance(DIRECT_GAP_S)
        assert len(await told(push)) == 1
        await push.advance(BURST_S)
        assert await told(push) == []
        outcomes = [one.outcome for one in await push.push.decisions("bob")]
        # Two were put off, and one of them came to nothing.
        assert outcomes.count("paced") == 3
        await (await server.connect("late")).request(type="friend.request", user="bob")
        assert [one.user for one in await told(push)] == ["late"]


async def test_invitations_that_waited_while_an_app_was_paused_are_no_flood(tmp_path: Path) -> None:
    async with in_process(tmp_path, **ON) as server, pushing(server) as push:
        alice = await server.connect("alice")
        push.push.parts.share._ahead_s = 60.0
        await push.register("bob")
        push.push.pause("fcm", True)
        for _ in range(12):
            await alice.create_group("bob")
        await push.idle()
        push.push.pause("fcm", False)
        assert len(await told(push)) == BURST
