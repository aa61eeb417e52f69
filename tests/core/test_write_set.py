from copy import deepcopy

from chatd.core.room import MEMBER_IMAGED, ROOM_IMAGED, Member, Room
from chatd.core.room_steps import MemberJoined, MemberLeft
from chatd.core.write_set import NewEvent, WriteSet
from chatd.protocol.codec import decode_event
from chatd.protocol.messages import Body, Event
from tests.kit.memory_writer import group


def message(user="ann"):
    return Event(seq=0, kind="message", user=user, body=Body(text="x"))


def test_an_event_gets_the_next_number_and_the_time_of_the_batch():
    room, writes = group(ann="owner"), WriteSet(now=777, stamp=1)
    first, second = writes.append(room, message()), writes.append(room, message())
    assert [(event.seq, event.time) for event in (first, second)] == [(2, 777), (3, 777)]
    assert [decode_event(step.blob).seq for step in writes.steps[room.number]] == [2, 3]


def test_only_the_first_event_of_a_request_stands_for_its_acknowledgement():
    room, writes = group(ann="owner"), WriteSet(now=1, stamp=1)
    writes.origin = asked = object()
    writes.append(room, message())
    writes.append(room, message())
    assert [step.origin for step in writes.steps[room.number]] == [asked, None]


def test_steps_of_a_room_keep_their_order():
    room, writes = group(ann="owner"), WriteSet(now=1, stamp=1)
    writes.append(room, message())
    writes.add_member(room, Member("bob", "member", 1, 3, 2, 0))
    writes.append(room, message())
    writes.remove_member(room, "bob", "left")
    kinds = [type(step) for step in writes.steps[room.number]]
    assert kinds == [NewEvent, MemberJoined, NewEvent, MemberLeft]


def test_a_work_is_empty_until_something_has_to_be_stored():
    room, writes = group(ann="owner"), WriteSet(now=1, stamp=1)
    assert writes.empty
    writes.touch_member(room, "ann")
    assert not writes.empty


def test_a_record_is_something_to_store_and_is_published_before_the_next_batch_is_decided():
    writes = WriteSet(now=1, stamp=1)
    assert writes.plain
    writes.add("one", 2, "three")
    assert (writes.empty, writes.plain) == (False, False)
    assert (writes.records_of(str), writes.records_of(int), writes.records_of(float)) == (
        ["one", "three"],
        [2],
        (),
    )


def test_records_are_taken_back_to_a_mark_and_those_before_it_stay():
    writes = WriteSet(now=1, stamp=1)
    writes.add("one")
    marks = writes.marks()
    writes.add("two", 3)
    writes.drop_after(marks)
    assert writes.records == {str: ["one"]}
    writes.drop_after({})
    assert writes.empty


def test_every_field_of_a_room_and_of_a_member_is_imaged_or_known_not_to_be():
    kept_otherwise = {"members", "former"}  # by member: see `_members_before`
    of_the_batch = {"dirty", "changing_members", "durable_seq", "durable_ordinal", "durable_written"}
    of_the_store = {
        "gates",
        "closed",
        "ignored_by",
        "marks_kept",
        "by_groups",
        "people_changes",
        "people_read",
    }
    assert {*ROOM_IMAGED} == {*Room.__slots__} - kept_otherwise - of_the_batch - of_the_store
    assert {*MEMBER_IMAGED} == {*Member.__slots__}


def test_a_rollback_brings_back_who_came_and_who_went():
    room, writes = group(ann="owner", bob="member"), WriteSet(now=1, stamp=1)
    before = deepcopy(room.members)
    writes.remove_member(room, "bob", "removed")
    writes.add_member(room, Member("cat", "member", 1, 2, 1, 0))
    writes.add_member(room, Member("bob", "member", 1, 3, 1, 0))
    writes.remove_member(room, "cat", "left")
    writes.rollback()
    assert (room.members, room.former) == (before, {})


def test_a_rollback_brings_back_what_a_member_was():
    room, writes = group(ann="owner"), WriteSet(now=1, stamp=1)
    writes.touch_member(room, "ann").read = 9
    writes.touch_member(room, "ann").read = 10
    writes.rollback()
    assert room.members["ann"].read == 0


def test_a_rollback_brings_back_the_scalars_of_a_room():
    room, writes = group(ann="owner"), WriteSet(now=1, stamp=1)
    writes.append(room, message())
    writes.touch(room).title = "new"
    writes.rollback()
    assert (room.seq, room.title) == (1, "")


def test_a_rollback_leaves_what_is_on_disk():
    room, writes = group(ann="owner"), WriteSet(now=1, stamp=1)
    writes.append(room, message())
    writes.rollback()
    assert (room.durable_seq, room.durable_ordinal) == (1, 0)


def test_a_room_is_in_doubt_until_its_batch_is_on_disk_or_undone():
    room = group(ann="owner")
    for end in (WriteSet.mark_durable, WriteSet.rollback):
        for change in (WriteSet.touch, lambda writes, room: writes.touch_member(room, "ann")):
            writes = WriteSet(now=1, stamp=1)
            change(writes, room)
            assert room.dirty
            end(writes)
            assert not room.dirty


def test_settling_makes_numbers_durable():
    room, writes = group(ann="owner"), WriteSet(now=1, stamp=1)
    writes.append(room, message())
    assert room.durable_seq == 1
    writes.mark_durable()
    assert room.durable_seq == 2
