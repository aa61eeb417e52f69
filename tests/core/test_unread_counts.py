from copy import deepcopy

import pytest

from chatd.core.unread_counts import UNCOUNTED_EVENTS_MAX, count_out, count_own
from chatd.core.write_set import WriteSet
from chatd.protocol.messages import Body, Event
from tests.kit.memory_writer import group


@pytest.fixture
def room():
    return group(ann="owner", bob="member")


def batch():
    return WriteSet(now=1, stamp=1)


def say(room, user, writes, times=1):
    for _ in range(times):
        writes.touch(room).ordinal += 1
        count_own(room, room.members[user], writes)
        writes.append(
            room, Event(seq=0, kind="message", user=user, ordinal=room.ordinal, body=Body(text="x"))
        )


def test_an_own_message_counts_at_once_in_memory_and_not_in_the_store(room):
    writes = batch()
    say(room, "ann", writes)
    count_out(writes)
    assert room.members["ann"].own_unread == 1
    assert (room.uncounted, room.uncounted_by) == (2, {"ann"})
    assert writes.members == writes.counted == {}


def test_the_uncounted_end_begins_with_its_first_message(room):
    say(room, "ann", batch())
    say(room, "bob", batch(), 2)
    assert (room.uncounted, room.uncounted_by) == (2, {"ann", "bob"})


def test_many_are_counted_in_the_store_together(room):
    for _ in range(UNCOUNTED_EVENTS_MAX - 2):
        writes = batch()
        say(room, "ann", writes)
        count_out(writes)
        assert writes.counted == {}
    writes = batch()
    say(room, "bob", writes, 2)
    count_out(writes)
    assert writes.counted == {(1, user): room.members[user] for user in ("ann", "bob")}
    assert (room.uncounted, room.uncounted_by, writes.counted_rooms) == (0, frozenset(), [1])


@pytest.mark.parametrize("order", ["before", "after"])
def test_a_member_who_is_stored_for_another_reason_is_counted_with_all_others(room, order):
    say(room, "ann", batch())
    writes = batch()
    if order == "before":
        writes.touch_member(room, "bob")
    say(room, "bob", writes)
    if order == "after":
        writes.touch_member(room, "bob")
    count_out(writes)
    assert set(writes.counted) == {(1, "ann"), (1, "bob")}
    assert room.uncounted == 0


def test_a_member_who_leaves_in_the_batch_they_wrote_in_is_counted(room):
    writes = batch()
    say(room, "bob", writes)
    writes.remove_member(room, "bob", "left")
    count_out(writes)
    assert writes.counted == {(1, "bob"): room.former["bob"]}


def test_a_room_whose_members_are_stored_elsewhere_stays_uncounted(room):
    other, writes = group(2, eve="owner"), batch()
    say(room, "ann", writes)
    writes.touch_member(other, "eve")
    count_out(writes)
    assert room.uncounted == 2


def test_a_rollback_brings_back_what_was_uncounted(room):
    say(room, "ann", batch())
    before = deepcopy(room)
    writes = batch()
    say(room, "bob", writes)
    writes.touch_member(room, "bob")
    count_out(writes)
    writes.rollback()
    assert room.members == before.members
    assert (room.uncounted, room.uncounted_by) == (before.uncounted, before.uncounted_by)


def test_a_rollback_of_a_mere_counting_brings_it_back(room):
    say(room, "ann", batch())
    writes = batch()
    writes.touch_member(room, "bob")
    count_out(writes)
    writes.rollback()
    assert (room.uncounted, room.uncounted_by) == (2, {"ann"})
