"""protocol.md "Writing": send, edit, recall, react, pin; keys, acks, and the abort rule."""

import time
from typing import Any

import pytest

from tests.kit.client import TestClient, fresh_key
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon
from tests.kit.stepped_env import SteppedEnv
from tests.kit.waiting import until


async def test_the_ack_of_a_send_carries_its_place(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    ack = await alice.send(room, "hello")
    event = await bob.next_event(room)
    assert {name: ack[name] for name in ("seq", "ordinal", "time")} == {
        "seq": 2,
        "ordinal": 1,
        "time": event["time"],
    }
    assert "duplicate" not in ack


async def test_s03_the_same_key_again_is_a_duplicate_and_nothing_happens(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    key = fresh_key()
    first = await alice.send(room, "once", key=key)
    again = await alice.send(room, "once", key=key)
    assert _content(again) == {**_content(first), "duplicate": True}
    await bob.next_event(room)
    await bob.expect_silence()
    assert (await alice.get_room(room))["seq"] == first["seq"]


async def test_s03_over_two_connections_and_a_restart(daemon: RunningDaemon, clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    tablet = await clients.connect("alice")
    key = fresh_key()
    first = await alice.send(room, "once", key=key)
    assert _content(await tablet.send(room, "once", key=key)) == {**_content(first), "duplicate": True}
    await bob.send(room, "and so on")
    await daemon.restart()
    clients.url = daemon.url
    fresh, _ = await clients.reconnect(alice)
    assert _content(await fresh.send(room, "once", key=key)) == {**_content(first), "duplicate": True}
    assert (await fresh.get_room(room))["seq"] == 3


async def test_s03_both_at_the_same_moment_are_stored_once(clients: Clients) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    key = fresh_key()
    packet = {"type": "send", "room": room, "key": key, "body": {"text": "once"}}
    acks = await alice.request_all([packet] * 10)
    assert {ack["seq"] for ack in acks} == {2}
    assert [ack.get("duplicate", False) for ack in acks] == [False] + [True] * 9


def _content(reply: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in reply.items() if name != "id"}


async def test_a_key_survives_the_recall_of_its_message(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    key = fresh_key()
    sent = await alice.send(room, "once", key=key)
    await alice.recall(room, sent["seq"])
    await bob.forget()
    again = await alice.send(room, "once", key=key)
    assert (again["seq"], again["duplicate"]) == (sent["seq"], True)
    await bob.expect_silence()


async def test_a_key_for_other_content_or_another_operation_is_a_conflict(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    key = fresh_key()
    sent = (await alice.send(room, "once", key=key))["seq"]
    await bob.forget()
    mutation = {"room": room, "key": key}
    await alice.expect_refusal("conflict", {"type": "send", **mutation, "body": {"text": "other words"}})
    await alice.expect_refusal(
        "conflict", {"type": "edit", **mutation, "target": sent, "body": {"text": "once"}}
    )
    await alice.expect_refusal("conflict", {"type": "pin", **mutation, "target": sent, "set": True})
    await bob.expect_silence()


SPELLED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "keys in another order": (
        {"data": {"a": 1, "b": {"c": 1, "d": 2}}},
        {"data": {"b": {"d": 2, "c": 1}, "a": 1}},
    ),
    "equal numbers": ({"data": [1, {"a": -2}]}, {"data": [1.0, {"a": -2.0}]}),
    "absent and empty": (
        {"data": 1, "attachments": [{"url": "u", "mime": "m"}]},
        {"data": 1, "attachments": [{"url": "u", "mime": "m", "name": ""}], "text": "", "mentions": []},
    ),
    "no attachments": ({"text": "x"}, {"text": "x", "attachments": []}),
    "a key nobody knows": ({"text": "x"}, {"text": "x", "future": 1}),
}


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
@pytest.mark.parametrize(("one", "other"), SPELLED.values(), ids=SPELLED)
async def test_a_retry_is_the_same_request_however_it_is_spelled(
    clients: Clients, one: dict[str, Any], other: dict[str, Any], encoding: str
) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    tablet = await clients.connect("alice", encoding=encoding)
    for first, second in ((one, other), (other, one)):
        key = fresh_key()
        sent = await alice.request({"type": "send", "room": room, "key": key, "body": first})
        again = await tablet.request({"type": "send", "room": room, "key": key, "body": second})
        assert (again["seq"], again["duplicate"]) == (sent["seq"], True)
    stored = (await alice.read_log(room))[-2:]
    assert stored[0]["body"] == stored[1]["body"] == one


async def test_bytes_are_the_same_in_both_encodings(clients: Clients) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    tablet = await clients.connect("alice", encoding="json")
    packet = {
        "type": "send",
        "room": room,
        "key": fresh_key(),
        "body": {"data": {"sealed": b"\x00", "n": 1.0}},
    }
    await alice.request(packet)
    spelled = {**packet, "body": {"data": {"n": 1, "sealed": {"$bytes": "AA"}}}}
    assert (await tablet.request(spelled))["duplicate"] is True
    assert (await alice.request(spelled))["duplicate"] is True


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_an_ack_tells_what_was_stored_when_it_is_not_what_was_sent(
    clients: Clients, encoding: str
) -> None:
    client = await clients.connect("alice", encoding=encoding)
    room = await client.create_group("a group")
    body = {"text": "x", "future": 1, "attachments": [{"url": "u", "mime": "m", "later": True}]}
    stored = {"text": "x", "attachments": [{"url": "u", "mime": "m"}]}
    send = {"type": "send", "room": room, "key": fresh_key(), "body": body}
    sent = await client.request(send)
    assert sent["event"]["body"] == stored
    assert sent["event"] == (await client.read_log(room))[-1]
    edit = {
        "type": "edit",
        "room": room,
        "key": fresh_key(),
        "target": sent["seq"],
        "body": {**body, "text": "y"},
    }
    edited = await client.request(edit)
    assert edited["event"] == (await client.read_log(room))[-1]
    await client.recall(room, sent["seq"])
    for packet, ack in ((send, sent), (edit, edited)):
        assert _content(await client.request(packet)) == {**_content(ack), "duplicate": True}


async def test_an_ack_of_what_was_stored_as_it_was_sent_carries_no_event(clients: Clients) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    composed = {"text": "x", "mentions": [], "data": {"b": 1, "a": 1.0}}
    ack = await alice.request(
        {"type": "send", "room": room, "key": fresh_key(), "body": composed, "composed_at": 1, "future": 1}
    )
    assert "event" not in ack


async def test_an_ack_names_whom_it_was_about_when_not_all_were(clients: Clients) -> None:
    room, (alice, _) = await clients.in_group("alice", "bob")
    add = {"type": "members.add", "room": room, "key": fresh_key(), "users": ["bob", "carol"]}
    ack = await alice.request(add)
    assert ack["event"] == (await alice.read_log(room))[-1]
    assert ack["event"]["users"] == ["carol"]
    remove = {"type": "members.remove", "room": room, "key": fresh_key(), "users": ["carol", "dave"]}
    assert (await alice.request(remove))["event"]["users"] == ["carol"]
    assert _content(await alice.request(add)) == {**_content(ack), "duplicate": True}


async def test_a_key_belongs_to_its_room_and_its_author(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    other = await alice.create_group("other", bob)
    key = fresh_key()
    acks = [
        await alice.send(room, "x", key=key),
        await bob.send(room, "x", key=key),
        await alice.send(other, "x", key=key),
    ]
    assert not any("duplicate" in ack for ack in acks)


@pytest.mark.parametrize("kind", ["edit", "recall", "react", "pin"])
async def test_every_operation_is_idempotent_by_key(clients: Clients, kind: str) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    sent = (await alice.send(room, "x"))["seq"]
    fields = {
        "edit": {"body": {"text": "y"}},
        "recall": {},
        "react": {"emoji": "👍", "set": True},
        "pin": {"set": True},
    }
    packet = {"type": kind, "room": room, "key": fresh_key(), "target": sent, **fields[kind]}
    first = await alice.request(packet)
    assert first["seq"] == sent + 1
    await bob.forget()
    assert _content(await alice.request(packet)) == {**_content(first), "duplicate": True}
    await bob.expect_silence()


async def test_a_silent_message_has_no_ordinal(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    assert "ordinal" not in await alice.send(room, "hush", silent=True)
    assert "ordinal" not in await bob.next_event(room)


async def test_a_body_of_the_limit_passes_and_one_byte_more_is_too_large(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    overhead = 1 + 5 + 3  # the map, the key `text`, and the header of a text of 16-bit length
    await alice.send(room, "x" * (16_384 - overhead))
    await bob.next_event(room)
    packet = {"type": "send", "room": room, "key": fresh_key()}
    await alice.expect_refusal("too_large", {**packet, "body": {"text": "x" * (16_385 - overhead)}})
    spelled = await clients.connect("alice", encoding="json")
    await spelled.expect_refusal("too_large", {**packet, "body": {"text": "x" * (16_385 - overhead)}})
    await spelled.send(room, "y" * (16_384 - overhead))


async def test_only_members_may_write(clients: Clients) -> None:
    room, _ = await clients.in_direct("alice", "bob")
    mallory = await clients.connect("mallory")
    packet = {"type": "send", "key": fresh_key(), "body": {"text": "x"}}
    absent = await mallory.expect_refusal("not_found", {**packet, "room": "gAbCdEfGhIj0"})
    private = await mallory.expect_refusal("not_found", {**packet, "room": room})
    assert {**absent, "id": 0} == {**private, "id": 0}


async def test_only_the_author_edits(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    of_bob = (await bob.send(room, "bob's words"))["seq"]
    packet = {"type": "edit", "room": room, "key": fresh_key(), "target": of_bob, "body": {"text": "alice's"}}
    await alice.expect_refusal("forbidden", packet)
    edited = await bob.edit(room, of_bob, "better words")
    event = await alice.next_event(room, "edit")
    assert (event["seq"], event["target"], event["body"]["text"]) == (edited["seq"], of_bob, "better words")


async def test_the_author_and_admins_recall(clients: Clients) -> None:
    room, (alice, bob, carol) = await clients.in_group("alice", "bob", "carol")
    of_bob = [(await bob.send(room, "words"))["seq"] for _ in range(2)]
    await carol.expect_refusal("forbidden", _recall(room, of_bob[0]))
    await bob.recall(room, of_bob[0])
    await alice.recall(room, of_bob[1])
    assert (await carol.next_event(room, "recall"))["user"] == "bob"
    assert (await carol.next_event(room, "recall"))["user"] == "alice"


def _recall(room: str, target: int) -> dict[str, Any]:
    return {"type": "recall", "room": room, "key": fresh_key(), "target": target}


@pytest.mark.settings(storage={"edit_window_s": 0})
async def test_what_is_too_old_to_be_edited_may_be_recalled(clients: Clients) -> None:
    room, (_, bob) = await clients.in_group("alice", "bob")
    sent = await bob.send(room, "words")
    edit = {
        "type": "edit",
        "room": room,
        "key": fresh_key(),
        "target": sent["seq"],
        "body": {"text": "other"},
    }
    await until(lambda: 1000 * time.time() > sent["time"] + 1)
    await bob.expect_refusal("edit_window", edit)
    await bob.recall(room, sent["seq"])


@pytest.mark.settings(storage={"recall_window_s": 0})
async def test_after_the_window_only_admins_recall(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    sent = await bob.send(room, "words")
    of_bob = sent["seq"]
    # Within the millisecond of the message the window is open.
    await until(lambda: 1000 * time.time() > sent["time"] + 1)
    await bob.expect_refusal("edit_window", _recall(room, of_bob))
    await alice.recall(room, of_bob)


async def test_a_recalled_message_cannot_be_changed(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    sent = (await alice.send(room, "words"))["seq"]
    await alice.recall(room, sent)
    await bob.forget()
    target = {"room": room, "target": sent}
    await alice.expect_refusal(
        "conflict", {"type": "edit", **target, "key": fresh_key(), "body": {"text": "x"}}
    )
    react = {"type": "react", **target, "key": fresh_key(), "emoji": "👍", "set": True}
    await alice.expect_refusal("conflict", react)
    await alice.expect_refusal("conflict", _recall(room, sent))
    await alice.expect_refusal("conflict", {"type": "pin", **target, "key": fresh_key(), "set": True})
    await bob.expect_silence()


@pytest.mark.parametrize("kind", ["edit", "recall", "react", "pin"])
async def test_only_existing_messages_can_be_changed(clients: Clients, kind: str) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    sent = (await alice.send(room, "words"))["seq"]
    edited = (await alice.edit(room, sent, "other words"))["seq"]
    await bob.forget()
    fields = {"body": {"text": "x"}, "emoji": "👍", "set": True}
    wanted = {"edit": ["body"], "recall": [], "react": ["emoji", "set"], "pin": ["set"]}
    packet = {"type": kind, "room": room, **{name: fields[name] for name in wanted[kind]}}
    for target in (1, edited, 999):
        await alice.expect_refusal("not_found", {**packet, "key": fresh_key(), "target": target})
    await bob.expect_silence()


async def test_what_a_newcomer_cannot_see_it_cannot_change(clients: Clients) -> None:
    room, (alice, _) = await clients.in_group("alice", "bob")
    old = (await alice.send(room, "before carol"))["seq"]
    carol = await clients.connect("carol")
    await alice.mutate("members.add", room, users=["carol"])
    react = {"type": "react", "room": room, "key": fresh_key(), "target": old, "emoji": "👍", "set": True}
    await carol.expect_refusal("not_found", react)


async def test_reactions_are_sets(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    sent = (await alice.send(room, "vote"))["seq"]
    await bob.react(room, sent, "👍")
    await alice.next_event(room, "reaction")
    repeated = await bob.react(room, sent, "👍")
    assert repeated["duplicate"] is True
    assert "seq" not in repeated
    cleared = await bob.react(room, sent, "👍", to=False)
    assert (await alice.next_event(room, "reaction")) == {
        "seq": cleared["seq"],
        "kind": "reaction",
        "user": "bob",
        "time": cleared["time"],
        "target": sent,
        "emoji": "👍",
        "set": False,
    }
    assert (await bob.react(room, sent, "👍", to=False))["duplicate"] is True
    await alice.expect_silence()
    (message,) = [event for event in await bob.read_log(room) if event["seq"] == sent]
    assert "reactions" not in message


async def test_one_emoji_is_one_reaction_however_it_is_presented(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    sent = (await alice.send(room, "vote"))["seq"]
    ack = await bob.react(room, sent, "\u2764")
    assert ack["event"] == await alice.next_event(room, "reaction")
    assert ack["event"]["emoji"] == "\u2764\ufe0f"
    assert "event" not in await alice.react(room, sent, "\u2764\ufe0f")
    (message,) = (await bob.request({"type": "messages", "room": room, "seqs": [sent]}))["events"]
    assert message["reactions"] == [{"emoji": "\u2764\ufe0f", "count": 2}]
    await bob.react(room, sent, "\u2764\ufe0e", to=False)
    assert (await bob.react(room, sent, "\u2764", to=False))["duplicate"] is True


@pytest.mark.parametrize("emoji", ["", " ", "\0", "x" * 32, "👍👍", ":no spaces:"])
async def test_what_is_no_emoji_is_no_reaction(clients: Clients, emoji: str) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    sent = (await alice.send(room, "vote"))["seq"]
    packet = {"type": "react", "room": room, "key": fresh_key(), "target": sent, "emoji": emoji, "set": True}
    await alice.expect_refusal("bad_request", packet)


async def test_pins_are_of_admins_in_groups_and_of_both_in_direct_rooms(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    sent = (await bob.send(room, "words"))["seq"]
    pin = {"type": "pin", "room": room, "key": fresh_key(), "target": sent, "set": True}
    await bob.expect_refusal("forbidden", pin)
    pinned = await alice.pin(room, sent)
    assert (await bob.next_event(room, "pin"))["seq"] == pinned["seq"]
    repeated = await alice.pin(room, sent)
    assert repeated["duplicate"] is True
    assert "seq" not in repeated
    direct = await bob.open_direct(alice)
    sent = (await alice.send(direct, "words"))["seq"]
    assert "seq" in await bob.pin(direct, sent)


@pytest.mark.settings(rates={"enabled": True, "room_per_s": 0.01, "room_burst": 2})
async def test_s19_a_send_that_may_succeed_later_aborts_the_ones_behind_it(
    clients: Clients, clock: SteppedEnv
) -> None:
    alice, bob = await clients.connect_all("alice", "bob")
    busy = await alice.create_group("busy", bob)
    calm = await alice.create_group("calm", bob)
    rooms = [busy, busy, busy, calm, busy, busy, calm]
    sends = [
        {"type": "send", "room": room, "key": fresh_key(), "body": {"text": str(number)}}
        for number, room in enumerate(rooms)
    ]
    replies = await alice.request_all(sends)
    outcomes = [reply.get("code", "ok") for reply in replies]
    assert outcomes == ["ok", "ok", "rate_limited", "ok", "aborted", "aborted", "ok"]
    assert [(reply["retry"], reply["retry_after"]) for reply in (replies[4], replies[5])] == [
        ("later", 0)
    ] * 2
    assert await _texts(bob, busy) == ["0", "1"]
    assert await _texts(bob, calm) == ["3", "6"]


async def test_s19_a_send_that_never_succeeds_aborts_nothing(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    texts = ["fine", "x" * 17_000, "also fine"]
    send = {"type": "send", "room": room}
    replies = await alice.request_all(
        [{**send, "key": fresh_key(), "body": {"text": text}} for text in texts]
    )
    assert [reply.get("code", "ok") for reply in replies] == ["ok", "too_large", "ok"]
    assert await _texts(bob, room) == ["fine", "also fine"]


async def _texts(client: TestClient, room: str) -> list[str]:
    return [event["body"]["text"] for event in await client.read_log(room) if event["kind"] == "message"]
