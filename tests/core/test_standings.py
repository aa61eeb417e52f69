"""What friendship does to a direct room."""

import pytest

from chatd.core.extras import extra, put_extra
from chatd.core.room import Standing
from chatd.core.room_steps import RoomListed, RoomUnlisted
from chatd.core.standings import ASKED, befriend, stand, turn_away, unfriend
from chatd.core.write_set import WriteSet
from tests.kit.memory_writer import direct

POLICY, ACCEPTED, REQUEST, DECLINED = Standing


def a_room(ann, bob, *, written=1):
    room = direct("ann", "bob")
    room.written = written
    room.members["ann"].standing, room.members["bob"].standing = ann, bob
    return room, WriteSet(now=1, stamp=1)


def standings(room):
    return [room.members[user].standing for user in ("ann", "bob")]


@pytest.mark.parametrize("before", [REQUEST, DECLINED])
def test_friendship_opens_what_was_asked_or_declined(before):
    room, writes = a_room(ACCEPTED, before)
    put_extra(room.members["bob"], ASKED, 2)
    room.gates = {"ann": "ask", "bob": "blocked"}
    room.people_read = room.people_changes
    befriend(room, writes)
    assert standings(room) == [ACCEPTED, POLICY]
    assert room.gates == {"ann": "open", "bob": "blocked"}, "what was decided before is not asked again"
    assert extra(room.members["bob"], ASKED) is None
    assert [type(step) for step in writes.steps[room.number]] == [RoomListed]
    writes.rollback()
    assert standings(room) == [ACCEPTED, before]
    assert extra(room.members["bob"], ASKED) == 2
    assert room.is_outdated, "and its gates are read again"


def test_its_end_leaves_it_to_privacy_who_may_write():
    room, writes = a_room(ACCEPTED, POLICY)
    unfriend(room, writes)
    assert (standings(room), writes.steps) == ([POLICY, POLICY], {})
    unfriend(room, writes)
    befriend(room, writes)
    assert standings(room) == [POLICY, POLICY]


def test_a_room_in_which_nobody_wrote_leaves_the_list():
    room, writes = a_room(ACCEPTED, ACCEPTED, written=0)
    unfriend(room, writes)
    assert [type(step) for step in writes.steps[room.number]] == [RoomUnlisted, RoomUnlisted]


def test_a_decline_that_is_taken_back_in_the_same_commit_is_told_to_nobody():
    """Its `gone` would come behind the room, and the devices would lose what is in the list."""
    room, writes = a_room(ACCEPTED, REQUEST)
    turn_away(room, "bob", writes)
    assert writes.declined == ((room, "bob"),)
    stand(room, "bob", ACCEPTED, writes)
    assert writes.declined == ()
    assert [type(step) for step in writes.steps[room.number]] == [RoomListed]
