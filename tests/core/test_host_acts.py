"""The acts of the host in rooms, without being a user: groups of its own, members, roles, direct rooms."""

import pytest
from msgspec import UNSET

from chatd.core.allowances import Allowances
from chatd.core.entering import SetMembers
from chatd.core.read_set import PeopleRules, ReadSet, Rules
from chatd.core.room import Standing
from chatd.core.rooms import OpenDirect
from chatd.core.write_set import WriteSet
from chatd.protocol.members import RoleOf
from chatd.protocol.rooms import RoomDelete, RoomUpdate
from tests.kit.group_requests import code_of, creation, join, key, last, leave, remove, roles, roles_of
from tests.kit.memory_writer import MemoryWriter, direct, group

HOST = ""


@pytest.fixture
def room():
    return group(ann="owner", bob="admin", cat="member", dan="member")


@pytest.fixture
def writer(room):
    return MemoryWriter(room)


def put(room, *users, role=UNSET):
    return SetMembers(room=room.name, key=key(), users=list(users), role=role)


@pytest.fixture
def own():
    """The writer and a public group that the host made, of ann and bob."""
    writer = MemoryWriter()
    writer.ask(HOST, creation("ann", "bob", public=True))
    (room,) = writer.rooms.values()
    return writer, room


def test_a_group_of_the_host_has_no_owner_and_its_events_no_author(own):
    writer, room = own
    assert roles_of(room) == {"ann": "member", "bob": "member"}
    (event,) = writer.events(room)
    assert (event.kind, event.user, event.users) == ("created", UNSET, ["ann", "bob"])


def test_a_group_of_the_host_is_made_once_for_its_key():
    writer, request = MemoryWriter(), creation("ann")
    first, again = writer.ask(HOST, request), writer.ask(HOST, request)
    assert (again.duplicate, again.summary.room) == (True, first.summary.room)
    assert code_of(writer, HOST, creation("bob", key=request.key)) == "conflict"


def test_nobody_takes_over_a_group_of_the_host(own):
    writer, room = own
    for user, request in (("ann", leave(room)), ("cat", join(room)), ("bob", leave(room))):
        writer.ask(user, request)
        assert "owner" not in roles_of(room).values()
    writer.ask(HOST, put(room, "cat", role="owner"))
    # Not even with an owner, who may step back.
    writer.ask("cat", roles(room, cat="member"))
    assert roles_of(room) == {"cat": "member"}


def test_members_are_set_with_their_role_in_one_commit(writer, room):
    writer.ask(HOST, put(room, "cat", "eve", "bob", role="admin"))
    assert roles_of(room) == {**roles_of(room), "bob": "admin", "cat": "admin", "eve": "admin"}
    joined, given = writer.events(room)[-2:]
    assert (joined.kind, joined.user, joined.users) == ("joined", UNSET, ["eve"])
    assert (given.kind, given.user) == ("role", UNSET)
    assert given.users == [RoleOf("cat", "admin"), RoleOf("eve", "admin")]
    again = writer.ask(HOST, put(room, "cat", "eve", "bob", role="admin"))
    assert (again.duplicate, writer.writes.empty) == (True, True)


def test_without_a_role_members_keep_theirs(writer, room):
    writer.ask(HOST, put(room, "bob", "eve"))
    assert (roles_of(room)["bob"], roles_of(room)["eve"]) == ("admin", "member")


@pytest.mark.parametrize(
    ("user", "users", "role", "code"),
    [
        ("cat", ("eve",), UNSET, "forbidden"),
        ("bob", ("cat",), "admin", "forbidden"),
        ("bob", ("eve",), "admin", "forbidden"),
        ("eve", ("cat",), UNSET, "not_found"),
        ("ann", ("ann",), "member", "forbidden"),
        (HOST, ("ann",), "member", "forbidden"),
    ],
)
def test_a_user_sets_members_by_their_own_rights_and_a_group_of_users_keeps_an_owner(
    writer, room, user, users, role, code
):
    assert code_of(writer, user, put(room, *users, role=role)) == code


def test_as_a_user_members_are_set_too(writer, room):
    writer.ask("bob", put(room, "eve", role="member"))
    assert (last(writer, room).kind, last(writer, room).user) == ("joined", "bob")


def test_a_full_group_is_full_for_the_host_too(room):
    writer = MemoryWriter(room, rules=Rules(group_members=4))
    assert code_of(writer, HOST, put(room, "eve")) == "room_full"


def test_the_host_has_no_allowance():
    allowances = Allowances()
    allowances.become({"added": 1, "rooms": 1, "bytes": 1})
    writes = WriteSet(now=0, stamp=1)
    writes.spend("added", HOST, 5)
    assert writes.spent == {}
    reads = ReadSet(Rules(), {}, allowances=allowances)
    reads.allowances.check("added", HOST, 1000, writes, 0.0)


def test_when_the_host_removes_the_owner_another_one_follows(writer, room):
    writer.ask(HOST, remove(room, "ann"))
    removed, followed = writer.events(room)[-2:]
    assert (removed.kind, removed.user, removed.users) == ("removed", UNSET, ["ann"])
    assert (followed.kind, followed.user, followed.users) == ("role", UNSET, [RoleOf("bob", "owner")])


def test_the_host_changes_and_deletes_groups(writer, room):
    writer.ask(HOST, RoomUpdate(room=room.name, key=key(), title="new"))
    assert (last(writer, room).kind, last(writer, room).user, room.title) == ("settings", UNSET, "new")
    assert writer.ask(HOST, RoomDelete(room=room.name, key=key())).duplicate is False
    assert (room.deleted_by, room.size) == ("", 0)
    assert writer.ask(HOST, RoomDelete(room=room.name, key=key())).duplicate is True
    assert code_of(writer, "ann", RoomDelete(room=room.name, key=key())) == "gone"


def test_what_an_owner_deleted_is_deleted_for_the_host(writer, room):
    writer.ask("ann", RoomDelete(room=room.name, key=key()))
    assert writer.ask(HOST, RoomDelete(room=room.name, key=key())).duplicate is True


def test_a_direct_room_is_opened_for_two_and_both_accept(writer):
    room = direct("eve", "fay", number=2)
    room.members["eve"].standing = Standing.DECLINED
    room.members["fay"].standing = Standing.REQUEST
    writer = MemoryWriter(room, rules=Rules(people=PeopleRules(enabled=True)))
    writer.pairs["eve", "fay"] = room
    writer.ask(HOST, OpenDirect("fay", "eve"))
    assert {member.standing for member in room.members.values()} == {Standing.ACCEPTED}
    reply = writer.ask(HOST, OpenDirect("gus", "eve"))
    made = writer.rooms[reply.summary.room]
    assert (made.creator, {member.standing for member in made.members.values()}) == (
        "gus",
        {Standing.ACCEPTED},
    )
    assert writer.events(made)[0].user is UNSET
    assert writer.ask(HOST, OpenDirect("eve", "gus")).summary.room == made.name
    assert code_of(writer, HOST, OpenDirect("gus", "gus")) == "bad_request"


def test_the_host_puts_nobody_into_a_direct_room_or_out_of_it():
    room = direct("ann", "bob")
    writer = MemoryWriter(room)
    for request in (put(room, "eve"), remove(room, "bob"), RoomDelete(room=room.name, key=key())):
        assert code_of(writer, HOST, request) == "forbidden"
