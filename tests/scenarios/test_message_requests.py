"""protocol.md "Direct rooms and message requests": strangers, friends and blocks, over time and on all devices."""

import asyncio
from typing import Any

import pytest

from chatd.core.erasure_steps import Erase
from tests.kit.client import TestClient, fresh_key
from tests.kit.client_socket import Packet
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon

HELLO = {"features": ["account", "people"]}

pytestmark = pytest.mark.settings(people={"enabled": True}, rates={"enabled": False})


async def comes(clients: Clients, user: str, **options: Any) -> TestClient:
    return await clients.connect(user, hello=HELLO, **options)


async def befriend(one: TestClient, other: TestClient) -> None:
    for client, user in ((one, other.user), (other, one.user)):
        await client.request({"type": "friend.request", "user": user})
    for client in (one, other):
        await client.forget()


async def blocks(client: TestClient, user: str, *, to: bool = True) -> Packet:
    return await client.request({"type": "contact.set", "user": user, "blocked": to})


def message(room: str, text: str = "hello") -> Packet:
    return {"type": "send", "room": room, "key": fresh_key(), "body": {"text": text}}


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_a_stranger_asks_and_becomes_a_correspondent(clients: Clients, encoding: str) -> None:
    ann, bob = [await comes(clients, user, encoding=encoding) for user in ("ann", "bob")]
    room = await ann.open_direct("bob")
    await bob.expect_silence()
    await ann.send(room, "Hello, I have your bicycle")
    (asked,) = [(await bob.receive("room"))["summary"]]
    assert (asked["peer"], asked["unread"], asked["request"]) == ("ann", 1, True)
    picture = {"attachments": [{"url": "https://x/y", "mime": "image/png"}]}
    refused = await ann.expect_refusal("request_pending", {**message(room), "body": picture})
    assert refused["retry"] == "never"
    await ann.expect_refusal("request_pending", message(room, "x" * 1001))
    await ann.expect_refusal(
        "request_pending",
        {"type": "react", "room": room, "key": fresh_key(), "target": 2, "emoji": "👍", "set": True},
    )
    await ann.send(room, "two")
    await ann.send(room, "three")
    await ann.expect_refusal("request_pending", message(room, "four"))
    await bob.expect_silence("event", "head", "receipts")
    read = await bob.request({"type": "history", "room": room})
    assert [event["body"]["text"] for event in read["events"]] == [
        "Hello, I have your bicycle",
        "two",
        "three",
    ]
    await bob.send(room, "Thank you")
    accepted = (await bob.receive("room"))["summary"]
    assert "request" not in accepted
    assert (await ann.next_event(room))["body"]["text"] == "Thank you"
    await ann.send(room, "four")
    assert (await bob.next_event(room))["body"]["text"] == "four"


async def test_a_text_that_was_stored_is_answered_again_whatever_happened_since(clients: Clients) -> None:
    """Its acknowledgement was lost, and meanwhile the receiver blocked its author."""
    ann, bob = await comes(clients, "ann"), await comes(clients, "bob")
    room = await ann.open_direct("bob")
    sent = message(room)
    first = await ann.request(sent)
    await blocks(bob, "ann")
    again = await ann.request(sent)
    assert (again["seq"], again["duplicate"]) == (first["seq"], True)
    await ann.expect_refusal("refused", message(room))


async def test_requests_wait_over_a_restart(clients: Clients, daemon: RunningDaemon) -> None:
    ann, bob, eve = [await comes(clients, user) for user in ("ann", "bob", "eve")]
    rooms = [await asker.open_direct("bob") for asker in (ann, eve)]
    for asker, room in zip((ann, eve), rooms, strict=True):
        await asker.send(room, "one")
    await bob.request({"type": "room.decline", "room": rooms[1], "block": True})
    await clients.leave()
    clients.peers.clear()
    await daemon.stop()
    await daemon.start_again()
    clients.url = daemon.url
    bob = await clients.open("bob")
    sync = (await bob.say_hello(**HELLO))["sync"]
    assert [(summary["room"], summary["request"]) for summary in sync["rooms"]] == [(rooms[0], True)]
    assert sync["totals"] == {"rooms": 0, "unread": 0, "mentions": 0, "message_requests": 1}
    ann, eve = await comes(clients, "ann"), await comes(clients, "eve")
    await eve.expect_refusal("refused", message(rooms[1]))
    await ann.send(rooms[0], "two")
    await ann.send(rooms[0], "three")
    await ann.expect_refusal("request_pending", message(rooms[0]))


