from msgspec import UNSET

from chatd.core.room_summary import summary_of
from chatd.protocol.codec import encode
from tests.kit.memory_writer import direct, group


def test_a_group_as_its_member_sees_it():
    room = group(ann="owner", bob="admin")
    room.seq, room.ordinal, room.time, room.log_floor = 20, 12, 777, 5
    room.title, room.avatar, room.public, room.data = "t", "a", True, encode({"x": 1})
    bob = room.members["bob"]
    bob.read, bob.read_ordinal, bob.own_unread, bob.mentions, bob.first_visible = 10, 7, 2, 1, 3
    bob.muted_until, bob.pinned, bob.hidden = 9, True, 13
    summary = summary_of(room, bob, "known")
    assert (summary.room, summary.seq, summary.ordinal, summary.time) == (room.name, 20, 12, 777)
    assert (summary.read, summary.unread, summary.unread_mentions) == (10, 3, 1)
    assert (summary.title, summary.avatar, summary.public, bytes(summary.data)) == (
        "t",
        "a",
        True,
        encode({"x": 1}),
    )
    assert (summary.members, summary.role, summary.peer) == (2, "admin", UNSET)
    assert (summary.muted_until, summary.pinned, summary.hidden) == (9, True, True)
    assert (summary.first_visible, summary.log_floor) == (3, 5)
    assert (summary.preview, summary.events) == (UNSET, UNSET)


def test_what_a_group_does_not_have_is_absent():
    summary = summary_of(group(ann="owner"), group(ann="owner").members["ann"], "known")
    assert (summary.title, summary.avatar, summary.data) == (UNSET, UNSET, UNSET)


def test_a_direct_room_shows_the_peer_and_their_positions():
    room = direct("ann", "bob")
    room.members["bob"].read, room.members["bob"].delivered, room.written = 4, 6, 3
    summary = summary_of(room, room.members["ann"], "known")
    assert (summary.peer, summary.peer_read, summary.peer_delivered) == ("bob", 4, 6)
    assert (summary.members, summary.title) == (UNSET, UNSET)


def test_who_hides_receipts_shows_and_sees_none():
    for hiding in ("ann", "bob"):
        room = direct("ann", "bob")
        room.members["bob"].read, room.written = 4, 3
        room.members[hiding].receipts = False
        summary = summary_of(room, room.members["ann"], "known")
        assert (summary.peer, summary.peer_read, summary.peer_delivered) == ("bob", 0, 0)


def test_what_is_not_shown_is_not_in_the_summary():
    room = direct("ann", "bob")
    room.members["bob"].read = room.members["bob"].delivered = 4
    for shown_to, written, expected in (
        ("known", 2, 0),
        ("known", 3, 4),
        ("members", 0, 4),
        ("nobody", 3, 0),
    ):
        room.written = written
        summary = summary_of(room, room.members["ann"], shown_to)
        assert (summary.peer, summary.peer_read, summary.peer_delivered) == ("bob", expected, expected)


def test_defaults_travel_as_nothing():
    summary = summary_of(direct("ann", "bob"), direct("ann", "bob").members["ann"], "known")
    assert encode(summary) == encode({"room": summary.room, "seq": 1, "peer": "bob"})
    role = summary_of(group(ann="member"), group(ann="member").members["ann"], "known")
    assert b"role" not in encode(role)
