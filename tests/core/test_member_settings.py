"""Nicknames, the part of the log that newcomers see, and groups that hide their members."""

import pytest
from msgspec import UNSET

from chatd.core.erasure_steps import EraseMembership
from chatd.core.read_set import Rules
from chatd.core.room_summary import summary_of
from chatd.protocol.groups import MembersNickname, MembersSilence
from tests.kit.group_requests import add, join, key, last, leave, outcome, rules, say
from tests.kit.memory_writer import MemoryWriter, group


@pytest.fixture
def room():
    return group(ann="owner", bob="admin", cat="member", dan="member")


@pytest.fixture
def writer(room):
    return MemoryWriter(room)


def nickname(room, name, user=UNSET):
    return MembersNickname(room=room.name, key=key(), nickname=name, user=user)


def summary(room, user):
    return summary_of(room, room.members[user], "known")


def test_a_member_has_a_nickname_in_one_group(writer, room):
    writer.ask("cat", nickname(room, " Kitty "))
    event = last(writer, room)
    assert (event.kind, event.user, event.nickname, event.users) == ("nickname", "cat", "Kitty", UNSET)
    assert (summary(room, "cat").nickname, summary(room, "dan").nickname) == ("Kitty", UNSET)
    assert writer.ask("cat", nickname(room, "Kitty")).duplicate
    writer.ask("cat", nickname(room, ""))
    assert (last(writer, room).nickname, room.members["cat"].extras) == ("", b"")


@pytest.mark.parametrize(
    ("user", "name", "target", "code"),
    [("bob", "", "cat", None), ("bob", "Bad", "cat", "forbidden"), ("dan", "", "cat", "forbidden"),
     ("bob", "", "ann", "forbidden"), ("bob", "", "eve", "not_found"), ("", "", "cat", None)],
)  # fmt: skip
def test_an_admin_takes_nicknames_away_and_gives_none(writer, room, user, name, target, code):
    writer.ask("cat", nickname(room, "Kitty"))
    assert outcome(writer, user, nickname(room, name, target)) == code
    if code is None:
        assert (last(writer, room).users, last(writer, room).nickname) == (["cat"], "")


@pytest.mark.parametrize("name", ["a\nb", "‮abc", "e" + "\u0301" * 20])
def test_a_nickname_stays_in_its_line(writer, room, name):
    assert outcome(writer, "cat", nickname(room, name)) == "bad_request"


def test_the_silenced_keep_their_name(writer, room):
    writer.ask("bob", MembersSilence(room=room.name, key=key(), users=["cat"], until=1))
    assert outcome(writer, "cat", nickname(room, "Kitty")) == "forbidden"
    assert summary(room, "cat").silenced_until == 1


def test_a_large_room_logs_no_nickname(room):
    writer = MemoryWriter(room, rules=Rules(large_members=3))
    seq = room.seq
    request = nickname(room, "Kitty")
    writer.ask("cat", request)
    assert (room.seq, summary(room, "cat").nickname) == (seq, "Kitty")


# --- newcomers


@pytest.mark.parametrize(("history", "events", "first"), [("none", 300, 303), ("recent", 300, 103), ("all", 300, 1),
                                                          ("recent", 5, 1)])  # fmt: skip
def test_newcomers_see_what_the_rules_show_and_have_nothing_unread(writer, room, history, events, first):
    if history != "none":
        writer.ask("ann", rules(room, history=history))
    else:
        writer.ask("ann", rules(room, slow_s=1))
    for _ in range(events):
        writer.ask("ann", say(room))
    writer.ask("ann", add(room, "eve"))
    eve = room.members["eve"]
    assert (eve.first_visible, eve.unread(room.ordinal)) == (first, 0)
    writer.ask("ann", say(room))
    assert eve.unread(room.ordinal) == 1


def test_nobody_sees_what_was_purged(writer, room):
    writer.ask("ann", rules(room, history="all"))
    for _ in range(5):
        writer.ask("ann", say(room))
    room.purged = 4
    writer.ask("ann", add(room, "eve"))
    assert room.members["eve"].first_visible == 5


def test_a_group_that_hides_its_members_does_not_say_who_was_erased(writer, room):
    writer.ask("ann", rules(room, hide_members=True))
    seq = room.seq
    writer.ask("", EraseMembership(room.name, "cat"))
    assert (room.seq, "cat" in room.members) == (seq, False)


def test_a_group_that_hides_its_members_logs_neither_who_comes_nor_who_goes(writer, room):
    room.public = True
    writer.ask("ann", rules(room, hide_members=True))
    seq = room.seq
    writer.ask("eve", join(room))
    writer.ask("cat", leave(room))
    assert (room.seq, room.size) == (seq, 4)
