"""protocol.md "The inbox": numbers that are explained, read at once, and proved."""

from typing import Any

from chatd.core.inbox_digest import ListedRoom, inbox_digest
from tests.kit.client import TestClient
from tests.kit.clients import Clients
from tests.kit.packet_client import Event

NUMBERS = ("seq", "ordinal", "read", "unread", "unread_mentions", "first_visible", "muted_until")


async def test_unread_names_the_messages_it_counts_a_page_at_a_time(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    sent = [(await alice.send(room, "x"))["seq"] for _ in range(3)]
    named = (await alice.send(room, "@bob", body={"mentions": ["bob"]}))["seq"]
    await bob.send(room, "mine")
    await alice.recall(room, sent[1])
    page = await bob.request({"type": "unread", "room": room, "limit": 3})
    assert (page["unread"], page["unread_mentions"], page["seqs"]) == (4, 1, sent)
    rest = await bob.request({"type": "unread", "room": room, "more": page["more"]})
    assert (rest["seqs"], rest["mentions"], rest.get("more")) == ([named], [named], None)
    assert (await alice.request({"type": "unread", "room": room}))["unread"] == 1


async def test_a_more_that_is_none_is_refused(clients: Clients) -> None:
    room, (alice, _) = await clients.in_group("alice", "bob")
    for more in ("", "x", "-1", "9" * 40, "١"):
        error = await alice.expect_refusal("bad_request", {"type": "unread", "room": room, "more": more})
        assert error["field"] == "more"


async def test_the_badge_is_explained_by_the_rooms_that_count_in_it(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    muted, marked = [await alice.create_group("another", bob) for _ in range(2)]
    await bob.request({"type": "preferences", "room": muted, "muted_until": 1})
    await bob.request({"type": "preferences", "room": marked, "unread_mark": True})
    for place in (room, muted):
        await alice.send(place, "x")
    await alice.send(muted, "@bob", body={"mentions": ["bob"]})
    badge = await bob.request({"type": "unread"})
    rows = {row["room"]: (row["counts"], row["why"]) for row in badge["rooms"]}
    assert rows == {room: (1, "unread"), muted: (1, "mention"), marked: (1, "mark")}
    assert badge["badge"] == 3


async def test_many_rooms_are_read_at_once_and_those_of_others_passed_over(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    other = await alice.create_group("another", bob)
    foreign = await alice.create_group("without bob")
    for place in (room, other, foreign):
        await alice.send(place, "x")
    asked = [{"room": place, "seq": 99} for place in (room, foreign, other, "gAbCdEfGhIj0")]
    rows = (await bob.request({"type": "reads", "rooms": asked}))["rooms"]
    assert [(row["room"], row["unread"], row["ordinal"]) for row in rows] == [(room, 0, 1), (other, 0, 1)]
    assert (await bob.request({"type": "unread"}))["rooms"] == []


async def test_a_list_that_is_whole_is_equal_and_any_other_is_not(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    await alice.send(room, "x")
    bob, hello = await clients.reconnect(bob)
    rows = hello["sync"]["rooms"]
    assert await equal(bob, rows)
    assert not await equal(bob, [*rows, {**rows[0], "room": "gAbCdEfGhIj0"}])
    assert not await equal(bob, [{**rows[0], "unread": 0}])
    await alice.send(room, "y")
    assert not await equal(bob, rows)


async def equal(client: TestClient, rows: list[Event]) -> bool:
    asked: dict[str, Any] = {"type": "verify", "rooms": len(rows), "digest": inbox_digest(map(listed, rows))}
    return bool((await client.request(asked))["equal"])


def listed(summary: Event) -> ListedRoom:
    values = {name: int(summary.get(name, 1 if name == "first_visible" else 0)) for name in NUMBERS}
    return ListedRoom(room=summary["room"], **values)
