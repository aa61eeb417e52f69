"""Who enters a group is told on their devices, and so are those who decide on it (protocol.md "Entering groups")."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from chatd.core.push import Notification
from chatd.push.outstanding import GROUP_GAPS_S
from tests.kit.inprocess import InProcessClient, InProcessServer, in_process, new_key
from tests.kit.push_peer import Pushing, pushing

ON: dict[str, Any] = {"push": {"enabled": True}, "people": {"enabled": True}}
GAP_S = GROUP_GAPS_S[0]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcessServer]:
    async with in_process(tmp_path, **ON) as server:
        yield server


@pytest.fixture
async def push(server: InProcessServer) -> AsyncIterator[Pushing]:
    async with pushing(server) as push:
        # Time stands still, and pays for nothing.
        push.push.parts.share._ahead_s = 60.0
        yield push


async def asked(client: InProcessClient, **request: Any) -> dict[str, Any]:
    reply = await client.request(**request)
    assert reply["type"] == "ok", reply
    return reply


async def away(server: InProcessServer, user: str) -> InProcessClient:
    """Return a connection of a user who does not look at it."""
    return await server.connect(user, 9, mode="background", features=["push", "people", "groups"])


async def opened(owner: InProcessClient, **policy: Any) -> str:
    """Make a group with these rules."""
    reply = await asked(owner, type="room.create", key=new_key(), kind="group", title="Tour", policy=policy)
    return str(reply["summary"]["room"])


async def join(user: InProcessClient, room: str) -> None:
    await asked(user, type="room.join", room=room, key=new_key())


async def decide(admin: InProcessClient, room: str, *users: str, accept: bool) -> None:
    await asked(admin, type="joins.decide", room=room, key=new_key(), users=users, accept=accept)


async def offer(by: InProcessClient, room: str, user: str) -> None:
    reply = await asked(by, type="members.add", room=room, key=new_key(), users=[user])
    assert reply["offered"] == [user]


async def told(push: Pushing) -> list[Notification]:
    await push.idle()
    return [one.notification for one in push.peer.take()]


async def outcome(push: Pushing, user: str) -> tuple[str, str]:
    """Return the kind and the outcome of the last decision about a user."""
    last = (await push.push.decisions(user))[0]
    return last.kind, last.outcome


async def test_an_offer_is_told_once_and_not_when_it_is_over_or_of_whom_one_blocks(
    server: InProcessServer, push: Pushing
) -> None:
    alice, bob = await server.connect("alice"), await away(server, "bob")
    await push.register("bob")
    await asked(bob, type="privacy.set", rules={"add": {"to": "nobody"}})
    room = await opened(alice)
    await offer(alice, room, "bob")
    (shown,) = await told(push)
    assert (shown.kind, shown.room, shown.user, shown.title) == ("offer", room, "alice", "Tour")
    assert (shown.name, shown.seq, shown.count, shown.badge) == ("alice", UNSET, UNSET, 0)
    assert [one.room for one in await push.push.decisions("bob", room)] == [room]
    push.push.pause("fcm", True)
    rooms = [await opened(alice) for _ in range(2)]
    for one in rooms:
        await offer(alice, one, "bob")
    await push.idle()
    await asked(bob, type="room.leave", room=rooms[0], key=new_key())
    await asked(bob, type="contact.set", user="alice", blocked=True)
    push.push.pause("fcm", False)
    assert await told(push) == []
    decided = await push.push.decisions("bob")
    assert sorted(one.outcome for one in decided[:2]) == ["blocked", "recalled"]


async def test_requests_of_a_group_are_one_notification_that_counts_them(
    server: InProcessServer, push: Pushing
) -> None:
    alice = await away(server, "alice")
    await push.register("alice")
    room = await opened(alice, join="request")
    await join(await server.connect("bob"), room)
    (first,) = await told(push)
    assert (first.kind, first.room, first.user, first.count) == ("join", room, "bob", UNSET)
    for user in ("carol", "dave"):
        server.env.advance(0.001)
        await join(await server.connect(user), room)
    assert await told(push) == []
    await push.advance(GAP_S)
    (second,) = await told(push)
    assert (second.tag, second.user, second.count, second.badge) == (first.tag, "dave", 3, 0)
    await join(await server.connect("erin"), room)
    await told(push)
    await decide(alice, room, "bob", "carol", "dave", "erin", accept=False)
    await push.advance(60)
    assert await told(push) == []
    assert await outcome(push, "alice") == ("join", "recalled")


async def test_a_request_is_told_as_its_room_and_its_account_say(
    server: InProcessServer, push: Pushing
) -> None:
    alice = await away(server, "alice")
    await push.register("alice")
    room = await opened(alice, join="request")

    async def after(user: str, **preferences: Any) -> str:
        """Return what becomes of the request of a user."""
        await asked(alice, type="preferences", **preferences)
        await join(await server.connect(user), room)
        await push.advance(60)
        kind, found = await outcome(push, "alice")
        assert kind == "join"
        return found

    assert await after("bob", room=room, muted_until=1) == "muted"
    assert await after("carol", room=room, muted_until=0, notify="none") == "prefs_off"
    assert await after("dave", room=room, notify="mentions") == "sent"
    assert await after("erin", push={"joins": False}) == "prefs_off"
    await asked(alice, type="preferences", push={})
    await asked(alice, type="contact.set", user="mallory", blocked=True)
    push.peer.take()
    await join(await server.connect("mallory"), room)
    await push.advance(60)
    assert [(one.user, one.count) for one in await told(push)] == [("erin", 4)]


async def test_an_acceptance_is_told_and_a_refusal_is_not(server: InProcessServer, push: Pushing) -> None:
    alice, bob = await server.connect("alice"), await away(server, "bob")
    await push.register("bob")
    room = await opened(alice, join="request")
    await join(bob, room)
    await decide(alice, room, "bob", accept=False)
    assert await told(push) == []
    assert await push.push.decisions("bob") == []
    other = await opened(alice, join="request", hide_members=True)
    await join(bob, other)
    await decide(alice, other, "bob", accept=True)
    (shown,) = await told(push)
    assert (shown.kind, shown.room, shown.user, shown.title) == ("accepted", other, "alice", "Tour")
    await asked(bob, type="preferences", push={"groups": "none"})
    await asked(alice, type="members.add", room=room, key=new_key(), users=["bob"])
    assert [one.kind for one in await told(push)] == ["invite"]
    push.push.pause("fcm", True)
    await asked(bob, type="privacy.set", rules={"add": {"to": "everyone"}})
    third = await opened(alice)
    await asked(alice, type="members.add", room=third, key=new_key(), users=["bob"])
    await push.idle()
    await asked(alice, type="members.remove", room=third, key=new_key(), users=["bob"])
    push.push.pause("fcm", False)
    assert await told(push) == []
    assert await outcome(push, "bob") == ("invite", "departed")


async def test_what_was_not_told_before_a_kill_is_told_after_it(tmp_path: Path) -> None:
    async with in_process(tmp_path, **ON) as server, pushing(server, killed=True) as push:
        await push.register("alice")
        room = await opened(await away(server, "alice"), join="request")
        push.push.pause("fcm", True)
        await join(await server.connect("bob"), room)
        await push.idle()
    async with in_process(tmp_path, **ON) as server, pushing(server) as push:
        (shown,) = await told(push)
        assert (shown.kind, shown.user) == ("join", "bob")
