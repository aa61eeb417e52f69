"""Removal with a ban, and with what was written (core/bans.py)."""

import pytest
from msgspec.structs import replace

from chatd.core.bans import RECALLED_MAX
from chatd.core.permissions import authorize
from chatd.core.read_set import DAY_MS, Rules
from chatd.core.room_steps import MemberLeft
from chatd.protocol.errors import Refused
from chatd.protocol.groups import MembersUnban
from chatd.protocol.members import MembersRemove
from chatd.protocol.rooms import RoomDelete
from tests.kit.group_requests import add, join, key, last, leave, outcome, remove, roles, roles_of, say
from tests.kit.memory_writer import MemoryWriter, group


@pytest.fixture
def room():
    return group(ann="owner", bob="admin", cat="member", dan="member")


@pytest.fixture
def writer(room):
    return MemoryWriter(room)


def ban(room, *users, **options):
    return MembersRemove(room=room.name, key=key(), users=[*users], ban=True, **options)


def unban(room, *users):
    return MembersUnban(room=room.name, key=key(), users=[*users])


def code_of_look(room, user):
    with pytest.raises(Refused) as refused:
        authorize(room, user, "view")
    return refused.value.code


def test_a_ban_looks_like_a_removal(writer, room):
    writer.ask("bob", ban(room, "cat"))
    event = last(writer, room)
    assert (event.kind, event.user, event.users) == ("removed", "bob", ["cat"])
    (step,) = [one for one in writer.writes.steps[room.number] if isinstance(one, MemberLeft)]
    assert (step.user, step.reason) == ("cat", "removed")
    assert (room.former["cat"].gone, code_of_look(room, "cat")) == ("banned", "not_member")


def test_who_is_banned_neither_joins_nor_is_added(writer, room):
    room.public = True
    writer.ask("bob", ban(room, "cat"))
    assert outcome(writer, "cat", join(room)) == "not_member"
    reply = writer.ask("ann", add(room, "cat", "eve"))
    assert (reply.not_added, "eve" in room.members) == (["cat"], True)


def test_a_ban_is_over_at_its_time(writer, room):
    room.public = True
    writer.ask("bob", ban(room, "cat", until=writer.now + 1000))
    writer.now += 999
    assert outcome(writer, "cat", join(room)) == "not_member"
    writer.now += 1
    assert outcome(writer, "cat", join(room)) is None
    assert (room.members["cat"].gone, room.members["cat"].extras) == (None, b"")


def test_an_admin_takes_a_ban_back(writer, room):
    room.public = True
    writer.ask("bob", ban(room, "cat", until=writer.now + 1000))
    writer.ask("bob", unban(room, "cat", "dan", "eve"))
    assert (room.former["cat"].gone, room.former["cat"].extras) == ("removed", b"")
    assert writer.ask("bob", unban(room, "cat")).duplicate
    assert outcome(writer, "cat", join(room)) is None


def test_a_deleted_room_is_none_to_who_was_banned_and_never_in_it(writer, room):
    writer.ask("bob", ban(room, "eve", "cat"))
    writer.ask("ann", RoomDelete(room=room.name, key=key()))
    assert (outcome(writer, "eve", join(room)), outcome(writer, "cat", join(room))) == ("not_found", "gone")


def test_who_was_removed_or_left_is_banned_afterwards_and_nothing_is_told(writer, room):
    writer.ask("cat", leave(room))
    writer.ask("bob", remove(room, "dan"))
    seq = room.seq
    writer.ask("bob", ban(room, "cat", "dan"))
    assert ({user: one.gone for user, one in room.former.items()}, room.seq) == (
        {"cat": "banned", "dan": "banned"}, seq)  # fmt: skip


def test_who_was_never_a_member_is_banned_and_learns_nothing_of_the_room(writer, room):
    writer.ask("bob", ban(room, "eve"))
    assert code_of_look(room, "eve") == code_of_look(room, "fay") == "not_found"
    assert [outcome(writer, user, join(room)) for user in ("eve", "fay")] == ["not_found"] * 2
    assert writer.ask("ann", add(room, "eve")).not_added == ["eve"]
    writer.ask("bob", unban(room, "eve"))
    assert code_of_look(room, "eve") == "not_found"
    assert outcome(writer, "ann", add(room, "eve")) is None
    assert room.members["eve"].joined_at == writer.now


