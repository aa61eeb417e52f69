import pytest
from msgspec import UNSET

from chatd.core.read_set import PeopleRules, Rules
from chatd.protocol.codec import decode_event, encode
from chatd.protocol.rooms import RoomDelete, RoomDirect, RoomUpdate
from tests.kit.group_requests import add, code_of, creation, join, key, last, leave, remove, roles, roles_of
from tests.kit.memory_writer import MemoryWriter, direct, group


@pytest.fixture
def room():
    return group(ann="owner", bob="admin", cat="member", dan="member")


@pytest.fixture
def writer(room):
    return MemoryWriter(room)


# --- making rooms


def test_who_creates_a_group_owns_it_and_everybody_sees_all_of_it():
    writer = MemoryWriter()
    reply = writer.ask("ann", creation("bob", "cat", "bob", "ann"))
    (room,) = writer.rooms.values()
    assert roles_of(room) == {"ann": "owner", "bob": "member", "cat": "member"}
    assert {member.first_visible for member in room.members.values()} == {1}
    assert (reply.seq, reply.time, reply.duplicate) == (1, writer.now, False)
    (event,) = writer.events(room)
    assert (event.kind, event.user, event.users) == ("created", "ann", ["ann", "bob", "cat"])


def test_a_group_has_what_it_was_created_with():
    writer = MemoryWriter()
    summary = writer.ask("ann", creation(avatar="a", public=True, data={"x": [1]})).summary
    assert (summary.title, summary.avatar, summary.public, bytes(summary.data)) == (
        "t",
        "a",
        True,
        encode({"x": [1]}),
    )
    assert (summary.role, summary.members, summary.seq) == ("owner", 1, 1)
    assert summary.room.startswith("g")
    assert len(summary.room) == 12


@pytest.mark.parametrize("together", [True, False])
def test_a_creation_asked_again_is_the_same_room_as_it_is_now(together):
    writer, request = MemoryWriter(), creation("bob")
    if together:
        first, again = writer.batch([("ann", request), ("ann", request)])
    else:
        first, again = writer.ask("ann", request), writer.ask("ann", request)
    assert again.summary.room == first.summary.room
    assert (again.duplicate, again.seq, again.time) == (True, UNSET, UNSET)
    assert len(writer.rooms) == 1


def test_a_creation_key_used_for_another_room_is_a_conflict():
    writer = MemoryWriter()
    writer.ask("ann", creation("bob", key="the-same-key"))
    assert code_of(writer, "ann", creation("cat", key="the-same-key")) == "conflict"
    writer.ask("bob", creation("cat", key="the-same-key"))


def test_the_first_members_may_be_as_many_as_a_group_holds():
    writer = MemoryWriter(rules=Rules(group_members=3))
    writer.ask("ann", creation("bob", "cat"))
    assert code_of(writer, "ann", creation("bob", "cat", "dan")) == "room_full"


def test_there_is_one_direct_room_for_two_users():
    writer = MemoryWriter()
    one, other = writer.ask("bob", RoomDirect(user="ann")), writer.ask("ann", RoomDirect(user="bob"))
    assert one.summary.room == other.summary.room
    assert one.summary.room.startswith("d")
    assert (one.summary.peer, other.summary.peer) == ("ann", "bob")
    assert (one.summary.members, one.summary.role) == (UNSET, "member")
    assert len(writer.rooms) == 1


def test_two_who_ask_in_one_batch_get_the_same_direct_room():
    writer = MemoryWriter()
    one, other = writer.batch([("ann", RoomDirect(user="bob")), ("bob", RoomDirect(user="ann"))])
    assert one.summary.room == other.summary.room
    (room,) = writer.rooms.values()
    assert room.seq == 1


def test_a_direct_room_with_oneself_has_one_member_who_waits_for_nobody():
    writer = MemoryWriter(rules=Rules(people=PeopleRules(enabled=True)))
    summary = writer.ask("ann", RoomDirect(user="ann")).summary
    room = writer.rooms[summary.room]
    assert (summary.peer, [*room.members], writer.ask("ann", RoomDirect(user="ann")).summary.room) == (
        "ann", ["ann"], room.name,
    )  # fmt: skip
    assert room.is_listed(room.members["ann"])


@pytest.mark.parametrize("request_", [lambda r: leave(r), lambda r: RoomDelete(room=r.name, key=key()),
    lambda r: add(r, "eve"), lambda r: remove(r, "bob"), lambda r: roles(r, bob="admin"),
    lambda r: RoomUpdate(room=r.name, key=key(), title="x")])  # fmt: skip
def test_a_direct_room_cannot_be_changed(request_):
    room = direct("ann", "bob")
    assert code_of(MemoryWriter(room), "ann", request_(room)) == "forbidden"


# --- how many rooms


def full_of(user, count):
    """A writer in memory where `user` is in so many rooms, and nobody else in any."""
    rooms = [group(number, **{user: "owner"}) for number in range(1, count + 1)]
    return MemoryWriter(*rooms, rules=Rules(rooms_per_user=4))


