"""The entries of a commit, and the positions between them."""

import ast
from dataclasses import replace
from typing import Any

import pytest

from chatd.core import event_feed
from chatd.core.event_feed import (
    WORDS,
    BeginFeed,
    Cause,
    NotePresence,
    Position,
    cursor_of,
    entries_of,
    is_wanted,
    position_of,
)
from chatd.core.friends import Befriend
from chatd.core.read_set import Rules
from chatd.core.write_set import NewEvent
from chatd.protocol.errors import Refused
from chatd.protocol.event_feed import Entry
from chatd.protocol.friends import ContactSet, FriendRequest
from chatd.protocol.members import MembersAdd, RoomLeave
from chatd.protocol.messages import Send, SentBody
from chatd.protocol.read_state import Read
from chatd.protocol.rooms import RoomDelete
from chatd.writer.submission import Submission
from tests.kit.memory_writer import MemoryWriter, group
from tests.kit.sources import sources

PEOPLE = replace(Rules(), people=replace(Rules().people, enabled=True))


def told(writer: MemoryWriter, **options: Any) -> list[tuple[Any, ...]]:
    """The entries of the last batch: type, seq or keys."""
    entries = entries_of(writer.writes, **options)
    return [(one.shown_type, one.seq or one.keys) for one in entries]


def send(room: str, key: str = "key-0001") -> Send:
    return Send(id=1, room=room, key=key, body=SentBody(text="hi"))


def test_events_are_told_in_the_order_of_their_log() -> None:
    room = group(ann="owner", bob="member")
    writer = MemoryWriter(room)
    writer.batch([("ann", send(room.name)), ("bob", send(room.name))])
    assert told(writer) == [("event.message", 2), ("event.message", 3)]


def test_nothing_is_told_of_a_refusal_or_a_duplicate() -> None:
    room = group(ann="owner")
    writer = MemoryWriter(room)
    writer.ask("ann", send(room.name))
    writer.batch([("ann", send(room.name)), ("eve", send(room.name))])
    assert told(writer) == []


def test_members_are_told_of_once_by_the_event_or_where_there_is_none_by_themselves() -> None:
    room = group(ann="owner")
    writer = MemoryWriter(room)
    add = MembersAdd(id=1, room=room.name, key="key-0001", users=["bob", "eve"])
    writer.ask("ann", add)
    assert told(writer) == [("event.joined", 2)]
    large = MemoryWriter(group(ann="owner"), rules=replace(Rules(), large_members=1))
    large.ask("ann", add)
    assert told(large) == [("member", {"users": ["bob", "eve"], "change": "joined"})]
    large.ask("bob", RoomLeave(id=1, room=room.name, key="key-0002"))
    assert told(large) == [("member", {"users": ["bob"], "change": "left"})]


def test_many_members_are_told_in_several_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_feed, "USERS_MAX", 2)
    room = group(ann="owner")
    writer = MemoryWriter(room, rules=replace(Rules(), large_members=1))
    writer.ask("ann", MembersAdd(id=1, room=room.name, key="key-0001", users=["bob", "eve", "kim"]))
    assert [one.keys["users"] for one in entries_of(writer.writes)] == [["bob", "eve"], ["kim"]]


def test_a_deleted_room_is_one_entry() -> None:
    room = group(ann="owner", bob="member", eve="member")
    writer = MemoryWriter(room)
    writer.ask("ann", RoomDelete(id=1, room=room.name, key="key-0001"))
    assert told(writer) == [("room", {"change": "deleted"})]


def test_read_positions_are_told_where_they_are_wanted() -> None:
    room = group(ann="owner", bob="member")
    writer = MemoryWriter(room)
    writer.ask("ann", send(room.name))
    writer.ask("bob", Read(id=1, room=room.name, seq=2))
    assert told(writer) == []
    assert told(writer, reads=True) == [("read", {"user": "bob", "seq": 2})]


