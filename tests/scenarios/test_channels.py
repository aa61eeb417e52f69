"""protocol.md "Channels": few write, any number follows, over real sockets."""

import pytest

from tests.kit.client import TestClient, fresh_key
from tests.kit.clients import Clients

pytestmark = pytest.mark.settings(
    channels={"enabled": True, "create": "users", "head_interval_s": 1.0, "staff_max": 2, "followed_max": 10}
)


async def in_channel(clients: Clients, owner: str, *followers: str) -> tuple[str, list[TestClient]]:
    """Create a channel and let these users follow it; nothing waits."""
    peers = await clients.connect_all(owner, *followers)
    room = await peers[0].create_group("a channel", kind="channel")
    for peer in peers[1:]:
        await peer.mutate("room.join", room)
    for peer in peers:
        await peer.forget()
    return room, peers


async def test_a_channel_is_followed_posted_to_and_read(clients: Clients) -> None:
    room, (alice, bob) = await in_channel(clients, "alice", "bob")
    assert room.startswith("c")
    sent = await alice.send(room, "hello, world")
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
    await bob.expect_refusal(
        "forbidden", {"type": "send", "room": room, "key": fresh_key(), "body": {"text": "me, too"}}
    )
    again, reply = await clients.reconnect(bob)
    (row,) = reply["sync"]["rooms"]
    assert (row["room"], row.get("unread", 0), row["seq"]) == (room, 0, sent["seq"])
    assert await again.mutate("room.leave", room)
    await again.expect_refusal("not_member", {"type": "room.get", "room": room})
    assert (await alice.get_room(room))["members"] == 1