def test_others_bring_nobody_into_more_rooms_than_their_share():
    writer = full_of("bob", 4)
    reply = writer.ask("ann", creation("bob", "cat"))
    assert (reply.not_added, reply.summary.members) == (["bob"], 2)
    room = writer.rooms[reply.summary.room]
    reply = writer.ask("ann", add(room, "bob", "dan", "cat"))
    assert (reply.not_added, set(room.members)) == (["bob"], {"ann", "cat", "dan"})
    reply = writer.ask("ann", add(room, "bob"))
    assert (reply.not_added, reply.duplicate, reply.seq) == (["bob"], True, UNSET)
    assert code_of(writer, "ann", RoomDirect(user="bob")) == "quota"


@pytest.mark.parametrize(
    ("fifth", "sixth"),
    [
        (creation(), creation()),
        (RoomDirect(user="ann"), RoomDirect(user="eve")),
        (join(group(98)), join(group(99))),
    ],
)
def test_who_asks_for_a_room_has_half_as_many_more(fifth, sixth):
    writer = full_of("bob", 5)
    for number in (98, 99):
        writer.rooms[group(number).name] = group(number, cat="owner")
        writer.rooms[group(number).name].public = True
    writer.ask("bob", fifth)
    assert code_of(writer, "bob", sixth) == "quota"


def test_rooms_are_counted_within_a_batch_too():
    writer = full_of("bob", 3)
    replies = writer.batch(
        [("ann", creation("bob")), ("cat", creation("bob")), ("dan", RoomDirect(user="bob"))]
    )
    assert [getattr(reply, "not_added", None) for reply in replies[:2]] == [UNSET, ["bob"]]
    assert replies[2].code == "quota"
    room = writer.rooms[replies[0].summary.room]
    replies = writer.batch([("bob", leave(room)), ("dan", RoomDirect(user="bob"))])
    assert replies[1].summary.peer == "bob", "who left has a place again"


def test_a_room_there_is_already_is_opened_however_many_there_are():
    writer = full_of("bob", 6)
    room = direct("ann", "bob", number=50)
    writer.rooms[room.name], writer.pairs["ann", "bob"] = room, room
    assert writer.ask("bob", RoomDirect(user="ann")).summary.room == room.name
    assert writer.ask("ann", RoomDirect(user="bob")).summary.room == room.name


# --- settings


def test_an_update_changes_what_it_names_and_nothing_else(writer, room):
    room.title, room.avatar, room.public = "old", "a", True
    ack = writer.ask("bob", RoomUpdate(room=room.name, key=key(), title="new"))
    assert (room.title, room.avatar, room.public) == ("new", "a", True)
    event = last(writer, room)
    assert (event.seq, event.kind, event.title, event.avatar, event.public) == (
        ack.seq,
        "settings",
        "new",
        UNSET,
        UNSET,
    )
    assert list(writer.writes.refreshed) == [(room.number, "")]


def test_an_empty_text_removes_a_title(writer, room):
    room.title, room.public = "old", True
    writer.ask("ann", RoomUpdate(room=room.name, key=key(), title="", public=False, data=None))
    assert (room.title, room.public) == ("", False)
    assert last(writer, room).title == ""
    assert last(writer, room).public is False


def test_an_update_logs_what_did_change(writer, room):
    room.title, room.data = "t", encode({"a": 1})
    request = RoomUpdate(room=room.name, key=key(), title="t", public=True, data={"a": 1.0})
    ack = writer.ask("ann", request)
    event = last(writer, room)
    assert (event.title, event.public, event.data) == (UNSET, True, UNSET)
    assert decode_event(ack.event) == event


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"title": "t"},
        {"avatar": ""},
        {"public": False},
        {"data": {"b": 2.0, "a": [1]}},
        {"title": "t", "avatar": ""},
    ],
)
def test_an_update_that_changes_nothing_stores_nothing(writer, room, settings):
    room.title, room.data = "t", encode({"a": [1.0], "b": 2})
    reply = writer.ask("ann", RoomUpdate(room=room.name, key=key(), **settings))
    assert (reply.duplicate, reply.seq, writer.writes.empty) == (True, UNSET, True)
    assert not writer.writes.refreshed


def test_no_data_is_not_null(writer, room):
    assert writer.ask("ann", RoomUpdate(room=room.name, key=key(), data=None)).seq == 2


def test_a_member_changes_no_settings(writer, room):
    assert code_of(writer, "cat", RoomUpdate(room=room.name, key=key(), title="x")) == "forbidden"


def test_a_deleted_room_is_gone_for_everybody(writer, room):
    reply = writer.ask("ann", RoomDelete(room=room.name, key=key()))
    assert (reply.seq, reply.time, room.seq) == (UNSET, writer.now, 1)
    assert not room.members
    assert {member.gone for member in room.former.values()} == {"deleted"}
    assert {step.reason for step in writer.writes.steps[room.number]} == {"deleted"}


def test_a_deletion_asked_again_is_a_duplicate_for_who_did_it(writer, room):
    writer.ask("ann", RoomDelete(room=room.name, key=key()))
    assert writer.ask("ann", RoomDelete(room=room.name, key=key())).duplicate
    assert code_of(writer, "bob", RoomDelete(room=room.name, key=key())) == "gone"
    assert code_of(writer, "eve", RoomDelete(room=room.name, key=key())) == "not_found"


@pytest.mark.parametrize("user", ["bob", "cat"])
def test_only_an_owner_deletes(writer, room, user):
    assert code_of(writer, user, RoomDelete(room=room.name, key=key())) == "forbidden"


# --- coming
