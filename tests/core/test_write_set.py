from copy import deepcopy

from chatd.core.room import Member
from chatd.core.write_set import Arrival, Departure, NewEvent, Work
from chatd.protocol.codec import decode_event
from chatd.protocol.objects import Body, Event
from tests.kit.desk import group


def message(user="ann"):
    return Event(seq=0, kind="message", user=user, body=Body(text="x"))


def test_an_event_gets_the_next_number_and_the_time_of_the_batch():
    room, work = group(ann="owner"), Work(now=777, stamp=1)
    first, second = work.append(room, message()), work.append(room, message())
    assert [(event.seq, event.time) for event in (first, second)] == [(2, 777), (3, 777)]
    assert [decode_event(step.blob).seq for step in work.steps[room.number]] == [2, 3]


def test_only_the_first_event_of_a_request_stands_for_its_acknowledgement():
    room, work = group(ann="owner"), Work(now=1, stamp=1)
    work.asked_by = asked = object()
    work.append(room, message())
    work.append(room, message())
    assert [step.asked_by for step in work.steps[room.number]] == [asked, None]


def test_steps_of_a_room_keep_their_order():
    room, work = group(ann="owner"), Work(now=1, stamp=1)
    work.append(room, message())
    work.add_member(room, Member("bob", "member", 1, 3, 2, 0))
    work.append(room, message())
    work.remove_member(room, "bob", "left")
    kinds = [type(step) for step in work.steps[room.number]]
    assert kinds == [NewEvent, Arrival, NewEvent, Departure]


def test_a_work_is_empty_until_something_has_to_be_stored():
    room, work = group(ann="owner"), Work(now=1, stamp=1)
    assert work.empty
    work.touch_member(room, "ann")
    assert not work.empty


def test_a_rollback_brings_back_who_came_and_who_went():
    room, work = group(ann="owner", bob="member"), Work(now=1, stamp=1)
    before = deepcopy(room.members)
    work.remove_member(room, "bob", "removed")
    work.add_member(room, Member("cat", "member", 1, 2, 1, 0))
    work.add_member(room, Member("bob", "member", 1, 3, 1, 0))
    work.remove_member(room, "cat", "left")
    work.rollback()
    assert (room.members, room.former) == (before, {})


def test_a_rollback_brings_back_what_a_member_was():
    room, work = group(ann="owner"), Work(now=1, stamp=1)
    work.touch_member(room, "ann").read = 9
    work.touch_member(room, "ann").read = 10
    work.rollback()
    assert room.members["ann"].read == 0


def test_a_rollback_brings_back_the_scalars_of_a_room():
    room, work = group(ann="owner"), Work(now=1, stamp=1)
    work.append(room, message())
    work.touch(room).title = "new"
    work.rollback()
    assert (room.seq, room.title) == (1, "")


def test_a_rollback_leaves_what_is_on_disk():
    room, work = group(ann="owner"), Work(now=1, stamp=1)
    work.append(room, message())
    work.rollback()
    assert (room.durable_seq, room.durable_ordinal) == (1, 0)


def test_a_room_is_in_doubt_until_its_batch_is_on_disk_or_undone():
    room = group(ann="owner")
    for end in (Work.settle, Work.rollback):
        for change in (Work.touch, lambda work, room: work.touch_member(room, "ann")):
            work = Work(now=1, stamp=1)
            change(work, room)
            assert room.in_doubt
            end(work)
            assert not room.in_doubt


def test_settling_makes_numbers_durable():
    room, work = group(ann="owner"), Work(now=1, stamp=1)
    work.append(room, message())
    assert room.durable_seq == 1
    work.settle()
    assert room.durable_seq == 2