def test_friendship_is_told_once_and_requests_when_their_receiver_sees_them() -> None:
    writer = MemoryWriter(rules=PEOPLE)
    writer.ask("bob", FriendRequest(id=1, user="ann"))
    assert told(writer) == [("friend", {"user": "bob", "other": "ann", "change": "requested"})]
    writer.ask("ann", Befriend("bob"))
    assert told(writer) == [("friend", {"user": "ann", "other": "bob", "change": "friends"})]
    writer.ask("bob", ContactSet(id=1, user="ann", blocked=True))
    assert told(writer) == [("friend", {"user": "bob", "other": "ann", "change": "blocked"})]
    writer.ask("bob", ContactSet(id=1, user="ann", remark="Annie"))
    assert told(writer) == []


def test_an_entry_names_the_key_behind_it_and_no_other_does() -> None:
    room = group(ann="owner", bob="member")
    writer = MemoryWriter(room)
    writer.decide([("ann", send(room.name, "key-0001"))])
    cause = Cause("k2", writer.writes)
    reads = writer.gather([])
    writer._one("bob", send(room.name, "key-0002"), reads)
    writer._one("", NotePresence(("ann",), ()), reads)
    cause.note(writer.writes)
    writer._one("ann", send(room.name, "key-0003"), reads)
    assert [(one.type, one.by) for one in entries_of(writer.writes)] == [
        ("message", ""),
        ("message", "k2"),
        ("message", ""),
        ("presence", "k2"),
    ]


def test_a_message_that_no_hook_has_seen_says_so() -> None:
    room = group(ann="owner")
    writer = MemoryWriter(room)
    writer.decide([("ann", send(room.name)), ("ann", send(room.name, "key-0002"))])
    second = writer.writes.steps[room.number][1]
    assert isinstance(second, NewEvent)
    second.origin = Submission("ann", None, marks=("unscreened",))
    assert [tuple(one.marks) for one in entries_of(writer.writes)] == [(), ("unscreened",)]


def test_a_start_and_presence_are_told() -> None:
    writer = MemoryWriter()
    writer.batch([("", BeginFeed()), ("", NotePresence(("ann",), ("bob",)))])
    assert told(writer) == [("presence.reset", {}), ("presence", {"online": ["ann"], "offline": ["bob"]})]


@pytest.mark.parametrize("epoch", ["k7Qd", "a-b_C-1", "-"])
def test_a_cursor_comes_back_as_its_position(epoch: str) -> None:
    position = Position(2**53 - 1, 12)
    assert position_of(cursor_of(epoch, position)) == (epoch, position)
    assert len(cursor_of("x" * 16, Position(2**53 - 1, 2**53 - 1))) <= 64


@pytest.mark.parametrize("text", ["", "1-2", "k-1", "k-1-2\n", "k-٣-1", f"k-{2**53}-0", "k--1-0-0 "])
def test_anything_else_is_no_cursor(text: str) -> None:
    with pytest.raises(Refused, match="cursor"):
        position_of(text)


def test_types_are_named_whole_or_by_their_first_word() -> None:
    assert is_wanted("presence.reset", frozenset())
    assert is_wanted("presence.reset", frozenset({"presence"}))
    assert not is_wanted("presence", frozenset({"presence.reset"}))


def test_the_host_knows_every_type_and_key_that_a_decision_tells() -> None:
    """A key that `Entry` has not would keep every reader from its page."""
    made = [
        call
        for source in sources("chatd")
        for call in ast.walk(ast.parse(source.text))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "StoredEntry"
    ]
    types = {call.args[0].value for call in made if call.args and isinstance(call.args[0], ast.Constant)}
    keys = {
        key.value
        for call in made
        for keyword in call.keywords
        if keyword.arg == "keys" and isinstance(keyword.value, ast.Dict)
        for key in keyword.value.keys
        if isinstance(key, ast.Constant)
    }
    assert {"room", "account", "presence.reset"} <= types
    assert {str(one).partition(".")[0] for one in types} <= WORDS
    assert {"users", "change"} <= keys <= set(Entry.__struct_fields__)
