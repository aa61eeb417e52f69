"""Drafts: what a user types, on all their devices."""

from typing import Any

import pytest
from msgspec import UNSET

from chatd.core.drafts import draft_of
from chatd.core.room import Room
from chatd.core.sections import DRAFTS, ChangedRow
from chatd.protocol.drafts import Draft, DraftBody
from chatd.protocol.errors import Refused
from chatd.protocol.limits import DRAFTS_MAX
from chatd.protocol.members import RoomLeave
from chatd.protocol.messages import Send, SentBody
from tests.kit.memory_writer import MemoryWriter, group


@pytest.fixture
def room() -> Room:
    return group(ann="owner", bob="member")


@pytest.fixture
def writer(room: Room) -> MemoryWriter:
    return MemoryWriter(room)


def draft(room: Room, text: str = "", key: str = "key-of-draft", **fields: Any) -> Draft:
    body = DraftBody(text=text, **fields) if text or fields else None
    return Draft(room=room.name, key=key, **({"body": body} if body else {}))


def drafts_of(writer: MemoryWriter, user: str) -> dict[str, tuple[str, object]]:
    rows = [row for (of, section, _), row in writer.rows.items() if (of, section) == (user, DRAFTS)]
    found = {row.name: draft_of(row.value) for row in rows if row.value is not None}
    return {name: (row.key, row.body.text) for name, row in found.items()}


def test_what_is_typed_last_is_kept_and_costs_no_event(writer: MemoryWriter, room: Room) -> None:
    writer.ask("bob", draft(room, "Hell"))
    reply = writer.ask("bob", draft(room, "Hello", key="another-key", reply_to=1))
    assert reply.stamp == writer.writes.stamp
    assert drafts_of(writer, "bob") == {room.name: ("another-key", "Hello")}
    assert (drafts_of(writer, "ann"), room.seq, writer.writes.refreshed) == ({}, 1, {})


@pytest.mark.parametrize("body", [None, DraftBody(), DraftBody(text="", mentions=["ann"])])
def test_nothing_typed_drops_it(writer: MemoryWriter, room: Room, body: DraftBody | None) -> None:
    asked = Draft(room=room.name, key="key-of-draft", **({} if body is None else {"body": body}))
    writer.ask("bob", draft(room, "Hello"))
    writer.ask("bob", asked)
    assert writer.writes.records_of(ChangedRow) == [ChangedRow("bob", DRAFTS, room.name, None)]
    # The stamp would be that of another commit.
    assert not isinstance(writer.ask("bob", asked).stamp, int)
    assert writer.writes.empty


def test_a_draft_in_a_room_that_one_left_can_be_dropped_and_not_changed(
    writer: MemoryWriter, room: Room
) -> None:
    writer.ask("bob", draft(room, "Hello"))
    writer.ask("bob", RoomLeave(room=room.name, key="key-of-leave"))
    for asked in (draft(room, "Bye"), draft(room)):
        if asked.body is UNSET:
            assert writer.ask("bob", asked).stamp == writer.writes.stamp
        with pytest.raises(Refused) as refused:
            writer.ask("bob", asked)
        assert refused.value.code == "not_member"
    assert drafts_of(writer, "bob") == {}


def test_a_draft_is_over_when_its_message_was_sent(writer: MemoryWriter, room: Room) -> None:
    sent = Send(room=room.name, key="key-of-draft", body=SentBody(text="Hello"))
    writer.ask("bob", draft(room, "Hell"))
    writer.batch([("bob", sent), ("bob", draft(room, "Hello"))])
    assert drafts_of(writer, "bob") == {}
    # It comes from a phone that has not heard of the message.
    writer.ask("bob", draft(room, "Hello"))
    assert writer.writes.empty
    writer.ask("ann", draft(room, "mine"))
    assert drafts_of(writer, "ann") == {room.name: ("key-of-draft", "mine")}


def test_beyond_the_bound_the_oldest_gives_way() -> None:
    rooms = [group(number, bob="owner") for number in range(1, DRAFTS_MAX + 3)]
    writer = MemoryWriter(*rooms)
    for room in rooms[:DRAFTS_MAX]:
        writer.now += 1
        writer.ask("bob", draft(room, "x"))
    writer.ask("bob", draft(rooms[0], "again"))
    assert len(drafts_of(writer, "bob")) == DRAFTS_MAX
    writer.now += 1
    writer.batch([("bob", draft(room, "x")) for room in rooms[DRAFTS_MAX:]])
    assert drafts_of(writer, "bob").keys() == {room.name for room in rooms} - {rooms[1].name, rooms[2].name}


def test_a_draft_is_of_a_member_and_short(writer: MemoryWriter, room: Room) -> None:
    for user, text, refusal in (("eve", "x", "not_found"), ("bob", "x" * 2048, "too_large")):
        with pytest.raises(Refused, match=refusal):
            writer.ask(user, draft(room, text))
    assert writer.writes.empty
