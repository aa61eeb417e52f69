"""protocol.md, Envelope: types, ids, replies, and how both sides grow without breaking each other."""

import pytest

from tests.kit.company import Company
from tests.kit.phone import fresh_key


async def test_s22_an_unknown_request_type_is_refused_and_the_connection_stays(people: Company) -> None:
    alice = await people.meets("alice")
    await alice.is_refused("unknown_type", {"type": "teleport", "to": "mars"})
    await alice.posts({"type": "teleport"})
    await alice.is_silent()


@pytest.mark.parametrize("push", ["event", "ok", "error", "bye", "head"])
async def test_s22_a_push_of_the_server_is_no_request(people: Company, push: str) -> None:
    alice = await people.meets("alice")
    await alice.is_refused("unknown_type", {"type": push})


async def test_s22_unknown_keys_are_ignored_and_not_stored(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    packet = {"type": "send", "room": room, "key": fresh_key(), "mood": {"of": "the day"}}
    ack = await alice.asks({**packet, "body": {"text": "hi", "glitter": True}})
    event = await bob.hears(room)
    assert event["seq"] == ack["seq"]
    assert event["body"] == {"text": "hi"}


async def test_s22_an_unknown_mode_means_the_default(people: Company) -> None:
    alice = await people.connects("alice")
    bob = await people.connects("bob")
    usual = await bob.says_hello()
    assert (await alice.says_hello(mode="somersault"))["heartbeat"] == usual["heartbeat"]


async def test_every_request_gets_exactly_one_reply_with_its_id(people: Company) -> None:
    alice = await people.meets("alice")
    ids = [7, 900, 2**53 - 1, 8]
    replies = await alice.asks_at_once([{"type": "ping", "id": number} for number in ids], as_batch=False)
    assert [reply["id"] for reply in replies] == ids


async def test_a_refusal_names_the_field(people: Company) -> None:
    room, (alice, _) = await people.in_direct("alice", "bob")
    error = await alice.is_refused("bad_request", {"type": "send", "room": room, "body": {"text": "hi"}})
    assert error["field"] == "key"


async def test_a_mutation_without_id_is_done_silently(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    await alice.posts({"type": "send", "room": room, "key": fresh_key(), "body": {"text": "no receipt"}})
    assert (await bob.hears(room))["body"]["text"] == "no receipt"
