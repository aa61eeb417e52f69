"""protocol.md "SyncPage" and "sync": a phone comes back with one cursor and misses nothing."""

import asyncio
import random
from typing import Any

import pytest

from tests.kit.client import TestClient, fresh_key
from tests.kit.client_socket import encode
from tests.kit.clients import Clients

HELLOS = 1000  # S07


async def test_a_first_sync_is_the_complete_list_with_previews(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    sent = await alice.send(room, "hello")
    _, hello = await clients.reconnect(bob)
    (summary,) = hello["sync"]["rooms"]
    assert hello["sync"]["full"] is True
    assert hello["sync"]["totals"] == {"rooms": 1, "unread": 1, "mentions": 0}
    assert (summary["room"], summary["seq"], summary["time"]) == (room, sent["seq"], sent["time"])
    assert summary["preview"]["body"] == {"text": "hello"}


async def test_nothing_changed_means_an_empty_page(clients: Clients) -> None:
    _, (alice, _) = await clients.in_direct("alice", "bob")
    _, cold = await clients.reconnect(alice)
    _, warm = await clients.reconnect(alice, **_position(cold))
    assert warm["sync"] == {"cursor": warm["sync"]["cursor"], "rooms": []}


async def test_a_warm_hello_brings_only_what_changed_with_its_events(clients: Clients) -> None:
    alice, bob = await clients.connect_all("alice", "bob")
    quiet = await alice.create_group("quiet", bob)
    busy = await alice.create_group("busy", bob)
    _, cold = await clients.reconnect(bob)
    sent = [(await alice.send(busy, f"message {number}"))["seq"] for number in range(3)]
    _, warm = await clients.reconnect(bob, **_position(cold), events=20)
    (summary,) = warm["sync"]["rooms"]
    assert summary["room"] == busy != quiet
    assert [event["seq"] for event in summary["events"]] == sent
    assert "full" not in warm["sync"]
    assert "preview" not in summary


async def test_inline_events_end_at_seq_and_are_the_newest(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    _, cold = await clients.reconnect(bob)
    for number in range(30):
        await alice.send(room, f"message {number}")
    _, warm = await clients.reconnect(bob, **_position(cold), events=10)
    (summary,) = warm["sync"]["rooms"]
    assert [event["seq"] for event in summary["events"]] == list(range(22, 32))


async def test_inline_events_stay_below_48_kib(clients: Clients) -> None:
    alice, bob = await clients.connect_all("alice", "bob")
    rooms = [await alice.create_group(f"room {number}", bob) for number in range(10)]
    _, cold = await clients.reconnect(bob)
    for room in rooms:
        await alice.send(room, "x" * 12_000)
    fresh, warm = await clients.reconnect(bob, **_position(cold), events=50)
    with_events = [summary["room"] for summary in warm["sync"]["rooms"] if "events" in summary]
    assert 1 <= len(with_events) <= 4
    assert with_events == [summary["room"] for summary in warm["sync"]["rooms"]][: len(with_events)]
    assert with_events[0] == rooms[-1]
    assert len(warm["sync"]["rooms"]) == 10
    assert len(fresh.link.frames_received[0]) < 60_000


async def test_a_room_one_left_is_reported_gone(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    _, cold = await clients.reconnect(bob)
    await alice.mutate("members.remove", room, users=["bob"])
    _, warm = await clients.reconnect(bob, **_position(cold))
    assert (warm["sync"]["rooms"], warm["sync"]["gone"]) == ([], [room])


async def test_a_deleted_room_is_reported_gone(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    _, cold = await clients.reconnect(bob)
    await alice.mutate("room.delete", room)
    _, warm = await clients.reconnect(bob, **_position(cold))
    assert (warm["sync"]["rooms"], warm["sync"]["gone"]) == ([], [room])


async def test_changes_without_events_are_found_by_sync(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_touch("alice", "bob")
    sent = (await alice.send(room, "seen?"))["seq"]
    _, cold = await clients.reconnect(alice)
    await bob.read(room, sent)
    fresh, warm = await clients.reconnect(alice, **_position(cold))
    assert [summary["peer_read"] for summary in warm["sync"]["rooms"]] == [sent]
    await fresh.request({"type": "preferences", "room": room, "pinned": True})
    _, later = await clients.reconnect(fresh, **_position(warm))
    assert [summary["pinned"] for summary in later["sync"]["rooms"]] == [True]


async def test_sync_with_a_cursor_is_an_incremental_round_on_a_live_connection(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    fresh, cold = await clients.reconnect(bob)
    sent = (await alice.send(room, "while suspended"))["seq"]
    page = await fresh.request({"type": "sync", "cursor": cold["sync"]["cursor"], "events": 10})
    assert [event["seq"] for event in page["rooms"][0]["events"]] == [sent]
    again = await fresh.request({"type": "sync", "cursor": page["cursor"]})
    assert again["rooms"] == []


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_an_updated_app_gets_the_account_rows_from_before_its_cursor(
    clients: Clients, encoding: str
) -> None:
    """S26"""
    alice = await clients.connect("alice", encoding=encoding)
    await alice.request({"type": "preferences", "presence": False})
    hidden = {"receipts": True, "presence": False}
    old, before = await clients.reconnect(alice)
    assert "sections" not in before["sync"]
    updated, now = await clients.reconnect(old, features=["account"], **_position(before))
    assert now["features"] == ["account"]
    assert [row["value"] for row in now["sync"]["sections"]["account"]] == [hidden]
    assert now["sync"]["full_sections"] == ["account"]
    await updated.request({"type": "preferences", "presence": True})
    push = await updated.receive("account")
    assert [row["value"] for row in push["sections"]["account"]] == [{"receipts": True, "presence": True}]
    _, later = await clients.reconnect(updated, features=["account"], **_position(now))
    assert later["sync"]["sections"] == push["sections"]
    assert "full_sections" not in later["sync"]


async def test_pages_follow_by_more_until_the_cursor_comes(clients: Clients) -> None:
    alice, bob = await clients.connect_all("alice", "bob")
    rooms = [await alice.create_group(f"room {number}", bob) for number in range(25)]
    for room in rooms:
        await alice.send(room, "x")
    await alice.request({"type": "preferences", "room": rooms[3], "pinned": True})
    fresh, hello = await clients.reconnect(alice, rooms=10)
    pages = await _all_pages(fresh, hello["sync"], rooms=10)
    assert [len(page["rooms"]) for page in pages] == [10, 10, 5]
    assert ["cursor" in page for page in pages] == [False, False, True]
    assert ["more" in page for page in pages] == [True, True, False]
    listed = [summary["room"] for page in pages for summary in page["rooms"]]
    assert listed == [rooms[3], *(room for room in reversed(rooms) if room != rooms[3])]
    assert all("preview" in summary for page in pages for summary in page["rooms"])


async def test_what_happens_between_pages_is_not_lost(clients: Clients) -> None:
    alice, bob = await clients.connect_all("alice", "bob")
    rooms = [await alice.create_group(f"room {number}", bob) for number in range(12)]
    fresh, hello = await clients.reconnect(bob, rooms=5)
    sent = [(await alice.send(room, "in between"))["seq"] for room in rooms]
    for room, seq in zip(rooms, sent, strict=True):
        assert (await fresh.next_event(room, "message"))["seq"] == seq
    pages = await _all_pages(fresh, hello["sync"], rooms=5)
    assert {summary["room"] for page in pages for summary in page["rooms"]} == set(rooms)
    _, warm = await clients.reconnect(fresh, epoch=hello["epoch"], cursor=pages[-1]["cursor"])
    assert {summary["room"] for summary in warm["sync"]["rooms"]} == set(rooms)


@pytest.mark.parametrize("more", ["", "garbage", "AAAA", "x" * 64, "é"])
async def test_a_malformed_continuation_is_refused(clients: Clients, more: str) -> None:
    alice = await clients.connect("alice")
    await alice.expect_refusal("bad_cursor", {"type": "sync", "more": more})


async def test_s08_an_old_cursor_still_works(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    _, cold = await clients.reconnect(bob)
    for number in range(100):
        await alice.send(room, f"message {number}")
    for _ in range(3):
        bob, warm = await clients.reconnect(bob, **_position(cold), events=50)
        (summary,) = warm["sync"]["rooms"]
        assert [event["seq"] for event in summary["events"]] == list(range(52, 102))


@pytest.mark.parametrize("epoch", ["zzzz", None], ids=["foreign", "absent"])
async def test_s08_a_cursor_of_another_epoch_brings_the_complete_list(
    clients: Clients, epoch: str | None
) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    _, cold = await clients.reconnect(alice)
    foreign = {"cursor": cold["sync"]["cursor"], **({"epoch": epoch} if epoch else {})}
    _, warm = await clients.reconnect(alice, **foreign)
    assert warm["sync"]["full"] is True
    assert [summary["room"] for summary in warm["sync"]["rooms"]] == [room]


@pytest.mark.parametrize("cursor", ["", "garbage!", "AAAA", "A" * 64])
async def test_s08_a_cursor_nobody_made_brings_the_complete_list(clients: Clients, cursor: str) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    _, cold = await clients.reconnect(alice)
    _, warm = await clients.reconnect(alice, epoch=cold["epoch"], cursor=cursor)
    assert warm["sync"]["full"] is True
    assert [summary["room"] for summary in warm["sync"]["rooms"]] == [room]


@pytest.mark.parametrize("cursor", ["", "garbage!"])
async def test_an_unreadable_cursor_on_a_live_connection_is_refused(clients: Clients, cursor: str) -> None:
    alice = await clients.connect("alice")
    await alice.expect_refusal("bad_cursor", {"type": "sync", "cursor": cursor})


@pytest.mark.settings(limits={"connections_per_user": 1000})
async def test_s07_a_thousand_hellos_during_writes_leave_no_hole(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    stop = asyncio.Event()

    async def writes() -> None:
        while not stop.is_set():
            await alice.send(room, "x")

    writing = [asyncio.create_task(writes()) for _ in range(2)]
    bob, hello = await clients.reconnect(bob)
    applied = hello["sync"]["rooms"][0]["seq"]
    for _ in range(HELLOS // 10):
        arrivals = [_arrives(clients.url, _position(hello), room, applied) for _ in range(10)]
        hello, applied = max(await asyncio.gather(*arrivals), key=lambda result: result[1])
    stop.set()
    await asyncio.gather(*writing)


async def _arrives(url: str, position: dict[str, Any], room: str, applied: int) -> tuple[dict[str, Any], int]:
    """Say hello with a position, wait for the next live event: all that was shown must be contiguous."""
    client = await TestClient.connect(url, "bob")
    hello = await client.say_hello(**position, events=50)
    reached = applied
    for summary in hello["sync"]["rooms"]:
        seqs = [event["seq"] for event in summary["events"]]
        reached = summary["seq"]
        assert seqs == list(range(reached + 1 - len(seqs), reached + 1))
        assert len(seqs) == 50 or seqs[0] <= applied + 1
    await client.collect_until(room, reached + 1)
    pushed = [seq for seq in _pushed(client, room) if seq > reached]
    assert pushed == list(range(reached + 1, reached + 1 + len(pushed)))
    client.cut()
    await client.stop_listening()
    client.check_promises()
    return hello, reached


def _pushed(client: TestClient, room: str) -> list[int]:
    pushes = [push for push in client.heard if push["type"] == "event" and push["room"] == room]
    return [event["seq"] for push in pushes for event in push["events"]]


async def test_s14_the_first_page_of_500_rooms_is_one_small_reply(clients: Clients) -> None:
    alice = await clients.connect("alice")
    await _creates_rooms(alice, 500)
    fresh, hello = await clients.reconnect(alice)
    assert len(hello["sync"]["rooms"]) == 30
    assert hello["sync"]["totals"]["rooms"] == 500
    assert len(fresh.link.frames_received[0]) <= 16_384
    pages = await _all_pages(fresh, hello["sync"])
    rooms = [summary["room"] for page in pages for summary in page["rooms"]]
    assert len(rooms) == len(set(rooms)) == 500
    assert len(pages) == 4


async def _creates_rooms(client: TestClient, count: int) -> None:
    numbers = iter(range(count))
    while batch := [number for _, number in zip(range(50), numbers, strict=False)]:
        create = {"type": "room.create", "kind": "group", "users": []}
        replies = await client.request_all(
            [{**create, "key": fresh_key(), "title": f"room number {number}"} for number in batch]
        )
        rooms = [reply["summary"]["room"] for reply in replies]
        text = {"text": "the last words of this room, of the usual length of a chat message"}
        await client.request_all(
            [{"type": "send", "room": room, "key": fresh_key(), "body": text} for room in rooms]
        )


async def test_reconnecting_at_random_moments_misses_and_doubles_nothing(clients: Clients) -> None:
    """One reader reconnects again and again while others write; its replica must equal the log."""
    room, (alice, carol, bob) = await clients.in_group("alice", "carol", "bob")
    choose = random.Random(7)
    known: dict[int, str] = {}
    position: dict[str, Any] = {}
    for number in range(40):
        bob, hello = await clients.reconnect(bob, **position, events=50)
        position = _position(hello)
        for summary in hello["sync"]["rooms"]:
            known |= {event["seq"]: event["kind"] for event in summary.get("events", [])}
        writers = [choose.choice([alice, carol]).send(room, f"{number}") for _ in range(choose.randint(1, 6))]
        await asyncio.gather(*writers)
        if choose.random() < 0.5:
            await bob.catch_up()
        known |= {
            e["seq"]: e["kind"] for push in bob.heard if push["type"] == "event" for e in push["events"]
        }
        bob.cut()
        await bob.stop_listening()
    bob, hello = await clients.reconnect(bob, **position, events=50)
    for summary in hello["sync"]["rooms"]:
        known |= {event["seq"]: event["kind"] for event in summary["events"]}
    log = await alice.read_log(room, 2)
    assert {seq: kind for seq, kind in known.items() if seq > 1} == {e["seq"]: e["kind"] for e in log}


async def _all_pages(client: TestClient, first: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    pages = [first]
    while "more" in pages[-1]:
        pages.append(await client.request({"type": "sync", "more": pages[-1]["more"], **fields}))
    assert all(len(encode("msgpack", page)) <= 262_144 for page in pages)
    return pages


def _position(hello: dict[str, Any]) -> dict[str, Any]:
    """Return what a client stores of a hello reply for its next hello."""
    return {"epoch": hello["epoch"], "cursor": hello["sync"]["cursor"]}
