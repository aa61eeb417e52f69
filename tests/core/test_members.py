import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from chatd.core.read_set import Rules
from chatd.core.room_steps import MemberJoined, MemberLeft
from chatd.core.users import Account
from chatd.core.write_set import NewEvent
from chatd.protocol.members import MembersAdd, MembersRemove, MembersRole, RoleOf, RoomJoin, RoomLeave
from chatd.protocol.messages import Body, Send
from chatd.protocol.rooms import Preferences, RoomDelete, RoomDirect
from tests.kit.group_requests import add, code_of, creation, join, key, last, leave, remove, roles, roles_of
from tests.kit.memory_writer import MemoryWriter, group


@pytest.fixture
def room():
    return group(ann="owner", bob="admin", cat="member", dan="member")


@pytest.fixture
def writer(room):
    return MemoryWriter(room)


# --- making rooms


def test_who_is_added_sees_the_room_from_the_joined_event_on(writer, room):
    writer.ask("ann", Send(room=room.name, key=key(), body=Body(text="x")))
    ack = writer.ask("bob", add(room, "eve", "cat", "fay", "eve"))
    event = last(writer, room)
    assert (event.kind, event.user, event.users, event.seq) == ("joined", "bob", ["eve", "fay"], ack.seq)
    eve = room.members["eve"]
    assert (eve.role, eve.first_visible, eve.read, eve.unread(room.ordinal)) == (
        "member",
        ack.seq,
        ack.seq - 1,
        0,
    )
    assert [type(step) for step in writer.writes.steps[room.number]] == [MemberJoined, MemberJoined, NewEvent]


def test_whoever_was_closed_is_added_by_nobody_but_the_host(writer, room):
    writer.accounts["eve"] = Account("eve", disabled=True)
    assert writer.ask("ann", add(room, "eve", "fay")).not_added == ["eve"]
    assert {"eve", "fay"} & room.members.keys() == {"fay"}
    assert writer.ask("", add(room, "eve")).not_added is UNSET


def test_adding_a_member_is_a_duplicate(writer, room):
    reply = writer.ask("ann", add(room, "bob", "cat"))
    assert (reply.duplicate, reply.seq, writer.writes.empty) == (True, UNSET, True)


def test_a_full_group_takes_nobody_of_a_list_too_long(room):
    room.public = True
    writer = MemoryWriter(room, rules=Rules(group_members=5))
    assert code_of(writer, "ann", add(room, "eve", "fay")) == "room_full"
    writer.ask("ann", add(room, "eve", "bob"))
    assert code_of(writer, "fay", join(room)) == "room_full"


def test_anybody_joins_a_public_group(writer, room):
    room.public = True
    ack = writer.ask("eve", join(room))
    assert (last(writer, room).kind, last(writer, room).users) == ("joined", ["eve"])
    assert room.members["eve"].first_visible == ack.seq


@pytest.mark.parametrize(("user", "code"), [("eve", "not_found"), ("gus", "not_member")])
def test_a_private_group_is_not_joined(writer, room, user, code):
    room.members["gus"] = group(gus="member").members["gus"]
    writer.ask("gus", leave(room))
    assert code_of(writer, user, join(room)) == code


@pytest.mark.parametrize(("user", "code"), [("cat", "gone"), ("eve", "not_found")])
@pytest.mark.parametrize("public", [True, False])
def test_a_deleted_group_is_not_joined(writer, room, public, user, code):
    room.public = public
    writer.ask("ann", RoomDelete(room=room.name, key=key()))
    assert code_of(writer, user, join(room)) == code


def test_joining_where_one_is_in_is_a_duplicate(writer, room):
    reply = writer.ask("cat", join(room))
    assert (reply.duplicate, reply.seq) == (True, UNSET)


def test_who_comes_back_begins_anew(writer, room):
    room.public = True
    writer.ask("cat", Preferences(room=room.name, pinned=True))
    writer.ask("cat", leave(room))
    writer.ask("ann", Send(room=room.name, key=key(), body=Body(text="x", mentions=["cat"])))
    ack = writer.ask("cat", join(room))
    cat = room.members["cat"]
    assert (cat.first_visible, cat.gone, cat.pinned, cat.unread(room.ordinal)) == (ack.seq, None, False, 0)
    assert "cat" not in room.former


