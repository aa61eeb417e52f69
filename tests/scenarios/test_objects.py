"""protocol.md "Objects": events, bodies, summaries, and how operations change messages."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.kit.client import TestClient, fresh_key
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon
from tests.kit.replica import Replica

FULL_BODY: dict[str, Any] = {
    "text": "everything at once 👋",
    "attachments": [
        {
            "url": "https://example.org/cat.jpg",
            "mime": "image/jpeg",
            "name": "cat.jpg",
            "size": 70_000,
            "width": 640,
            "height": 480,
            "preview": "L6PZfSi_.AyE",
        },
        {"url": "voice/1", "mime": "audio/ogg", "duration": 2_500},
    ],
    "reply_to": 1,
    "thread": 1,
    "mentions": ["bob"],
    "data": {"nested": [1, 2.5, -3, True, "ü", {"empty": {}}], "bytes": b"\x00\xff"},
}

WRONG_BODIES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "only mentions": {"mentions": ["bob"]},
    "only a reply": {"reply_to": 1},
    "no attachment": {"attachments": []},
    "attachment with an empty address": {"attachments": [{"url": "", "mime": "m"}]},
    "an empty text and nothing else": {"text": "", "attachments": [], "mentions": ["bob"], "reply_to": 1},
    "attachment without mime": {"attachments": [{"url": "u"}]},
    "text as number": {"text": 7},
    "mention of no name": {"text": "x", "mentions": ["a b"]},
}

OVERLONG_BODIES: dict[str, dict[str, Any]] = {
    "11 attachments": {"attachments": [{"url": "u", "mime": "m"}] * 11},
    "preview above 1 KiB": {"attachments": [{"url": "u", "mime": "m", "preview": "x" * 1025}]},
    "51 mentions": {"text": "x", "mentions": [f"user{number}" for number in range(51)]},
}


async def test_a_body_travels_as_it_was_sent(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    await alice.mutate("send", room, body=FULL_BODY)
    live = await bob.next_event(room)
    assert live["body"] == FULL_BODY
    assert (await bob.read_log(room))[-1] == live


@pytest.mark.parametrize("body", WRONG_BODIES.values(), ids=WRONG_BODIES)
async def test_a_body_of_a_wrong_form_is_refused(clients: Clients, body: dict[str, Any]) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    await alice.expect_refusal(
        "bad_request", {"type": "send", "room": room, "key": fresh_key(), "body": body}
    )
    await bob.expect_silence()


@pytest.mark.parametrize("body", OVERLONG_BODIES.values(), ids=OVERLONG_BODIES)
async def test_a_body_with_too_many_parts_is_refused(clients: Clients, body: dict[str, Any]) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    await alice.expect_refusal("too_large", {"type": "send", "room": room, "key": fresh_key(), "body": body})
    await bob.expect_silence()


async def test_the_first_event_of_a_room_is_created(clients: Clients) -> None:
    room, (alice, bob, carol) = await clients.in_group("alice", "bob", "carol")
    (first,) = await bob.read_log(room)
    assert (first["seq"], first["kind"], first["user"]) == (1, "created", "alice")
    assert sorted(first["users"]) == ["alice", "bob", "carol"]
    assert await alice.read_log(room) == await carol.read_log(room) == [first]


async def test_a_message_is_always_served_in_its_current_state(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    sent = (await alice.send(room, "teh"))["seq"]
    edit = await alice.edit(room, sent, "the")
    await bob.react(room, sent, "👍")
    await alice.react(room, sent, "👍")
    pinned = await bob.pin(room, sent)
    message = next(event for event in await bob.read_log(room) if event["seq"] == sent)
    assert message["body"] == {"text": "the"}
    assert message["edited"] == edit["time"]
    assert message["changed"] == pinned["seq"]
    assert message["reactions"] == [{"emoji": "👍", "count": 2}]
    assert message["pinned"] is True


async def test_own_reactions_come_with_every_reply_and_no_push(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    sent = (await alice.send(room, "vote"))["seq"]
    await bob.react(room, sent, "👍")
    await bob.react(room, sent, "❤️")
    await alice.react(room, sent, "👍")
    seen_by_bob = await _all_views(bob, room, sent)
    seen_by_alice = await _all_views(alice, room, sent)
    assert [sorted(view["mine"]) for view in seen_by_bob] == [["❤️", "👍"]] * 4
    assert [view["mine"] for view in seen_by_alice] == [["👍"]] * 4
    bob, hello = await clients.reconnect(bob, events=20)
    (summary,) = hello["sync"]["rooms"]
    inlined = next(event for event in summary["events"] if event["seq"] == sent)
    assert sorted(inlined["mine"]) == ["❤️", "👍"]
    await bob.react(room, sent, "👍", to=False)
    assert (await _all_views(bob, room, sent))[0]["mine"] == ["❤️"]


async def _all_views(client: TestClient, room: str, seq: int) -> list[dict[str, Any]]:
    """A changed message as `log`, `history`, `changes` and `messages` show it."""
    requests: list[dict[str, Any]] = [
        {"type": "log", "room": room, "from": seq, "to": seq},
        {"type": "history", "room": room, "around": seq},
        {"type": "changes", "room": room, "low": seq, "high": seq, "since": 0},
        {"type": "messages", "room": room, "seqs": [seq]},
    ]
    replies = [await client.request(request) for request in requests]
    return [next(event for event in reply["events"] if event["seq"] == seq) for reply in replies]


async def test_s10_replaying_the_log_twice_ends_in_the_current_state(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    sent = [(await alice.send(room, f"message {number}"))["seq"] for number in range(5)]
    await alice.edit(room, sent[0], "first edit")
    await alice.edit(room, sent[0], "second edit")
    for emoji, to in (("👍", True), ("❤️", True), ("👍", False), ("👍", True)):
        await bob.react(room, sent[1], emoji, to=to)
    await alice.edit(room, sent[2], "soon gone")
    await alice.recall(room, sent[2])
    await bob.pin(room, sent[3])
    await bob.pin(room, sent[3], to=False)
    await bob.pin(room, sent[4])

    log = await bob.read_log(room)
    once, twice, live = Replica(), Replica(), Replica()
    once.apply_all(log)
    twice.apply_all(log + log)
    live.apply_all(await bob.request_history(room))
    twice.apply_all(log[-4:])
    assert once.messages == twice.messages == live.messages


async def test_live_operations_and_the_log_end_in_the_same_state(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    sent = (await alice.send(room, "draft"))["seq"]
    await alice.edit(room, sent, "fair copy")
    await alice.react(room, sent, "👍")
    last = (await alice.pin(room, sent))["seq"]
    live, fetched = Replica(), Replica()
    live.apply_all(await bob.collect_until(room, last))
    fetched.apply_all(await bob.read_log(room))
    assert live.messages == fetched.messages


async def test_s11_recalled_text_never_leaves_the_server_again(
    daemon: RunningDaemon, clients: Clients
) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    bob, before = await clients.reconnect(bob)
    sent = (await alice.send(room, "the nightingale sings"))["seq"]
    await alice.edit(room, sent, "the nightingale flies")
    await alice.recall(room, sent)

    views = await _all_views(bob, room, sent)
    assert all("body" not in view and view["recalled"] is True for view in views)
    (edit,) = [event for event in await bob.read_log(room) if event["kind"] == "edit"]
    assert "body" not in edit
    fresh, _ = await clients.reconnect(bob, epoch=before["epoch"], cursor=before["sync"]["cursor"], events=50)
    _, cold = await clients.reconnect(fresh, previews=True, events=50)
    assert "nightingale" not in repr([*fresh.heard, cold])
    assert "nightingale" not in everything_stored(daemon.database)


async def test_s11_after_a_clean_stop_no_byte_of_recalled_text_is_on_disk(
    daemon: RunningDaemon, clients: Clients
) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    sent = [(await alice.send(room, f"the nightingale sings {number}"))["seq"] for number in range(20)]
    await alice.edit(room, sent[0], "the nightingale flies")
    for seq in sent:
        await alice.recall(room, seq)
    await daemon.stop()
    files = [path for path in daemon.database.parent.iterdir() if path.is_file()]
    assert daemon.database in files
    assert [path.name for path in files if b"nightingale" in path.read_bytes()] == []


def everything_stored(database: Path) -> str:
    """Every value of every table."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        rows = [connection.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in tables]
    finally:
        connection.close()
    return repr(rows)


