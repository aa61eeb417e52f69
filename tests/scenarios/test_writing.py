"""protocol.md, Writing: send, edit, recall, react, pin; keys, acks, and the abort rule."""

from typing import Any

import pytest

from tests.kit.company import Company
from tests.kit.daemon import RunningDaemon
from tests.kit.phone import Phone, fresh_key


async def test_the_ack_of_a_send_carries_its_place(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    ack = await alice.sends(room, "hello")
    event = await bob.hears(room)
    assert {name: ack[name] for name in ("seq", "ordinal", "time")} == {
        "seq": 2,
        "ordinal": 1,
        "time": event["time"],
    }
    assert "duplicate" not in ack


async def test_s03_the_same_key_again_is_a_duplicate_and_nothing_happens(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    key = fresh_key()
    first = await alice.sends(room, "once", key=key)
    again = await alice.sends(room, "once", key=key)
    assert _content(again) == {**_content(first), "duplicate": True}
    await bob.hears(room)
    await bob.is_silent()
    assert (await alice.gets(room))["seq"] == first["seq"]


async def test_s03_over_two_connections_and_a_restart(daemon: RunningDaemon, people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    tablet = await people.meets("alice")
    key = fresh_key()
    first = await alice.sends(room, "once", key=key)
    assert _content(await tablet.sends(room, "once", key=key)) == {**_content(first), "duplicate": True}
    await bob.sends(room, "and so on")
    await daemon.restart()
    people.url = daemon.url
    fresh, _ = await people.again(alice)
    assert _content(await fresh.sends(room, "once", key=key)) == {**_content(first), "duplicate": True}
    assert (await fresh.gets(room))["seq"] == 3


async def test_s03_both_at_the_same_moment_are_stored_once(people: Company) -> None:
    room, (alice, _) = await people.in_direct("alice", "bob")
    key = fresh_key()
    packet = {"type": "send", "room": room, "key": key, "body": {"text": "once"}}
    acks = await alice.asks_at_once([packet] * 10)
    assert {ack["seq"] for ack in acks} == {2}
    assert [ack.get("duplicate", False) for ack in acks] == [False] + [True] * 9


def _content(reply: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in reply.items() if name != "id"}


async def test_a_key_survives_the_recall_of_its_message(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    key = fresh_key()
    sent = await alice.sends(room, "once", key=key)
    await alice.recalls(room, sent["seq"])
    await bob.forgets()
    again = await alice.sends(room, "once", key=key)
    assert (again["seq"], again["duplicate"]) == (sent["seq"], True)
    await bob.is_silent()


async def test_a_key_for_other_content_or_another_operation_is_a_conflict(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    key = fresh_key()
    sent = (await alice.sends(room, "once", key=key))["seq"]
    await bob.forgets()
    mutation = {"room": room, "key": key}
    await alice.is_refused("conflict", {"type": "send", **mutation, "body": {"text": "other words"}})
    await alice.is_refused("conflict", {"type": "edit", **mutation, "target": sent, "body": {"text": "once"}})
    await alice.is_refused("conflict", {"type": "pin", **mutation, "target": sent, "set": True})
    await bob.is_silent()


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
    people: Company, one: dict[str, Any], other: dict[str, Any], encoding: str
) -> None:
    room, (alice, _) = await people.in_direct("alice", "bob")
    tablet = await people.meets("alice", encoding=encoding)
    for first, second in ((one, other), (other, one)):
        key = fresh_key()
        sent = await alice.asks({"type": "send", "room": room, "key": key, "body": first})
        again = await tablet.asks({"type": "send", "room": room, "key": key, "body": second})
        assert (again["seq"], again["duplicate"]) == (sent["seq"], True)
    stored = (await alice.logs(room))[-2:]
    assert stored[0]["body"] == stored[1]["body"] == one


async def test_bytes_are_the_same_in_both_encodings(people: Company) -> None:
    room, (alice, _) = await people.in_direct("alice", "bob")
    tablet = await people.meets("alice", encoding="json")
    packet = {
        "type": "send",
        "room": room,
        "key": fresh_key(),
        "body": {"data": {"sealed": b"\x00", "n": 1.0}},
    }
    await alice.asks(packet)
    spelled = {**packet, "body": {"data": {"n": 1, "sealed": {"$bytes": "AA"}}}}
    assert (await tablet.asks(spelled))["duplicate"] is True
    assert (await alice.asks(spelled))["duplicate"] is True


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_an_ack_tells_what_was_stored_when_it_is_not_what_was_sent(
    people: Company, encoding: str
) -> None:
    phone = await people.meets("alice", encoding=encoding)
    room = await phone.creates_group("a group")
    body = {"text": "x", "future": 1, "attachments": [{"url": "u", "mime": "m", "later": True}]}
    stored = {"text": "x", "attachments": [{"url": "u", "mime": "m"}]}
    send = {"type": "send", "room": room, "key": fresh_key(), "body": body}
    sent = await phone.asks(send)
    assert sent["event"]["body"] == stored
    assert sent["event"] == (await phone.logs(room))[-1]
    edit = {
        "type": "edit",
        "room": room,
        "key": fresh_key(),
        "target": sent["seq"],
        "body": {**body, "text": "y"},
    }
    edited = await phone.asks(edit)
    assert edited["event"] == (await phone.logs(room))[-1]
    await phone.recalls(room, sent["seq"])
    for packet, ack in ((send, sent), (edit, edited)):
        assert _content(await phone.asks(packet)) == {**_content(ack), "duplicate": True}


async def test_an_ack_of_what_was_stored_as_it_was_sent_carries_no_event(people: Company) -> None:
    room, (alice, _) = await people.in_direct("alice", "bob")
    composed = {"text": "x", "mentions": [], "data": {"b": 1, "a": 1.0}}
    ack = await alice.asks(
        {"type": "send", "room": room, "key": fresh_key(), "body": composed, "composed_at": 1, "future": 1}
    )
    assert "event" not in ack


async def test_an_ack_names_whom_it_was_about_when_not_all_were(people: Company) -> None:
    room, (alice, _) = await people.in_group("alice", "bob")
    add = {"type": "members.add", "room": room, "key": fresh_key(), "users": ["bob", "carol"]}
    ack = await alice.asks(add)
    assert ack["event"] == (await alice.logs(room))[-1]
    assert ack["event"]["users"] == ["carol"]
    remove = {"type": "members.remove", "room": room, "key": fresh_key(), "users": ["carol", "dave"]}
    assert (await alice.asks(remove))["event"]["users"] == ["carol"]
    assert _content(await alice.asks(add)) == {**_content(ack), "duplicate": True}


async def test_a_key_belongs_to_its_room_and_its_author(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    other = await alice.creates_group("other", bob)
    key = fresh_key()
    acks = [
        await alice.sends(room, "x", key=key),
        await bob.sends(room, "x", key=key),
        await alice.sends(other, "x", key=key),
    ]
    assert not any("duplicate" in ack for ack in acks)


@pytest.mark.parametrize("kind", ["edit", "recall", "react", "pin"])
async def test_every_operation_is_idempotent_by_key(people: Company, kind: str) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    sent = (await alice.sends(room, "x"))["seq"]
    fields = {
        "edit": {"body": {"text": "y"}},
        "recall": {},
        "react": {"emoji": "👍", "set": True},
        "pin": {"set": True},
    }
    packet = {"type": kind, "room": room, "key": fresh_key(), "target": sent, **fields[kind]}
    first = await alice.asks(packet)
    assert first["seq"] == sent + 1
    await bob.forgets()
    assert _content(await alice.asks(packet)) == {**_content(first), "duplicate": True}
    await bob.is_silent()


async def test_a_silent_message_has_no_ordinal(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    assert "ordinal" not in await alice.sends(room, "hush", silent=True)
    assert "ordinal" not in await bob.hears(room)


async def test_a_body_of_the_limit_passes_and_one_byte_more_is_too_large(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    overhead = 1 + 5 + 3  # the map, the key `text`, and the header of a text of 16-bit length
    await alice.sends(room, "x" * (16_384 - overhead))
    await bob.hears(room)
    packet = {"type": "send", "room": room, "key": fresh_key()}
    await alice.is_refused("too_large", {**packet, "body": {"text": "x" * (16_385 - overhead)}})
    spelled = await people.meets("alice", encoding="json")
    await spelled.is_refused("too_large", {**packet, "body": {"text": "x" * (16_385 - overhead)}})
    await spelled.sends(room, "y" * (16_384 - overhead))


async def test_only_members_may_write(people: Company) -> None:
    room, _ = await people.in_direct("alice", "bob")
    mallory = await people.meets("mallory")
    packet = {"type": "send", "key": fresh_key(), "body": {"text": "x"}}
    absent = await mallory.is_refused("not_found", {**packet, "room": "gAbCdEfGhIj0"})
    private = await mallory.is_refused("not_found", {**packet, "room": room})
    assert {**absent, "id": 0} == {**private, "id": 0}


async def test_only_the_author_edits(people: Company) -> None:
    room, (alice, bob) = await people.in_group("alice", "bob")
    of_bob = (await bob.sends(room, "bob's words"))["seq"]
    packet = {"type": "edit", "room": room, "key": fresh_key(), "target": of_bob, "body": {"text": "alice's"}}
    await alice.is_refused("forbidden", packet)
    edited = await bob.edits(room, of_bob, "better words")
    event = await alice.hears(room, "edit")
    assert (event["seq"], event["target"], event["body"]["text"]) == (edited["seq"], of_bob, "better words")


async def test_the_author_and_admins_recall(people: Company) -> None:
    room, (alice, bob, carol) = await people.in_group("alice", "bob", "carol")
    of_bob = [(await bob.sends(room, "words"))["seq"] for _ in range(2)]
    await carol.is_refused("forbidden", _recall(room, of_bob[0]))
    await bob.recalls(room, of_bob[0])
    await alice.recalls(room, of_bob[1])
    assert (await carol.hears(room, "recall"))["user"] == "bob"
    assert (await carol.hears(room, "recall"))["user"] == "alice"


def _recall(room: str, target: int) -> dict[str, Any]:
    return {"type": "recall", "room": room, "key": fresh_key(), "target": target}


@pytest.mark.settings(storage={"edit_window_s": 0})
async def test_after_the_window_only_admins_recall(people: Company) -> None:
    room, (alice, bob) = await people.in_group("alice", "bob")
    of_bob = (await bob.sends(room, "words"))["seq"]
    edit = {"type": "edit", "room": room, "key": fresh_key(), "target": of_bob, "body": {"text": "other"}}
    await bob.is_refused("edit_window", edit)
    await bob.is_refused("edit_window", _recall(room, of_bob))
    await alice.recalls(room, of_bob)


async def test_a_recalled_message_cannot_be_changed(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    sent = (await alice.sends(room, "words"))["seq"]
    await alice.recalls(room, sent)
    await bob.forgets()
    target = {"room": room, "target": sent}
    await alice.is_refused("conflict", {"type": "edit", **target, "key": fresh_key(), "body": {"text": "x"}})
    react = {"type": "react", **target, "key": fresh_key(), "emoji": "👍", "set": True}
    await alice.is_refused("conflict", react)
    await alice.is_refused("conflict", _recall(room, sent))
    await alice.is_refused("conflict", {"type": "pin", **target, "key": fresh_key(), "set": True})
    await bob.is_silent()


@pytest.mark.parametrize("kind", ["edit", "recall", "react", "pin"])
async def test_only_existing_messages_can_be_changed(people: Company, kind: str) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    sent = (await alice.sends(room, "words"))["seq"]
    edited = (await alice.edits(room, sent, "other words"))["seq"]
    await bob.forgets()
    fields = {"body": {"text": "x"}, "emoji": "👍", "set": True}
    wanted = {"edit": ["body"], "recall": [], "react": ["emoji", "set"], "pin": ["set"]}
    packet = {"type": kind, "room": room, **{name: fields[name] for name in wanted[kind]}}
    for target in (1, edited, 999):
        await alice.is_refused("not_found", {**packet, "key": fresh_key(), "target": target})
    await bob.is_silent()


async def test_what_a_newcomer_cannot_see_it_cannot_change(people: Company) -> None:
    room, (alice, _) = await people.in_group("alice", "bob")
    old = (await alice.sends(room, "before carol"))["seq"]
    carol = await people.meets("carol")
    await alice.does("members.add", room, users=["carol"])
    react = {"type": "react", "room": room, "key": fresh_key(), "target": old, "emoji": "👍", "set": True}
    await carol.is_refused("not_found", react)


async def test_reactions_are_sets(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    sent = (await alice.sends(room, "vote"))["seq"]
    await bob.reacts(room, sent, "👍")
    await alice.hears(room, "reaction")
    repeated = await bob.reacts(room, sent, "👍")
    assert repeated["duplicate"] is True
    assert "seq" not in repeated
    cleared = await bob.reacts(room, sent, "👍", to=False)
    assert (await alice.hears(room, "reaction")) == {
        "seq": cleared["seq"],
        "kind": "reaction",
        "user": "bob",
        "time": cleared["time"],
        "target": sent,
        "emoji": "👍",
        "set": False,
    }
    assert (await bob.reacts(room, sent, "👍", to=False))["duplicate"] is True
    await alice.is_silent()
    (message,) = [event for event in await bob.logs(room) if event["seq"] == sent]
    assert "reactions" not in message


async def test_one_emoji_is_one_reaction_however_it_is_presented(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    sent = (await alice.sends(room, "vote"))["seq"]
    ack = await bob.reacts(room, sent, "\u2764")
    assert ack["event"] == await alice.hears(room, "reaction")
    assert ack["event"]["emoji"] == "\u2764\ufe0f"
    assert "event" not in await alice.reacts(room, sent, "\u2764\ufe0f")
    (message,) = (await bob.asks({"type": "messages", "room": room, "seqs": [sent]}))["events"]
    assert message["reactions"] == [{"emoji": "\u2764\ufe0f", "count": 2}]
    await bob.reacts(room, sent, "\u2764\ufe0e", to=False)
    assert (await bob.reacts(room, sent, "\u2764", to=False))["duplicate"] is True


@pytest.mark.parametrize("emoji", ["", " ", "\0", "x" * 32, "👍👍", ":no spaces:"])
async def test_what_is_no_emoji_is_no_reaction(people: Company, emoji: str) -> None:
    room, (alice, _) = await people.in_direct("alice", "bob")
    sent = (await alice.sends(room, "vote"))["seq"]
    packet = {"type": "react", "room": room, "key": fresh_key(), "target": sent, "emoji": emoji, "set": True}
    await alice.is_refused("bad_request", packet)


async def test_pins_are_of_admins_in_groups_and_of_both_in_direct_rooms(people: Company) -> None:
    room, (alice, bob) = await people.in_group("alice", "bob")
    sent = (await bob.sends(room, "words"))["seq"]
    pin = {"type": "pin", "room": room, "key": fresh_key(), "target": sent, "set": True}
    await bob.is_refused("forbidden", pin)
    pinned = await alice.pins(room, sent)
    assert (await bob.hears(room, "pin"))["seq"] == pinned["seq"]
    repeated = await alice.pins(room, sent)
    assert repeated["duplicate"] is True
    assert "seq" not in repeated
    direct = await bob.opens_direct(alice)
    sent = (await alice.sends(direct, "words"))["seq"]
    assert "seq" in await bob.pins(direct, sent)


@pytest.mark.settings(rates={"enabled": True, "room_per_s": 0.01, "room_burst": 2})
async def test_s19_a_send_that_may_succeed_later_aborts_the_ones_behind_it(people: Company) -> None:
    alice, bob = await people.meet("alice", "bob")
    busy = await alice.creates_group("busy", bob)
    calm = await alice.creates_group("calm", bob)
    rooms = [busy, busy, busy, calm, busy, busy, calm]
    sends = [
        {"type": "send", "room": room, "key": fresh_key(), "body": {"text": str(number)}}
        for number, room in enumerate(rooms)
    ]
    replies = await alice.asks_at_once(sends)
    outcomes = [reply.get("code", "ok") for reply in replies]
    assert outcomes == ["ok", "ok", "rate_limited", "ok", "aborted", "aborted", "ok"]
    assert [(reply["retry"], reply["retry_after"]) for reply in (replies[4], replies[5])] == [
        ("later", 0)
    ] * 2
    assert await _texts(bob, busy) == ["0", "1"]
    assert await _texts(bob, calm) == ["3", "6"]


async def test_s19_a_send_that_never_succeeds_aborts_nothing(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    texts = ["fine", "x" * 17_000, "also fine"]
    send = {"type": "send", "room": room}
    replies = await alice.asks_at_once(
        [{**send, "key": fresh_key(), "body": {"text": text}} for text in texts]
    )
    assert [reply.get("code", "ok") for reply in replies] == ["ok", "too_large", "ok"]
    assert await _texts(bob, room) == ["fine", "also fine"]


async def _texts(phone: Phone, room: str) -> list[str]:
    return [event["body"]["text"] for event in await phone.logs(room) if event["kind"] == "message"]