def test_who_hides_receipts_hides_them_in_new_rooms_too(writer, room):
    room.public = True
    for user in ("eve", "fay", "gus"):
        writer.accounts[user] = Account(user, receipts=False)
    writer.ask("ann", add(room, "eve"))
    writer.ask("fay", join(room))
    made = writer.ask("gus", creation("eve", "ann")).summary.room
    pair_room = writer.ask("ann", RoomDirect(user="gus")).summary.room
    shown = {
        u: m.receipts for name in (room.name, made, pair_room) for u, m in writer.rooms[name].members.items()
    }
    assert shown == {
        "ann": True, "bob": True, "cat": True, "dan": True, "eve": False, "fay": False, "gus": False
    }  # fmt: skip


# --- going


def test_leaving_is_logged_after_the_departure(writer, room):
    writer.ask("cat", leave(room))
    assert "cat" not in room.members
    assert room.former["cat"].gone == "left"
    steps = writer.writes.steps[room.number]
    assert [type(step) for step in steps] == [MemberLeft, NewEvent]
    assert (last(writer, room).kind, last(writer, room).users) == ("left", ["cat"])


def test_leaving_again_is_a_duplicate(writer, room):
    first = writer.ask("cat", leave(room, "the-same-key"))
    again = writer.ask("cat", leave(room, "the-same-key"))
    assert (again.seq, again.duplicate) == (first.seq, True)
    assert writer.ask("cat", leave(room)).duplicate


def test_who_was_removed_cannot_leave(writer, room):
    writer.ask("ann", remove(room, "cat"))
    assert code_of(writer, "cat", leave(room)) == "not_member"


@pytest.mark.parametrize(
    ("members", "heir"),
    [
        ({"ann": ("owner", 0), "bob": ("member", 1), "cat": ("admin", 9)}, "cat"),  # an admin before a member
        ({"ann": ("owner", 0), "bob": ("admin", 2), "cat": ("admin", 1)}, "cat"),  # who came first
        ({"ann": ("owner", 0), "bob": ("member", 2), "cat": ("member", 1)}, "cat"),
        ({"ann": ("owner", 0), "bob": ("owner", 2), "cat": ("admin", 1)}, None),  # an owner is left
        ({"ann": ("owner", 0)}, None),  # nobody is left
    ],
)
def test_the_last_owner_is_followed_by_who_served_longest(members, heir):
    room = group(**{user: role for user, (role, _) in members.items()})
    for user, (_, joined_at) in members.items():
        room.members[user].joined_at = joined_at
    writer = MemoryWriter(room)
    writer.ask("ann", leave(room))
    kinds = [event.kind for event in writer.events(room)]
    if heir is None:
        assert kinds == ["left"]
    else:
        assert kinds == ["left", "role"]
        assert last(writer, room).users == [RoleOf(heir, "owner")]
        assert room.members[heir].role == "owner"


def test_the_acknowledgement_of_leaving_is_of_the_left_event():
    room = group(ann="owner", bob="member")
    writer = MemoryWriter(room)
    assert writer.ask("ann", leave(room)).seq == 2


def test_removing_is_logged_and_marks_who_went(writer, room):
    writer.ask("bob", remove(room, "cat", "eve", "dan"))
    assert (last(writer, room).kind, last(writer, room).users) == ("removed", ["cat", "dan"])
    assert {room.former[user].gone for user in ("cat", "dan")} == {"removed"}


def test_removing_nobody_is_a_duplicate(writer, room):
    assert writer.ask("bob", remove(room, "eve")).duplicate


def test_nobody_removes_himself(writer, room):
    assert code_of(writer, "ann", remove(room, "cat", "ann")) == "bad_request"


@pytest.mark.parametrize("target", ["ann", "gus"])
def test_one_who_may_not_be_removed_saves_the_others(writer, room, target):
    room.members["gus"] = group(gus="admin").members["gus"]
    assert code_of(writer, "bob", remove(room, "cat", target)) == "forbidden"
    assert "cat" in room.members


# --- roles


def test_roles_are_given_and_logged(writer, room):
    writer.ask("ann", roles(room, cat="admin", bob="admin", dan="owner"))
    assert roles_of(room) == {"ann": "owner", "bob": "admin", "cat": "admin", "dan": "owner"}
    assert last(writer, room).kind == "role"
    assert len(last(writer, room).users) == 2, "bob's did not change"


