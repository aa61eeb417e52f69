"""Delete and clear: what a user takes out of their own view, and what others still see."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from chatd.core.clearing import united
from chatd.core.own_view import View, saw_from, view_of
from chatd.core.room import Room
from chatd.core.room_summary import receipt_of, summary_of
from chatd.protocol.errors import Refused
from chatd.protocol.groups import Newcomers
from chatd.protocol.inbox import Clear, Delete
from chatd.protocol.limits import DELETED_RANGES_MAX
from chatd.protocol.members import MembersAdd, RoomLeave
from chatd.protocol.messages import Send, SentBody
from chatd.protocol.read_state import Read
from tests.kit.group_requests import rules
from tests.kit.inprocess import new_key
from tests.kit.memory_writer import MemoryWriter, direct, group

numbers = st.integers(1, 60)


def say(writer: MemoryWriter, room: Room, count: int, user: str = "ann") -> None:
    for _ in range(count):
        writer.ask(user, Send(room=room.name, key=new_key(), body=SentBody(text="x", mentions=["bob"])))


@pytest.fixture
def room() -> Room:
    return group(ann="owner", bob="member")


@pytest.fixture
def writer(room: Room) -> MemoryWriter:
    """Return one with messages 2 to 11, of which bob has read all but two."""
    writer = MemoryWriter(room)
    say(writer, room, 10)
    writer.ask("bob", Read(room=room.name, seq=9))
    return writer


@given(st.lists(st.tuples(numbers, numbers).map(lambda two: (min(two), max(two)))), numbers)
def test_united_ranges_have_the_same_numbers(ranges: list[tuple[int, int]], first: int) -> None:
    found = united(ranges, first)
    assert {seq for seq in range(1, 62) if View(1, found).has_deleted(seq)} == {
        seq for low, high in ranges for seq in range(low, high + 1) if seq >= first
    }
    assert all(one[1] + 1 < other[0] for one, other in pairwise(found))


def test_what_was_deleted_is_in_the_own_summary_alone(writer: MemoryWriter, room: Room) -> None:
    before = summary_of(room, room.members["ann"], "members")
    writer.ask("bob", Delete(room=room.name, ranges=[(4, 5), (2, 2)]))
    writer.ask("bob", Delete(room=room.name, ranges=[(3, 3)]))
    summary = summary_of(room, room.members["bob"], "members")
    assert ([*map(tuple, summary.deleted or ())], summary.unread, summary.first_visible) == ([(2, 5)], 2, 1)
    assert summary_of(room, room.members["ann"], "members") == before
    assert writer.writes.refreshed == {(room.number, "bob"): room}
    assert room.seq == 11
    writer.ask("bob", Delete(room=room.name, ranges=[(3, 4)]))
    assert writer.writes.empty


@pytest.mark.parametrize("ranges", [[(2, 3), (9, 10)], [(5, 4)]])
def test_only_what_was_read_is_deleted(
    writer: MemoryWriter, room: Room, ranges: list[tuple[int, int]]
) -> None:
    with pytest.raises(Refused) as refusal:
        writer.ask("bob", Delete(room=room.name, ranges=ranges))
    assert (refusal.value.code, refusal.value.field) == ("bad_request", f"ranges[{len(ranges) - 1}]")
    assert writer.writes.empty


def test_beyond_a_number_of_ranges_there_is_clear(writer: MemoryWriter, room: Room) -> None:
    say(writer, room, 2 * DELETED_RANGES_MAX)
    writer.ask("bob", Read(room=room.name, seq=room.seq))
    odd = [(seq, seq) for seq in range(3, 2 * DELETED_RANGES_MAX + 3, 2)]
    writer.ask("bob", Delete(room=room.name, ranges=odd))
    with pytest.raises(Refused, match="too_large"):
        writer.ask("bob", Delete(room=room.name, ranges=[(room.seq, room.seq)]))
    # One that joins two others makes them fewer.
    writer.ask("bob", Delete(room=room.name, ranges=[(4, 4)]))
    writer.ask("bob", Clear(room=room.name, seq=20))
    assert view_of(room.members["bob"]) == View(21, [one for one in odd if one[0] > 20])


def test_clear_takes_everything_and_reads_it(writer: MemoryWriter, room: Room) -> None:
    writer.ask("bob", Delete(room=room.name, ranges=[(2, 3), (9, 9)]))
    writer.ask("bob", Clear(room=room.name, seq=8))
    summary = summary_of(room, room.members["bob"], "members")
    assert (summary.first_visible, summary.read, summary.unread) == (9, 9, 2)
    assert view_of(room.members["bob"]).deleted == [(9, 9)]
    writer.ask("bob", Clear(room=room.name, seq=1 << 50))
    summary = summary_of(room, room.members["bob"], "members")
    assert (summary.first_visible, summary.read, summary.unread, summary.unread_mentions) == (12, 11, 0, 0)
    assert (summary.deleted, room.seq) == (UNSET, 11)
    writer.ask("bob", Clear(room=room.name, seq=5))
    assert writer.writes.empty


def test_others_see_the_same_marks_of_who_cleared() -> None:
    room = direct("ann", "bob")
    writer = MemoryWriter(room)
    say(writer, room, 3)
    say(writer, room, 1, "bob")
    writer.ask("bob", Read(room=room.name, seq=room.seq))
    before = summary_of(room, room.members["ann"], "members"), receipt_of(room.members["bob"])
    writer.ask("bob", Clear(room=room.name, seq=room.seq))
    assert (summary_of(room, room.members["ann"], "members"), receipt_of(room.members["bob"])) == before
    assert before[0].peer_read == room.seq


def test_who_comes_back_has_read_nothing_of_what_was_before(writer: MemoryWriter, room: Room) -> None:
    writer.ask("bob", Clear(room=room.name, seq=11))
    writer.ask("bob", RoomLeave(room=room.name, key=new_key()))
    writer.ask("ann", MembersAdd(room=room.name, key=new_key(), users=["bob"]))
    assert receipt_of(room.members["bob"]).read is UNSET


def test_who_comes_back_sees_nothing_that_they_cleared_or_deleted(writer: MemoryWriter, room: Room) -> None:
    writer.ask("ann", rules(room, history="all"))
    say(writer, room, 3)
    writer.ask("bob", Read(room=room.name, seq=room.seq))
    writer.ask("bob", Delete(room=room.name, ranges=[(13, 13)]))
    writer.ask("bob", Clear(room=room.name, seq=11))
    for _ in range(2):
        writer.ask("bob", RoomLeave(room=room.name, key=new_key()))
        writer.ask("ann", MembersAdd(room=room.name, key=new_key(), users=["bob"]))
        bob = room.members["bob"]
        assert ([seq for seq in range(1, 15) if view_of(bob).shows(seq)], saw_from(bob)) == ([12, 14], 1)


def test_nothing_comes_back_when_what_newcomers_see_changed_between_two_memberships(
    writer: MemoryWriter, room: Room
) -> None:
    def come_back(history: Newcomers) -> list[int]:
        writer.ask("bob", RoomLeave(room=room.name, key=new_key()))
        writer.ask("ann", rules(room, history=history))
        writer.ask("ann", MembersAdd(room=room.name, key=new_key(), users=["bob"]))
        return [seq for seq in range(1, 12) if view_of(room.members["bob"]).shows(seq)]

    writer.ask("bob", Delete(room=room.name, ranges=[(7, 8)]))
    writer.ask("bob", Clear(room=room.name, seq=5))
    assert come_back("none") == []
    assert saw_from(room.members["bob"]) == room.members["bob"].first_visible
    say(writer, room, 1)
    writer.ask("bob", Read(room=room.name, seq=room.seq))
    # They see only the last one of these.
    writer.ask("bob", Delete(room=room.name, ranges=[(9, 9), (room.seq, room.seq)]))
    deleted = room.seq
    assert come_back("all") == [6, 9, 10, 11]
    bob = room.members["bob"]
    assert (saw_from(bob), view_of(bob).shows(deleted)) == (1, False)


def test_ranges_of_messages_that_are_gone_leave_room_for_others(writer: MemoryWriter, room: Room) -> None:
    say(writer, room, 2 * DELETED_RANGES_MAX)
    writer.ask("bob", Read(room=room.name, seq=room.seq))
    ranges = [(seq, seq) for seq in range(2, 2 * DELETED_RANGES_MAX + 2, 2)]
    writer.ask("bob", Delete(room=room.name, ranges=ranges))
    room.purged = 7
    last = (room.seq, room.seq)
    writer.ask("bob", Delete(room=room.name, ranges=[last]))
    assert [*map(tuple, view_of(room.members["bob"]).deleted)] == [*ranges[3:], last]
