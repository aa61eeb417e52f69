import pytest

from chatd.core.room import Member
from tests.kit.memory_writer import direct, group


def test_unread_counts_the_messages_of_others_behind_the_read_position():
    member = Member("ann", "member", 0, first_visible=1, read=10, read_ordinal=7, own_unread=2)
    assert member.unread(12) == 3


def test_a_room_answers_for_its_members():
    room = group(ann="owner", bob="member", eve="member")
    room.former["bob"] = room.members.pop("bob")
    room.members["eve"].receipts = False
    assert (room.size, room.users) == (2, ["ann", "eve"])
    assert (room.member("ann"), room.member("bob")) == (room.members["ann"], None)
    assert (room.known("eve"), room.known("bob"), room.known("joe")) == (
        room.members["eve"],
        room.former["bob"],
        None,
    )
    assert room.showing_receipts(but="bob") == [room.members["ann"]]
    assert room.showing_receipts(but="ann") == []


@pytest.mark.parametrize(
    ("wanted", "keeps"), [({}, True), ({"ann": "admin"}, False), ({"ann": "admin", "bob": "owner"}, True)]
)
def test_a_room_keeps_an_owner_or_not(wanted, keeps):
    assert group(ann="owner", bob="member").keeps_owner(wanted) is keeps


def test_what_was_decided_is_durable_once_complete():
    room = group(ann="owner")
    room.seq, room.ordinal, room.written = 5, 3, 3
    assert (room.durable_seq, room.durable_ordinal, room.durable_written) == (1, 0, 0)
    room.mark_durable()
    assert (room.durable_seq, room.durable_ordinal, room.durable_written) == (5, 3, 3)


def test_a_peer_is_the_other_one():
    room = direct("ann", "bob")
    assert (room.peer("ann"), room.peer("bob"), room.direct) == ("bob", "ann", True)


@pytest.mark.parametrize(
    ("roles", "heir"),
    [
        ({}, None),
        ({"a": "owner", "b": "admin"}, None),
        ({"a": "member", "b": "admin"}, "b"),
        ({"b": "member", "a": "member"}, "a"),  # came in the same moment: the name decides
    ],
)
def test_who_follows_the_last_owner(roles, heir):
    successor = group(**roles).successor()
    assert (successor.user if successor else None) == heir
