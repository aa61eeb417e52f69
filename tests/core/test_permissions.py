import pytest

from chatd.core.permissions import ACTIONS, HOST, HOST_ACTIONS, authorize, member_of, outranks
from chatd.core.room import Member
from chatd.protocol.errors import Refused
from tests.kit.memory_writer import direct, group

# protocol.md "Roles", written out once more: who may do what in a group.
EVERYBODY_MAY = {"view", "post", "edit", "recall", "react", "leave", "rename"}
ADMINS_MAY = {"pin", "add", "decide", "remove", "update", "silence", "announce"}
OWNERS_MAY = {"role", "retain", "delete"}
GROUP_TABLE = {
    "member": EVERYBODY_MAY,
    "admin": EVERYBODY_MAY | ADMINS_MAY,
    "owner": EVERYBODY_MAY | ADMINS_MAY | OWNERS_MAY,
}
BOTH_MAY = {"view", "post", "edit", "recall", "react", "pin", "retain"}


def refusal(room, user, action):
    try:
        authorize(room, user, action)
    except Refused as refused:
        return refused.code
    return None


def test_every_action_is_in_the_table_of_the_document():
    assert set(ACTIONS) == EVERYBODY_MAY | ADMINS_MAY | OWNERS_MAY


@pytest.mark.parametrize("role", GROUP_TABLE)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_role_may_exactly_what_the_document_says(role, action):
    room = group(ann="owner", bob=role)
    expected = None if action in GROUP_TABLE[role] else "forbidden"
    assert refusal(room, "bob", action) == expected


@pytest.mark.parametrize("action", ACTIONS)
def test_both_members_of_a_direct_room_may_the_same(action):
    room = direct("ann", "bob")
    expected = None if action in BOTH_MAY else "forbidden"
    assert [refusal(room, user, action) for user in ("ann", "bob")] == [expected, expected]


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("public", [False, True])
def test_a_stranger_cannot_tell_a_room_from_none(action, public):
    room = group(ann="owner")
    room.public = public
    assert refusal(room, "eve", action) == refusal(None, "eve", action) == "not_found"


def test_the_refusals_of_a_room_and_of_none_read_alike():
    with pytest.raises(Refused) as of_room:
        member_of(group(ann="owner"), "eve")
    with pytest.raises(Refused) as of_none:
        member_of(None, "eve")
    assert str(of_room.value) == str(of_none.value)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_former_member_is_told_so(action):
    room = group(ann="owner", bob="admin")
    room.former["bob"] = room.members.pop("bob")
    assert refusal(room, "bob", action) == "not_member"


@pytest.mark.parametrize("action", ACTIONS)
def test_former_members_of_a_deleted_room_learn_that_it_is_gone(action):
    room = group(ann="owner", bob="member")
    room.deleted_by = "ann"
    for user in ("ann", "bob"):
        room.former[user] = room.members.pop(user)
    assert [refusal(room, user, action) for user in ("ann", "bob", "eve")] == ["gone", "gone", "not_found"]


def test_who_left_before_the_deletion_learns_that_it_is_gone_too():
    room = group(ann="owner", bob="member")
    room.former["bob"] = room.members.pop("bob")
    room.deleted_by = "ann"
    assert refusal(room, "bob", "view") == "gone"


def test_authorize_gives_room_and_member():
    room = group(ann="owner")
    assert authorize(room, "ann", "view") == (room, room.members["ann"])


# docs/api.md, written out once more: what the host may do without being a user.
HOST_MAY = {"view", "notice", "recall", "retain"}
HOST_MAY_IN_GROUPS = HOST_MAY | {"add", "decide", "remove", "role", "update", "delete", "silence", "announce"}


@pytest.mark.parametrize("action", sorted({*ACTIONS, *HOST_ACTIONS}))
def test_the_host_may_govern_and_not_speak(action):
    for room, allowed in ((group(ann="owner"), HOST_MAY_IN_GROUPS), (direct("ann", "bob"), HOST_MAY)):
        assert refusal(room, HOST, action) == (None if action in allowed else "forbidden")
        room.deleted_by = "ann"
        assert refusal(room, HOST, action) == "gone"
    assert refusal(None, HOST, action) == "not_found"


@pytest.mark.parametrize(
    ("actor", "target", "allowed"),
    [
        ("owner", "owner", True),
        ("owner", "admin", True),
        ("owner", "member", True),
        ("admin", "owner", False),
        ("admin", "admin", False),
        ("admin", "member", True),
        ("member", "member", False),
    ],
)
def test_who_may_remove_whom(actor, target, allowed):
    place = {"joined_at": 0, "first_visible": 1, "read": 0, "read_ordinal": 0}
    assert outranks(Member("a", actor, **place), Member("b", target, **place)) is allowed