async def test_an_edit_of_what_a_newcomer_cannot_see_has_no_body(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    old = (await alice.send(room, "before carol"))["seq"]
    carol = await clients.connect("carol")
    joined = (await alice.mutate("members.add", room, users=["carol"]))["seq"]
    await carol.forget()
    edit = (await alice.edit(room, old, "still before carol"))["seq"]
    assert (await bob.next_event(room, "edit"))["body"] == {"text": "still before carol"}
    assert (await carol.wait_for_head(room, edit))["seq"] == edit
    assert [event["seq"] for event in await carol.read_log(room, joined)] == [joined, edit]
    assert "body" not in (await carol.read_log(room, edit))[0]
    assert "before carol" not in repr(carol.heard)


async def test_a_newcomer_who_writes_meanwhile_is_told_no_old_text(clients: Clients) -> None:
    """Its own message may be committed together with the edit: the acknowledgement is no way around the rule."""
    room, (alice, _) = await clients.in_group("alice", "bob")
    old = (await alice.send(room, "secret"))["seq"]
    carol = await clients.connect("carol")
    await alice.mutate("members.add", room, users=["carol"])
    for number in range(30):
        await asyncio.gather(carol.send(room, "hello"), alice.edit(room, old, f"secret {number}"))
    await carol.catch_up()
    assert "secret" not in repr(carol.heard)


async def test_composed_at_is_kept_when_it_differs_by_more_than_a_minute(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    now = (await alice.request({"type": "ping"}))["time"]
    await alice.send(room, "in the tunnel", composed_at=now - 3_600_000)
    assert (await bob.next_event(room))["composed_at"] == now - 3_600_000
    await alice.send(room, "just now", composed_at=now - 5_000)
    assert "composed_at" not in await bob.next_event(room)


async def test_the_summary_of_a_direct_room_names_the_peer(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_touch("alice", "bob")
    sent = (await alice.send(room, "hello?"))["seq"]
    await bob.read(room, sent)
    summary = await alice.get_room(room)
    assert summary["peer"] == "bob"
    assert summary["peer_read"] == sent
    assert (await bob.get_room(room))["peer"] == "alice"
    assert not {"title", "members", "role"} & summary.keys()


async def test_the_summary_of_a_group_shows_title_members_and_role(clients: Clients) -> None:
    alice, bob = await clients.connect_all("alice", "bob")
    fields = {"avatar": "https://example.org/tea.png", "public": True, "data": {"colour": "green"}}
    room = await alice.create_group("tea", bob, **fields)
    summary = await alice.get_room(room)
    assert (summary["title"], summary["members"], summary["role"]) == ("tea", 2, "owner")
    assert {name: summary[name] for name in fields} == fields
    assert "role" not in await bob.get_room(room)
    assert "peer" not in summary
