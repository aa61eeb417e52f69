"""protocol.md, Objects: events, bodies, summaries, and how operations change messages."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.kit.company import Company
from tests.kit.daemon import RunningDaemon
from tests.kit.phone import Phone, fresh_key
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


async def test_a_body_travels_as_it_was_sent(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    await alice.does("send", room, body=FULL_BODY)
    live = await bob.hears(room)
    assert live["body"] == FULL_BODY
    assert (await bob.logs(room))[-1] == live


@pytest.mark.parametrize("body", WRONG_BODIES.values(), ids=WRONG_BODIES)
async def test_a_body_of_a_wrong_form_is_refused(people: Company, body: dict[str, Any]) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    await alice.is_refused("bad_request", {"type": "send", "room": room, "key": fresh_key(), "body": body})
    await bob.is_silent()


@pytest.mark.parametrize("body", OVERLONG_BODIES.values(), ids=OVERLONG_BODIES)
async def test_a_body_with_too_many_parts_is_refused(people: Company, body: dict[str, Any]) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    await alice.is_refused("too_large", {"type": "send", "room": room, "key": fresh_key(), "body": body})
    await bob.is_silent()


async def test_the_first_event_of_a_room_is_created(people: Company) -> None:
    room, (alice, bob, carol) = await people.in_group("alice", "bob", "carol")
    (first,) = await bob.logs(room)
    assert (first["seq"], first["kind"], first["user"]) == (1, "created", "alice")
    assert sorted(first["users"]) == ["alice", "bob", "carol"]
    assert await alice.logs(room) == await carol.logs(room) == [first]


async def test_a_message_is_always_served_in_its_current_state(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    sent = (await alice.sends(room, "teh"))["seq"]
    edit = await alice.edits(room, sent, "the")
    await bob.reacts(room, sent, "👍")
    await alice.reacts(room, sent, "👍")
    pinned = await bob.pins(room, sent)
    message = next(event for event in await bob.logs(room) if event["seq"] == sent)
    assert message["body"] == {"text": "the"}
    assert message["edited"] == edit["time"]
    assert message["changed"] == pinned["seq"]
    assert message["reactions"] == [{"emoji": "👍", "count": 2}]
    assert message["pinned"] is True


async def test_own_reactions_come_with_every_reply_and_no_push(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    sent = (await alice.sends(room, "vote"))["seq"]
    await bob.reacts(room, sent, "👍")
    await bob.reacts(room, sent, "❤️")
    await alice.reacts(room, sent, "👍")
    seen_by_bob = await _all_views(bob, room, sent)
    seen_by_alice = await _all_views(alice, room, sent)
    assert [sorted(view["mine"]) for view in seen_by_bob] == [["❤️", "👍"]] * 4
    assert [view["mine"] for view in seen_by_alice] == [["👍"]] * 4
    bob, hello = await people.again(bob, events=20)
    (summary,) = hello["sync"]["rooms"]
    inlined = next(event for event in summary["events"] if event["seq"] == sent)
    assert sorted(inlined["mine"]) == ["❤️", "👍"]
    await bob.reacts(room, sent, "👍", to=False)
    assert (await _all_views(bob, room, sent))[0]["mine"] == ["❤️"]


async def _all_views(phone: Phone, room: str, seq: int) -> list[dict[str, Any]]:
    """A changed message as `log`, `history`, `changes` and `messages` show it."""
    requests: list[dict[str, Any]] = [
        {"type": "log", "room": room, "from": seq, "to": seq},
        {"type": "history", "room": room, "around": seq},
        {"type": "changes", "room": room, "low": seq, "high": seq, "since": 0},
        {"type": "messages", "room": room, "seqs": [seq]},
    ]
    replies = [await phone.asks(request) for request in requests]
    return [next(event for event in reply["events"] if event["seq"] == seq) for reply in replies]


async def test_s10_replaying_the_log_twice_ends_in_the_current_state(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    sent = [(await alice.sends(room, f"message {number}"))["seq"] for number in range(5)]
    await alice.edits(room, sent[0], "first edit")
    await alice.edits(room, sent[0], "second edit")
    for emoji, to in (("👍", True), ("❤️", True), ("👍", False), ("👍", True)):
        await bob.reacts(room, sent[1], emoji, to=to)
    await alice.edits(room, sent[2], "soon gone")
    await alice.recalls(room, sent[2])
    await bob.pins(room, sent[3])
    await bob.pins(room, sent[3], to=False)
    await bob.pins(room, sent[4])

    log = await bob.logs(room)
    once, twice, live = Replica(), Replica(), Replica()
    once.apply_all(log)
    twice.apply_all(log + log)
    live.apply_all(await bob.asks_history(room))
    twice.apply_all(log[-4:])
    assert once.messages == twice.messages == live.messages


async def test_live_operations_and_the_log_end_in_the_same_state(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    sent = (await alice.sends(room, "draft"))["seq"]
    await alice.edits(room, sent, "fair copy")
    await alice.reacts(room, sent, "👍")
    last = (await alice.pins(room, sent))["seq"]
    live, fetched = Replica(), Replica()
    live.apply_all(await bob.collects_until(room, last))
    fetched.apply_all(await bob.logs(room))
    assert live.messages == fetched.messages


async def test_s11_recalled_text_never_leaves_the_server_again(
    daemon: RunningDaemon, people: Company
) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    bob, before = await people.again(bob)
    sent = (await alice.sends(room, "the nightingale sings"))["seq"]
    await alice.edits(room, sent, "the nightingale flies")
    await alice.recalls(room, sent)

    views = await _all_views(bob, room, sent)
    assert all("body" not in view and view["recalled"] is True for view in views)
    (edit,) = [event for event in await bob.logs(room) if event["kind"] == "edit"]
    assert "body" not in edit
    fresh, _ = await people.again(bob, epoch=before["epoch"], cursor=before["sync"]["cursor"], events=50)
    _, cold = await people.again(fresh, previews=True, events=50)
    assert "nightingale" not in repr([*fresh.heard, cold])
    assert "nightingale" not in everything_stored(daemon.database)


async def test_s11_after_a_clean_stop_no_byte_of_recalled_text_is_on_disk(
    daemon: RunningDaemon, people: Company
) -> None:
    room, (alice, _) = await people.in_direct("alice", "bob")
    sent = [(await alice.sends(room, f"the nightingale sings {number}"))["seq"] for number in range(20)]
    await alice.edits(room, sent[0], "the nightingale flies")
    for seq in sent:
        await alice.recalls(room, seq)
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


async def test_an_edit_of_what_a_newcomer_cannot_see_has_no_body(people: Company) -> None:
    room, (alice, bob) = await people.in_group("alice", "bob")
    old = (await alice.sends(room, "before carol"))["seq"]
    carol = await people.meets("carol")
    joined = (await alice.does("members.add", room, users=["carol"]))["seq"]
    await carol.forgets()
    edit = (await alice.edits(room, old, "still before carol"))["seq"]
    assert (await bob.hears(room, "edit"))["body"] == {"text": "still before carol"}
    assert (await carol.hears_of(room, edit))["seq"] == edit
    assert [event["seq"] for event in await carol.logs(room, joined)] == [joined, edit]
    assert "body" not in (await carol.logs(room, edit))[0]
    assert "before carol" not in repr(carol.heard)


async def test_a_newcomer_who_writes_meanwhile_is_told_no_old_text(people: Company) -> None:
    """Its own message may be committed together with the edit: the acknowledgement is no way around the rule."""
    room, (alice, _) = await people.in_group("alice", "bob")
    old = (await alice.sends(room, "secret"))["seq"]
    carol = await people.meets("carol")
    await alice.does("members.add", room, users=["carol"])
    for number in range(30):
        await asyncio.gather(carol.sends(room, "hello"), alice.edits(room, old, f"secret {number}"))
    await carol.catches_up()
    assert "secret" not in repr(carol.heard)


async def test_composed_at_is_kept_when_it_differs_by_more_than_a_minute(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    now = (await alice.asks({"type": "ping"}))["time"]
    await alice.sends(room, "in the tunnel", composed_at=now - 3_600_000)
    assert (await bob.hears(room))["composed_at"] == now - 3_600_000
    await alice.sends(room, "just now", composed_at=now - 5_000)
    assert "composed_at" not in await bob.hears(room)


async def test_the_summary_of_a_direct_room_names_the_peer(people: Company) -> None:
    room, (alice, bob) = await people.in_touch("alice", "bob")
    sent = (await alice.sends(room, "hello?"))["seq"]
    await bob.reads(room, sent)
    summary = await alice.gets(room)
    assert summary["peer"] == "bob"
    assert summary["peer_read"] == sent
    assert (await bob.gets(room))["peer"] == "alice"
    assert not {"title", "members", "role"} & summary.keys()


async def test_the_summary_of_a_group_shows_title_members_and_role(people: Company) -> None:
    alice, bob = await people.meet("alice", "bob")
    fields = {"avatar": "https://example.org/tea.png", "public": True, "data": {"colour": "green"}}
    room = await alice.creates_group("tea", bob, **fields)
    summary = await alice.gets(room)
    assert (summary["title"], summary["members"], summary["role"]) == ("tea", 2, "owner")
    assert {name: summary[name] for name in fields} == fields
    assert "role" not in await bob.gets(room)
    assert "peer" not in summary
