"""protocol.md, Rates: refusals say exactly how long to wait, and only abuse ends a connection."""

import asyncio
import time
from typing import Any

import pytest

from tests.kit.company import Company
from tests.kit.phone import fresh_key

ONE_A_SECOND = {"enabled": True, "writes_per_s": 1.0, "writes_burst": 4}  # of which one opens the room


def _send(room: str) -> dict[str, Any]:
    return {"type": "send", "room": room, "key": fresh_key(), "body": {"text": "x"}}


@pytest.mark.settings(rates=ONE_A_SECOND)
async def test_s20_whoever_waits_exactly_retry_after_is_served(people: Company) -> None:
    room, (alice, _) = await people.in_direct("alice", "bob")
    for _ in range(3):
        await alice.asks(_send(room))
    error = await alice.is_refused("rate_limited", _send(room))
    assert (error["retry"], error["scope"]) == ("later", "user")
    assert 0 < error["retry_after"] <= 1_000
    await asyncio.sleep(error["retry_after"] / 1000)
    await alice.asks(_send(room))


@pytest.mark.settings(rates={"enabled": True, "lookups_per_day": 100})
async def test_nobody_copies_the_directory(people: Company) -> None:
    """Strangers cost, known or not; those one shares a room with do not, nor does oneself. All or nothing."""
    _, (alice, bob) = await people.in_direct("alice", "bob")
    tablet = await people.meets("alice")
    strangers = [f"stranger{number}" for number in range(61)]
    known = {"type": "users.get", "users": ["alice", "bob"]}
    for phone, users in ((alice, strangers[:40]), (tablet, ["bob", *strangers[:58], *strangers[:9]])):
        assert len((await phone.asks({"type": "users.get", "users": users}))["users"]) == len(set(users))
    error = await alice.is_refused("rate_limited", {"type": "users.get", "users": ["bob", *strangers[:3]]})
    assert (error["retry"], error["scope"]) == ("later", "user")
    assert 800_000 < error["retry_after"] <= 864_000  # a profile comes back in 864 s, and two are left
    await tablet.is_refused("rate_limited", {"type": "users.get", "users": strangers[:3]})
    await alice.asks(known)
    await alice.asks({"type": "users.get", "users": strangers[:2]})
    await alice.is_refused("rate_limited", {"type": "users.get", "users": ["carol"]})
    await alice.asks(known)
    await bob.asks({"type": "users.get", "users": strangers})


@pytest.mark.settings(rates={**ONE_A_SECOND, "writes_per_s": 0.1})
async def test_s20_retry_after_counts_down_with_the_clock_and_up_with_the_refusals(people: Company) -> None:
    room, (alice, _) = await people.in_direct("alice", "bob")
    for _ in range(3):
        await alice.asks(_send(room))
    started = time.monotonic()
    first = (await alice.is_refused("rate_limited", _send(room)))["retry_after"]
    second = (await alice.is_refused("rate_limited", _send(room)))["retry_after"]
    elapsed_ms = (time.monotonic() - started) * 1000
    assert 5_000 < first <= 10_000
    assert first + 10_000 - elapsed_ms - 2 <= second <= first + 10_000


@pytest.mark.settings(rates=ONE_A_SECOND)
async def test_writes_are_counted_per_user_over_all_devices(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    tablet = await people.meets("alice")
    for phone in (alice, tablet, alice):
        await phone.asks(_send(room))
    await tablet.is_refused("rate_limited", _send(room))
    await bob.asks(_send(room))


@pytest.mark.settings(rates={"enabled": True, "room_per_s": 0.1, "room_burst": 3})
async def test_writes_are_counted_per_room_over_all_members(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    for phone in (alice, bob, alice):
        await phone.asks(_send(room))
    assert (await bob.is_refused("rate_limited", _send(room)))["scope"] == "room"
    assert (await alice.is_refused("rate_limited", _send(room)))["scope"] == "room"


@pytest.mark.settings(rates={"enabled": True, "requests_per_s": 0.1, "requests_burst": 5})
async def test_requests_are_counted_per_connection(people: Company) -> None:
    alice, bob = await people.connects("alice"), await people.connects("bob")
    await alice.says_hello()
    replies = [await alice.is_answered({"type": "ping"}) for _ in range(6)]
    assert [reply["type"] for reply in replies][:4] == ["ok"] * 4
    assert (replies[-1]["code"], replies[-1]["scope"]) == ("rate_limited", "connection")
    await bob.says_hello()
    await bob.asks({"type": "ping"})


@pytest.mark.settings(rates={"enabled": True, "requests_per_s": 0.1, "requests_burst": 10})
async def test_packets_without_id_over_the_limit_are_dropped(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    await bob.asks({"type": "focus", "rooms": [room]})
    for _ in range(30):
        await alice.posts({"type": "typing", "room": room})
    await alice.is_refused("rate_limited", {"type": "ping"})
    await bob.receives("typing")
    relayed = [packet for packet in bob.heard if packet["type"] == "typing"]
    assert len(relayed) <= 10


@pytest.mark.settings(rates={"enabled": True, "hello_user_per_min": 3})
async def test_hellos_are_counted_per_user(people: Company) -> None:
    for _ in range(3):
        await people.meets("alice")
    fourth = await people.connects("alice")
    error = await fourth.is_refused("rate_limited", fourth.hello())
    assert error["scope"] == "user"
    assert 0 < error["retry_after"] <= 20_000
    bye = await fourth.expects_bye(4003)
    assert bye["retry_after"] > 0
    await people.meets("bob")


@pytest.mark.settings(rates={"enabled": True, "hello_address_per_min": 3})
async def test_hellos_are_counted_per_address(people: Company) -> None:
    for user in ("alice", "bob", "carol"):
        await people.meets(user)
    fourth = await people.connects("dave")
    error = await fourth.is_refused("rate_limited", fourth.hello())
    assert error["scope"] == "address"
    await fourth.expects_bye(4003)


@pytest.mark.settings(rates={**ONE_A_SECOND, "writes_per_s": 0.01, "abuse_refusals": 4, "abuse_grace_s": 0.0})
async def test_ignoring_retry_after_ends_the_connection(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    for _ in range(3):
        await alice.asks(_send(room))
    for _ in range(4):  # the first had nothing to ignore yet
        await alice.is_refused("rate_limited", _send(room))
    alice.may_be_answered(900)
    await alice.posts({**_send(room), "id": 900})
    bye = await alice.expects_bye(4007)
    assert bye["retry_after"] >= 30_000
    await bob.asks(_send(room))


@pytest.mark.settings(limits={"in_flight": 2})
async def test_more_requests_than_may_be_unanswered_are_answered_one_after_the_other(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    replies = await alice.asks_at_once([_send(room) for _ in range(100)], as_batch=False)
    assert [reply["seq"] for reply in replies] == list(range(2, 102))
    assert len(await bob.collects_until(room, 101)) == 100


async def test_without_rates_a_flood_is_answered_to_the_last_request(people: Company) -> None:
    alice = await people.meets("alice")
    replies = await alice.asks_at_once([{"type": "ping"} for _ in range(500)], as_batch=False)
    assert {reply["type"] for reply in replies} == {"ok"}