async def test_of_a_block_and_sends_in_flight_each_is_before_or_after(clients: Clients) -> None:
    """What is acknowledged before the block reaches the other; after it everything is refused."""
    ann, bob = await comes(clients, "ann"), await comes(clients, "bob")
    await befriend(ann, bob)
    room = await ann.open_direct("bob")
    await ann.send(room, "first")
    for _ in range(5):
        sends = [message(room) for _ in range(8)]
        replies, _ = await asyncio.gather(
            asyncio.gather(*(ann.reply_to(send) for send in sends)), blocks(bob, "ann")
        )
        codes = [reply.get("code") for reply in replies]
        taken = codes.index("refused") if "refused" in codes else len(codes)
        assert codes == [None] * taken + ["refused"] * (len(codes) - taken)
        await ann.expect_refusal("refused", message(room))
        history = await bob.request({"type": "history", "room": room, "limit": 100})
        keys = {event["key"] for event in history["events"]}
        assert [send["key"] in keys for send in sends] == [code is None for code in codes]
        await blocks(bob, "ann", to=False)


async def test_nothing_of_who_is_blocked_crosses_and_friendship_is_kept_under_it(clients: Clients) -> None:
    ann, bob = await comes(clients, "ann"), await comes(clients, "bob")
    await befriend(ann, bob)
    room = await ann.open_direct("bob")
    mine = (await ann.send(room, "hello"))["seq"]
    await bob.send(room, "hello")
    for client in (ann, bob):
        await client.request({"type": "focus", "rooms": [room]})
    await blocks(bob, "ann")
    for client in (ann, bob):
        await client.forget()
    await ann.request({"type": "typing", "room": room})
    await ann.read(room, mine + 1)
    for packet in (
        message(room),
        {"type": "edit", "room": room, "key": fresh_key(), "target": mine, "body": {"text": "x"}},
        {"type": "pin", "room": room, "key": fresh_key(), "target": mine, "set": True},
    ):
        await ann.expect_refusal("refused", packet)
    await bob.expect_silence()
    await ann.recall(room, mine)
    assert (await bob.next_event(room, "recall"))["seq"]
    await blocks(bob, "ann", to=False)
    await ann.send(room, "again")
    assert (await bob.next_event(room))["body"]["text"] == "again"


@pytest.mark.parametrize("end", ["removed", "erased"])
async def test_an_empty_room_that_a_friendship_takes_along_is_gone_for_who_was_away(
    clients: Clients, daemon: RunningDaemon, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    """Of rooms in which nobody wrote, that of the host was in both lists, and others in those of who opened them."""
    ann, bob, eve, joe = [await comes(clients, user) for user in ("ann", "bob", "eve", "joe")]
    for friend in (ann, eve, joe):
        await befriend(friend, bob)
    made = await daemon.api("POST", "/v1/rooms/direct", users=["ann", "bob"])
    hosts, own, unseen = made.json["room"], await bob.open_direct(eve), await joe.open_direct(bob)
    before = {}
    for client in (ann, bob, eve, joe):
        away, hello = await clients.reconnect(client, **HELLO)
        before[client.user] = {"epoch": hello["epoch"], "cursor": hello["sync"]["cursor"]}
        await away.link.close()
    watch = await comes(clients, "bob")
    for friend in ("ann", "eve", "joe"):
        if end == "removed":
            await watch.request({"type": "friend.remove", "user": friend})
        else:
            await daemon.app.writer.submit_and_wait("", Erase(friend))
    if end == "erased":
        await daemon.app.persons.erasures.carry_out_due()
        assert "came back" not in caplog.text, "nothing is left of them in these rooms"
    told = {(await watch.receive("gone"))["room"] for _ in range(2)}
    assert told == {hosts, own}
    back, hello = await clients.reconnect(bob, **HELLO, **before["bob"])
    assert sorted(hello["sync"]["gone"]) == sorted(told)
    assert hello["sync"]["rooms"] == []
    assert unseen not in hello["sync"]["gone"]
    await back.open_direct(eve)
    await back.request({"type": "preferences", "room": own, "muted_until": 1})
    now = {"epoch": hello["epoch"], "cursor": hello["sync"]["cursor"]}
    _, again = await clients.reconnect(bob, **HELLO, **now)
    assert "gone" not in again["sync"], "told once, whatever changes in it"


@pytest.mark.settings(people={"enabled": False}, rates={"enabled": False})
async def test_where_people_are_switched_off_all_is_as_it_was(clients: Clients) -> None:
    ann, bob = await comes(clients, "ann"), await comes(clients, "bob")
    room = await ann.open_direct("bob")
    assert (await bob.receive("room"))["summary"]["peer"] == "ann"
    await ann.send(room, "hello")
    assert (await bob.next_event(room, "message"))["body"] == {"text": "hello"}
    for packet in (
        {"type": "privacy.set", "rules": {}},
        {"type": "room.accept", "room": room},
        {"type": "room.decline", "room": room},
    ):
        await bob.expect_refusal("not_supported", packet)
