"""protocol.md "Rates": refusals give the exact time to wait, and only abuse ends a connection."""

from typing import Any

import pytest

from tests.kit.client import fresh_key
from tests.kit.clients import Clients
from tests.kit.stepped_env import SteppedEnv

ONE_A_SECOND = {"enabled": True, "writes_per_s": 1.0, "writes_burst": 4}  # of which one opens the room


def _send(room: str) -> dict[str, Any]:
    return {"type": "send", "room": room, "key": fresh_key(), "body": {"text": "x"}}


@pytest.mark.settings(rates=ONE_A_SECOND)
async def test_s20_whoever_waits_exactly_retry_after_is_served(clients: Clients, clock: SteppedEnv) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    for _ in range(3):
        await alice.request(_send(room))
    error = await alice.expect_refusal("rate_limited", _send(room))
    assert (error["retry"], error["scope"]) == ("later", "user")
    assert 0 < error["retry_after"] <= 1_000
    clock.advance(error["retry_after"] / 1000)
    await alice.request(_send(room))


@pytest.mark.settings(rates={"enabled": True, "lookups_per_day": 100})
async def test_nobody_copies_the_directory(clients: Clients, clock: SteppedEnv) -> None:
    """Strangers cost, known or not; those one shares a room with do not, nor does oneself. All or nothing."""
    _, (alice, bob) = await clients.in_direct("alice", "bob")
    tablet = await clients.connect("alice")
    strangers = [f"stranger{number}" for number in range(61)]
    known = {"type": "users.get", "users": ["alice", "bob"]}
    for client, users in ((alice, strangers[:40]), (tablet, ["bob", *strangers[:58], *strangers[:9]])):
        assert len((await client.request({"type": "users.get", "users": users}))["users"]) == len(set(users))
    error = await alice.expect_refusal(
        "rate_limited", {"type": "users.get", "users": ["bob", *strangers[:3]]}
    )
    assert (error["retry"], error["scope"]) == ("later", "user")
    assert 800_000 < error["retry_after"] <= 864_000  # a profile comes back in 864 s, and two are left
    await tablet.expect_refusal("rate_limited", {"type": "users.get", "users": strangers[:3]})
    await alice.request(known)
    await alice.request({"type": "users.get", "users": strangers[:2]})
    await alice.expect_refusal("rate_limited", {"type": "users.get", "users": ["carol"]})
    await alice.request(known)
    await bob.request({"type": "users.get", "users": strangers})


@pytest.mark.settings(rates={**ONE_A_SECOND, "writes_per_s": 0.1})
async def test_s20_retry_after_counts_down_with_the_clock_and_up_with_the_refusals(
    clients: Clients, clock: SteppedEnv
) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    for _ in range(3):
        await alice.request(_send(room))
    first = (await alice.expect_refusal("rate_limited", _send(room)))["retry_after"]
    clock.advance(3)
    second = (await alice.expect_refusal("rate_limited", _send(room)))["retry_after"]
    assert (first, second) == (10_000, 17_000)


@pytest.mark.settings(rates=ONE_A_SECOND)
async def test_writes_are_counted_per_user_over_all_devices(clients: Clients, clock: SteppedEnv) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    tablet = await clients.connect("alice")
    for client in (alice, tablet, alice):
        await client.request(_send(room))
    await tablet.expect_refusal("rate_limited", _send(room))
    await bob.request(_send(room))


@pytest.mark.settings(rates={"enabled": True, "room_per_s": 0.1, "room_burst": 3})
async def test_writes_are_counted_per_room_over_all_members(clients: Clients, clock: SteppedEnv) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    for client in (alice, bob, alice):
        await client.request(_send(room))
    assert (await bob.expect_refusal("rate_limited", _send(room)))["scope"] == "room"
    assert (await alice.expect_refusal("rate_limited", _send(room)))["scope"] == "room"


@pytest.mark.settings(rates={"enabled": True, "requests_per_s": 0.1, "requests_burst": 5})
async def test_requests_are_counted_per_connection(clients: Clients, clock: SteppedEnv) -> None:
    alice, bob = await clients.open("alice"), await clients.open("bob")
    await alice.say_hello()
    replies = [await alice.reply_to({"type": "ping"}) for _ in range(6)]
    assert [reply["type"] for reply in replies][:4] == ["ok"] * 4
    assert (replies[-1]["code"], replies[-1]["scope"]) == ("rate_limited", "connection")
    await bob.say_hello()
    await bob.request({"type": "ping"})


@pytest.mark.settings(rates={"enabled": True, "requests_per_s": 0.1, "requests_burst": 10})
async def test_packets_without_id_over_the_limit_are_dropped(clients: Clients, clock: SteppedEnv) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    await bob.request({"type": "focus", "rooms": [room]})
    for _ in range(30):
        await alice.post({"type": "typing", "room": room})
    await alice.expect_refusal("rate_limited", {"type": "ping"})
    await bob.receive("typing")
    relayed = [packet for packet in bob.heard if packet["type"] == "typing"]
    assert len(relayed) <= 10


@pytest.mark.settings(rates={"enabled": True, "hello_user_per_min": 3})
async def test_hellos_are_counted_per_user(clients: Clients, clock: SteppedEnv) -> None:
    for _ in range(3):
        await clients.connect("alice")
    fourth = await clients.open("alice")
    error = await fourth.expect_refusal("rate_limited", fourth.hello())
    assert error["scope"] == "user"
    assert 0 < error["retry_after"] <= 20_000
    bye = await fourth.expect_bye(4003)
    assert bye["retry_after"] > 0
    await clients.connect("bob")


@pytest.mark.settings(rates={"enabled": True, "hello_address_per_min": 3})
async def test_hellos_are_counted_per_address(clients: Clients, clock: SteppedEnv) -> None:
    for user in ("alice", "bob", "carol"):
        await clients.connect(user)
    fourth = await clients.open("dave")
    error = await fourth.expect_refusal("rate_limited", fourth.hello())
    assert error["scope"] == "address"
    await fourth.expect_bye(4003)


@pytest.mark.settings(rates={**ONE_A_SECOND, "writes_per_s": 0.01, "abuse_refusals": 4, "abuse_grace_s": 0.0})
async def test_ignoring_retry_after_ends_the_connection(clients: Clients, clock: SteppedEnv) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    for _ in range(3):
        await alice.request(_send(room))
    for _ in range(4):  # the first had nothing to ignore yet
        clock.advance(0.1)
        await alice.expect_refusal("rate_limited", _send(room))
    clock.advance(0.1)
    alice.allow_reply(900)
    await alice.post({**_send(room), "id": 900})
    bye = await alice.expect_bye(4007)
    assert bye["retry_after"] >= 30_000
    await bob.request(_send(room))


@pytest.mark.settings(limits={"in_flight": 2})
async def test_more_requests_than_may_be_unanswered_are_answered_one_after_the_other(
    clients: Clients,
) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    replies = await alice.request_all([_send(room) for _ in range(100)], as_batch=False)
    assert [reply["seq"] for reply in replies] == list(range(2, 102))
    assert len(await bob.collect_until(room, 101)) == 100


async def test_without_rates_a_flood_is_answered_to_the_last_request(clients: Clients) -> None:
    alice = await clients.connect("alice")
    replies = await alice.request_all([{"type": "ping"} for _ in range(500)], as_batch=False)
    assert {reply["type"] for reply in replies} == {"ok"}
