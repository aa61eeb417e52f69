from itertools import count

import pytest

from chatd.core.users import Account
from chatd.delivery.recent_commits import KEPT, OF_USERS, RecentCommits
from chatd.protocol.messages import Body, Send
from chatd.protocol.read_state import Read
from chatd.server.capability import combined
from tests.kit.bookmarks import BOOKMARKS, Bookmark
from tests.kit.memory_writer import MemoryWriter, direct, group

numbers = count(1)


@pytest.fixture
def writer():
    return MemoryWriter(group(1, ann="owner", bob="member"), group(2, eve="owner"), direct("ann", "bob", 3))


def told(writer, *asked):
    """The recent commits after these, one commit each, beginning with number 1."""
    recent_commits = RecentCommits()
    for user, request in asked:
        writer.ask(user, request)
        recent_commits.note(writer.writes)
    return recent_commits


def says(room):
    return Send(room=room, key=f"{next(numbers):022d}", body=Body(text="x"))


def test_a_commit_concerns_its_room_for_who_read_before_it(writer):
    recent_commits = told(writer, ("ann", says(writer.room(1).name)))
    assert recent_commits.concerns(0, "bob", [1])
    assert not recent_commits.concerns(1, "bob", [1])
    assert not recent_commits.concerns(0, "eve", [2])
    assert not recent_commits.concerns(0, "eve", [])


def test_a_commit_concerns_the_user_whose_row_it_changes_in_whatever_room(writer):
    recent_commits = told(
        writer, ("ann", says(writer.room(1).name)), ("bob", Read(room=writer.room(1).name, seq=1))
    )
    assert recent_commits.concerns(1, "bob", [])
    assert not recent_commits.concerns(1, "ann", [1])


def test_a_read_in_a_direct_room_concerns_the_peer_who_sees_the_watermark(writer):
    name = writer.room(3).name
    recent_commits = told(writer, ("ann", says(name)), ("bob", Read(room=name, seq=2)))
    assert recent_commits.concerns(1, "ann", [3])


def test_what_is_known_of_accounts_concerns_their_users(writer):
    recent_commits = RecentCommits()
    writer.ask("ann", says(writer.room(1).name))
    writer.writes.add(Account("eve"))
    recent_commits.note(writer.writes)
    assert recent_commits.concerns(0, "eve", [])


def test_a_record_from_outside_concerns_its_user_where_it_is_registered(writer):
    writer.ask("ann", says(writer.room(1).name))
    writer.writes.add(Bookmark("eve", "g", 1, "x"))
    for of_users, concerned in ((OF_USERS, False), (combined([BOOKMARKS]).of_users, True)):
        recent_commits = RecentCommits(of_users)
        recent_commits.note(writer.writes)
        assert recent_commits.concerns(0, "eve", []) is concerned


def test_nothing_is_left_of_what_stored_nothing(writer):
    recent_commits = told(writer, ("ann", says(writer.room(1).name)))
    writer.writes.stamp += 1
    writer.writes.rooms.clear()
    writer.writes.members.clear()
    for _ in range(KEPT):
        recent_commits.note(writer.writes)
    assert not recent_commits.concerns(1, "ann", [1])
    assert not recent_commits.concerns(0, "eve", [2])


def test_what_is_too_long_ago_to_know_concerns_everybody(writer):
    recent_commits = told(writer, *(("ann", says(writer.room(1).name)) for _ in range(KEPT + 1)))
    assert recent_commits.concerns(0, "eve", [2])
    assert not recent_commits.concerns(1, "eve", [2])
    assert not RecentCommits().concerns(0, "eve", [2])