def test_roles_that_are_so_already_are_a_duplicate(writer, room):
    assert writer.ask("ann", roles(room, bob="admin")).duplicate


def test_a_role_for_a_stranger_changes_nothing(writer, room):
    assert code_of(writer, "ann", roles(room, cat="admin", eve="admin")) == "not_found"
    assert room.members["cat"].role == "member"


@pytest.mark.parametrize("user", ["bob", "cat"])
def test_only_owners_give_roles(writer, room, user):
    assert code_of(writer, user, roles(room, dan="admin")) == "forbidden"


def test_a_group_keeps_an_owner(writer, room):
    assert code_of(writer, "ann", roles(room, ann="member")) == "forbidden"
    writer.ask("ann", roles(room, ann="member", bob="owner"))
    assert roles_of(room)["bob"] == "owner"


# --- large rooms


@pytest.fixture
def large(room):
    room.public = True
    return MemoryWriter(room, rules=Rules(large_members=3))


@pytest.mark.parametrize(
    ("user", "request_"),
    [("ann", lambda r: add(r, "eve")), ("eve", join), ("cat", leave), ("ann", lambda r: remove(r, "cat"))],
)
def test_in_a_large_room_joins_are_not_pushed_one_by_one(large, room, user, request_):
    reply = large.ask(user, request_(room))
    assert (reply.seq, reply.time, reply.duplicate) == (UNSET, large.now, False)
    assert room.seq == 1
    assert list(large.writes.refreshed) == [(room.number, "*")]


def test_who_comes_into_a_large_room_sees_it_from_the_next_event_on(large, room):
    large.ask("eve", join(room))
    ack = large.ask("ann", Send(room=room.name, key=key(), body=Body(text="x")))
    assert room.members["eve"].first_visible == ack.seq
    assert room.members["eve"].unread(room.ordinal) == 1


def test_in_a_large_room_roles_are_pushed(large, room):
    assert large.ask("ann", roles(room, cat="admin")).seq == 2


def test_in_a_large_room_the_new_owner_is_pushed(large, room):
    large.ask("ann", leave(room))
    assert [event.kind for event in large.events(room)] == ["role"]
    assert room.members["bob"].role == "owner"


# --- always

USERS = ["ann", "bob", "cat", "dan", "eve"]
NAME = group().name
STEPS = st.tuples(
    st.sampled_from(USERS),
    st.one_of(
        st.builds(lambda: RoomJoin(room=NAME, key=key())),
        st.builds(lambda: RoomLeave(room=NAME, key=key())),
        st.builds(
            lambda who: MembersAdd(room=NAME, key=key(), users=who),
            st.lists(st.sampled_from(USERS), min_size=1),
        ),
        st.builds(
            lambda who: MembersRemove(room=NAME, key=key(), users=who),
            st.lists(st.sampled_from(USERS), min_size=1),
        ),
        st.builds(
            lambda who, role: MembersRole(room=NAME, key=key(), users=[RoleOf(who, role)]),
            st.sampled_from(USERS),
            st.sampled_from(["member", "admin", "owner"]),
        ),
    ),
)


@given(st.lists(STEPS, max_size=25), st.integers(2, 5), st.sampled_from([2, 100]))
def test_whatever_happens_a_group_has_an_owner_and_a_bound(steps, capacity, large_members):
    room = group(ann="owner", bob="member")
    room.public = True
    writer = MemoryWriter(room, rules=Rules(group_members=capacity, large_members=large_members))
    for step in steps:
        writer.batch([step])
        assert not room.members or "owner" in roles_of(room).values()
        assert len(room.members) <= capacity
        assert not set(room.members) & set(room.former)
        assert all(member.gone is None for member in room.members.values())
        assert all(member.gone is not None for member in room.former.values())


@given(st.lists(STEPS, max_size=25))
def test_the_log_names_the_members(steps):
    room = group(ann="owner", bob="member")
    room.public = True
    writer = MemoryWriter(room)
    writer.batch(steps)
    present = {"ann", "bob"}
    for event in writer.events(room):
        if event.kind == "joined":
            present |= set(event.users)
        elif event.kind in ("left", "removed"):
            present -= set(event.users)
    assert present == set(room.members)
