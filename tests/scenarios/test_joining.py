"""protocol.md "Entering groups": requests, offers and invites, on all devices of who is concerned."""

import asyncio
from typing import Any

import pytest

from tests.kit.client import TestClient, fresh_key
from tests.kit.client_socket import Packet
from tests.kit.clients import Clients
from tests.kit.stepped_env import SteppedEnv

HELLO = {"features": ["account", "groups"]}

pytestmark = pytest.mark.settings(
    rates={"enabled": False}, groups={"invite_url": "https://app/join?i={invite}"}
)


async def comes(clients: Clients, user: str, **options: Any) -> TestClient:
    return await clients.connect(user, hello=HELLO, **options)


async def row_of(client: TestClient, room: str) -> Packet | None:
    """Return the value of the row of a room that an account push brings; None for a tombstone."""
    pushed = await client.receive("account")
    (row,) = pushed["sections"]["joins"]
    assert row["name"] == room
    value: Packet | None = row.get("value")
    return value


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_a_request_is_seen_by_who_decides_and_by_who_asked(clients: Clients, encoding: str) -> None:
    ann, bob, eve = [await comes(clients, user, encoding=encoding) for user in ("ann", "bob", "eve")]
    room = await ann.create_group("Bikes", bob, policy={"join": "request"})
    reply = await eve.mutate("room.join", room, text="I ride, too")
    assert reply["requested"] is True
    assert "seq" not in reply
    row = await row_of(eve, room)
    assert row is not None
    assert (row["kind"], row["card"]["title"], row["card"]["members"]) == ("asked", "Bikes", 2)
    assert (await ann.get_room(room))["joins"] == 1
    assert "joins" not in await bob.get_room(room)
    listed = await ann.request({"type": "joins.list", "room": room})
    assert [(one["user"], one["text"]) for one in listed["joins"]] == [("eve", "I ride, too")]
    await bob.expect_refusal("forbidden", {"type": "joins.list", "room": room})
    await ann.mutate("joins.decide", room, users=["eve"], accept=True)
    assert (await eve.receive("room"))["summary"]["room"] == room
    assert await row_of(eve, room) is None
    assert "joins" not in await ann.get_room(room)
    again = await comes(clients, "eve", encoding=encoding)
    assert again.user == "eve"


async def test_an_invite_lets_in_until_it_is_revoked(clients: Clients, clock: SteppedEnv) -> None:
    ann, bob, eve = [await comes(clients, user) for user in ("ann", "bob", "eve")]
    room = await ann.create_group("Bikes", bob)
    made = (await ann.mutate("invites.create", room, uses_max=2, label="flyer"))["invite"]
    assert made["url"] == f"https://app/join?i={made['invite']}"
    card = (await eve.request({"type": "invites.look", "invite": made["invite"]}))["card"]
    assert (card["title"], card["members"], "room" in card) == ("Bikes", 2, False)
    used = {"type": "invites.use", "invite": made["invite"], "key": fresh_key()}
    reply = await eve.request(used)
    assert reply["summary"]["title"] == "Bikes"
    assert (await eve.request(used))["duplicate"] is True
    (listed,) = (await ann.request({"type": "invites.list", "room": room}))["invites"]
    assert (listed["uses"], listed["uses_max"], listed["label"]) == (1, 2, "flyer")
    await bob.expect_refusal("forbidden", {"type": "invites.list", "room": room})
    await ann.mutate("invites.revoke", room)
    for request in (
        {"type": "invites.look", "invite": made["invite"]},
        {**used, "key": fresh_key()},
        {"type": "invites.look", "invite": "A" * 22},
    ):
        refused = await (await comes(clients, "dan")).expect_refusal("not_found", request)
        assert refused["retry"] == "never"
    assert (await ann.request({"type": "invites.list", "room": room}))["invites"] == []
    await ann.mutate("invites.create", room, expires_at=clock.now_ms() + 1_000)
    assert len((await ann.request({"type": "invites.list", "room": room}))["invites"]) == 1
    clock.advance(2.0)
    assert (await ann.request({"type": "invites.list", "room": room}))["invites"] == []


