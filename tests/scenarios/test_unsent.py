"""Drafts and scheduled messages of a user with several devices."""

import time
from typing import Any

from tests.kit.client import TestClient, fresh_key
from tests.kit.clients import Clients

WORDS = ["account", "drafts"]


async def connected(clients: Clients, user: str) -> TestClient:
    return await clients.connect(user, hello={"features": WORDS})


async def next_rows(client: TestClient, section: str) -> dict[str, Any]:
    push = await client.receive("account")
    return {row["name"]: row.get("value") for row in push["sections"][section]}


async def test_a_draft_is_on_all_devices_until_its_message_is_sent(clients: Clients) -> None:
    room, (alice, _) = await clients.in_group("alice", "bob")
    phone, desk = await connected(clients, "alice"), await connected(clients, "alice")
    key = fresh_key()
    await desk.request({"type": "draft", "room": room, "key": key, "body": {"text": "Hell"}})
    assert (await next_rows(phone, "drafts"))[room]["body"] == {"text": "Hell"}
    _, hello = await clients.reconnect(phone, features=WORDS)
    (row,) = hello["sync"]["sections"]["drafts"]
    assert (row["name"], row["value"]["key"]) == (room, key)
    # Sent from a device that knows nothing of drafts; nothing is written of it.
    await alice.send(room, "Hello", key=key)
    _, hello = await clients.reconnect(phone, features=WORDS)
    assert [row.get("value") for row in hello["sync"]["sections"].get("drafts", ())] in ([], [None])


async def test_a_scheduled_message_is_sent_by_the_daemon(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    phone = await connected(clients, "alice")
    now, key = int(time.time() * 1000), fresh_key()
    far = {"type": "schedule", "room": room, "key": key, "at": now + 3_600_000, "body": {"text": "later"}}
    assert (await alice.request(far))["stamp"]
    assert (await next_rows(phone, "scheduled"))[key]["at"] == now + 3_600_000
    await alice.request({**far, "at": now + 50, "body": {"text": "soon"}})
    event = await bob.next_event(room, "message")
    assert (event["body"], event["key"], event["user"]) == ({"text": "soon"}, key, "alice")
    assert event["time"] >= now + 50
    while (row := (await next_rows(phone, "scheduled"))[key]) is not None:
        assert row["body"] == {"text": "soon"}
