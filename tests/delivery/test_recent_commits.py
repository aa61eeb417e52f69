from itertools import count

import pytest

from chatd.core.users import Account
from chatd.delivery.recent_commits import KEPT, Recent
from chatd.protocol.objects import Body
from chatd.protocol.requests import Read, Send
from tests.kit.desk import Desk, direct, group

numbers = count(1)


@pytest.fixture
def desk():
    return Desk(group(1, ann="owner", bob="member"), group(2, eve="owner"), direct("ann", "bob", 3))


def told(desk, *asked):
    """What is known after these were committed, one commit each, beginning with number 1."""
    recent = Recent()
    for user, request in asked:
        desk.ask(user, request)
        recent.note(desk.work)
    return recent


def says(room):
    return Send(room=room, key=f"{next(numbers):022d}", body=Body(text="x"))


def test_a_commit_concerns_its_room_for_who_read_before_it(desk):
    recent = told(desk, ("ann", says(desk.room(1).name)))
    assert recent.concerns(0, "bob", [1])
    assert not recent.concerns(1, "bob", [1])
    assert not recent.concerns(0, "eve", [2])
    assert not recent.concerns(0, "eve", [])


def test_a_commit_concerns_the_user_whose_row_it_changes_in_whatever_room(desk):
    recent = told(desk, ("ann", says(desk.room(1).name)), ("bob", Read(room=desk.room(1).name, seq=1)))
    assert recent.concerns(1, "bob", [])
    assert not recent.concerns(1, "ann", [1])


def test_a_read_in_a_direct_room_concerns_the_peer_who_sees_the_watermark(desk):
    name = desk.room(3).name
    recent = told(desk, ("ann", says(name)), ("bob", Read(room=name, seq=2)))
    assert recent.concerns(1, "ann", [3])


def test_what_is_known_of_accounts_concerns_their_users(desk):
    recent = Recent()
    desk.ask("ann", says(desk.room(1).name))
    desk.work.accounts.append(Account("eve"))
    recent.note(desk.work)
    assert recent.concerns(0, "eve", [])


def test_nothing_is_left_of_what_stored_nothing(desk):
    recent = told(desk, ("ann", says(desk.room(1).name)))
    desk.work.stamp += 1
    desk.work.rooms.clear()
    desk.work.members.clear()
    for _ in range(KEPT):
        recent.note(desk.work)
    assert not recent.concerns(1, "ann", [1])
    assert not recent.concerns(0, "eve", [2])


def test_what_is_too_long_ago_to_know_concerns_everybody(desk):
    recent = told(desk, *(("ann", says(desk.room(1).name)) for _ in range(KEPT + 1)))
    assert recent.concerns(0, "eve", [2])
    assert not recent.concerns(1, "eve", [2])
    assert not Recent().concerns(0, "eve", [2])