async def test_a_private_group_with_a_request_inside_it_looks_like_none(clients: Clients) -> None:
    ann, eve = [await comes(clients, user) for user in ("ann", "eve")]
    room = await ann.create_group("Bikes")
    for name in (room, "g00000000000"):
        await eve.expect_refusal("not_found", {"type": "room.join", "room": name, "key": fresh_key()})
        await eve.expect_refusal("not_found", {"type": "room.leave", "room": name, "key": fresh_key()})
        await eve.expect_refusal("not_found", {"type": "invites.list", "room": name})
        await eve.expect_refusal("not_found", {"type": "joins.list", "room": name})


async def test_pages_of_requests_and_invites_go_on_where_they_ended(clients: Clients) -> None:
    ann = await comes(clients, "ann")
    room = await ann.create_group("Bikes", policy={"join": "request"})
    users = [f"u{number}" for number in range(5)]
    for user in users:
        await (await comes(clients, user)).mutate("room.join", room)
        await ann.mutate("invites.create", room)
    for kind, key in (("joins.list", "joins"), ("invites.list", "invites")):
        found: list[Packet] = []
        page = await ann.request({"type": kind, "room": room, "limit": 2})
        found += page[key]
        while "more" in page:
            page = await ann.request({"type": kind, "room": room, "limit": 2, "more": page["more"]})
            found += page[key]
        names = [one["user"] if key == "joins" else one["invite"] for one in found]
        assert len(names) == len(set(names)) == 5
        await ann.expect_refusal("bad_cursor", {"type": kind, "room": room, "more": "x"})


@pytest.mark.settings(
    people={"enabled": True}, rates={"enabled": False}, groups={"invite_url": "https://app/join?i={invite}"}
)
async def test_who_wants_to_be_asked_is_offered_the_group(clients: Clients) -> None:
    ann, eve = [await comes(clients, user) for user in ("ann", "eve")]
    room = await ann.create_group("Bikes")
    added = await ann.mutate("members.add", room, users=["eve"])
    assert added["offered"] == ["eve"]
    row = await row_of(eve, room)
    assert row is not None
    assert (row["kind"], row["by"], row["card"]["title"]) == ("offered", "ann", "Bikes")
    await eve.mutate("room.leave", room)
    assert await row_of(eve, room) is None
    await ann.mutate("members.add", room, users=["eve"])
    other = await comes(clients, "eve")
    assert other.user == "eve"
    await eve.mutate("room.join", room)
    assert (await eve.get_room(room))["members"] == 2


async def test_twenty_phones_race_for_the_last_use(clients: Clients) -> None:
    ann = await comes(clients, "ann")
    room = await ann.create_group("Bikes")
    made = (await ann.mutate("invites.create", room, uses_max=1))["invite"]["invite"]
    phones = [await comes(clients, f"u{number}") for number in range(20)]
    replies = await asyncio.gather(
        *(phone.reply_to({"type": "invites.use", "invite": made, "key": fresh_key()}) for phone in phones)
    )
    assert sorted(reply.get("code", "in") for reply in replies) == ["in", *["not_found"] * 19]
    assert (await ann.get_room(room))["members"] == 2


@pytest.mark.settings(rates={"enabled": True, "invites_per_min": 3})
async def test_nobody_guesses_an_invite(clients: Clients) -> None:
    ann, eve = [await comes(clients, user) for user in ("ann", "eve")]
    room = await ann.create_group("Bikes")
    real = (await ann.mutate("invites.create", room))["invite"]["invite"]
    # As near as can be to one that works, to one that was revoked, and to none.
    await ann.mutate("invites.revoke", room)
    guesses = [real, real[:-1] + ("A" if real[-1] != "A" else "Q"), "A" * 22]
    refusals = [
        {
            name: value
            for name, value in (await eve.reply_to({"type": "invites.look", "invite": guess})).items()
            if name != "id"
        }
        for guess in guesses
    ]
    assert refusals[0]["code"] == "not_found"
    assert refusals == [refusals[0]] * 3
    limited = await eve.expect_refusal(
        "rate_limited", {"type": "invites.use", "invite": real, "key": fresh_key()}
    )
    assert limited["scope"] == "user"
    for bad in ("A" * 21, "A" * 23, "A" * 21 + "!", "' OR 1=1 --          "):
        await (await comes(clients, "dan")).expect_refusal(
            "bad_request", {"type": "invites.look", "invite": bad}
        )
