"""protocol.md "Envelope": types, ids, replies, and how both sides grow without breaking each other."""

import pytest

from tests.kit.client import fresh_key
from tests.kit.clients import Clients


async def test_s22_an_unknown_request_type_is_refused_and_the_connection_stays(clients: Clients) -> None:
    alice = await clients.connect("alice")
    await alice.expect_refusal("unknown_type", {"type": "teleport", "to": "mars"})
    await alice.post({"type": "teleport"})
    await alice.expect_silence()


@pytest.mark.parametrize("push", ["event", "ok", "error", "bye", "head"])
async def test_s22_a_push_of_the_server_is_no_request(clients: Clients, push: str) -> None:
    alice = await clients.connect("alice")
    await alice.expect_refusal("unknown_type", {"type": push})


async def test_s22_unknown_keys_are_ignored_and_not_stored(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    packet = {"type": "send", "room": room, "key": fresh_key(), "mood": {"of": "the day"}}
    ack = await alice.request({**packet, "body": {"text": "hi", "glitter": True}})
    event = await bob.next_event(room)
    assert event["seq"] == ack["seq"]
    assert event["body"] == {"text": "hi"}


async def test_s22_an_unknown_mode_means_the_default(clients: Clients) -> None:
    alice = await clients.open("alice")
    bob = await clients.open("bob")
    usual = await bob.say_hello()
    assert (await alice.say_hello(mode="somersault"))["heartbeat"] == usual["heartbeat"]


async def test_every_request_gets_exactly_one_reply_with_its_id(clients: Clients) -> None:
    alice = await clients.connect("alice")
    ids = [7, 900, 2**53 - 1, 8]
    replies = await alice.request_all([{"type": "ping", "id": number} for number in ids], as_batch=False)
    assert [reply["id"] for reply in replies] == ids


async def test_a_refusal_names_the_field(clients: Clients) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    error = await alice.expect_refusal("bad_request", {"type": "send", "room": room, "body": {"text": "hi"}})
    assert error["field"] == "key"


async def test_a_mutation_without_id_is_done_silently(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    await alice.post({"type": "send", "room": room, "key": fresh_key(), "body": {"text": "no receipt"}})
    assert (await bob.next_event(room))["body"]["text"] == "no receipt"