def test_a_ban_that_holds_is_a_duplicate_unless_it_ends_at_another_time(writer, room):
    writer.ask("bob", ban(room, "cat"))
    assert writer.ask("bob", ban(room, "cat")).duplicate
    assert not writer.ask("bob", ban(room, "cat", until=writer.now + 5)).duplicate


@pytest.mark.parametrize(
    ("user", "request_of", "code"),
    [
        ("bob", lambda room, now: ban(room, "ann"), "forbidden"),
        ("bob", lambda room, now: ban(room, "cat", "ann"), "forbidden"),
        ("cat", lambda room, now: ban(room, "dan"), "forbidden"),
        ("cat", lambda room, now: unban(room, "dan"), "forbidden"),
        ("bob", lambda room, now: ban(room, "bob"), "bad_request"),
        ("bob", lambda room, now: ban(room, "cat", until=now), "bad_request"),
        (
            "bob",
            lambda room, now: replace(ban(room, "cat", until=now + 9), ban=False),
            "bad_request",
        ),
        ("", lambda room, now: ban(room, "ann"), None),
    ],
)
def test_one_bans_whom_one_could_remove(writer, room, user, request_of, code):
    assert outcome(writer, user, request_of(room, writer.now)) == code


def test_bans_have_a_bound():
    room = group(ann="owner")
    writer = MemoryWriter(room, rules=Rules(bans_max=2))
    writer.ask("ann", ban(room, "eve", "fay"))
    assert outcome(writer, "ann", ban(room, "gus")) == "quota"
    writer.ask("ann", ban(room, "fay", until=writer.now + 5))
    writer.ask("ann", unban(room, "eve"))
    assert outcome(writer, "ann", ban(room, "gus")) is None


# --- with what they wrote


def removal(room, *users, **options):
    return MembersRemove(room=room.name, key=key(), users=[*users], recall=True, **options)


def test_what_they_wrote_in_a_day_goes_in_one_event_each(writer, room):
    old = writer.ask("cat", say(room, "old")).seq
    writer.now += DAY_MS
    first, _, third = (writer.ask(user, say(room)).seq for user in ("cat", "dan", "cat"))
    writer.ask("bob", removal(room, "cat"))
    removed, erased = writer.events(room)[-2:]
    assert (removed.kind, erased.kind, erased.user, erased.from_, erased.to) == (
        "removed", "erased", "cat", first, third)  # fmt: skip
    gone = [seq for seq in range(old, third + 1) if writer.message(room, seq).recalled is True]
    assert gone == [first, third]


def test_what_somebody_wrote_goes_after_they_left_and_again_it_is_a_duplicate(writer, room):
    seq = writer.ask("cat", say(room)).seq
    writer.ask("cat", leave(room))
    writer.ask("bob", removal(room, "cat"))
    assert (writer.message(room, seq).recalled, last(writer, room).kind) == (True, "erased")
    assert writer.ask("bob", removal(room, "cat")).duplicate


def test_a_repeated_removal_is_a_duplicate_with_its_first_reply(writer, room):
    writer.ask("cat", say(room))
    request = removal(room, "cat", ban=True)
    first, again = writer.ask("bob", request), writer.ask("bob", request)
    assert (again.duplicate, again.seq) == (True, first.seq)


def test_a_commit_recalls_so_many():
    assert RECALLED_MAX == 500


# --- a group is handed over, and dismissed


def test_an_owner_hands_the_group_over_in_one_request(writer, room):
    writer.ask("ann", roles(room, bob="owner", ann="member"))
    assert roles_of(room) == {"ann": "member", "bob": "owner", "cat": "member", "dan": "member"}
    assert outcome(writer, "ann", roles(room, ann="owner")) == "forbidden"
