import pytest

from chatd.core.push_alerts import Alert, ToldAlerts
from chatd.core.read_set import PeopleRules, Rules
from chatd.core.room import Room
from chatd.protocol.friends import ContactSet, FriendAccept, FriendCancel, FriendDecline, FriendRequest
from tests.kit.entering import ASK, EVE, YES, decide, invite_of, lets, room_of, use
from tests.kit.group_requests import add, creation, join
from tests.kit.memory_writer import MemoryWriter

PEOPLE = PeopleRules(enabled=True)


@pytest.fixture
def writer() -> MemoryWriter:
    return MemoryWriter(rules=Rules(people=PEOPLE, push=True))


def alerts(writer: MemoryWriter) -> list[Alert]:
    return [*writer.writes.records_of(Alert)]


def test_a_friend_request_is_told_once(writer: MemoryWriter) -> None:
    writer.ask("ann", FriendRequest(user="bob", note="hello"))
    assert alerts(writer) == [Alert("bob", "friend", "ann", writer.now)]
    writer.ask("ann", FriendRequest(user="bob"))
    assert alerts(writer) == []
    writer.ask("bob", FriendAccept(user="ann"))
    assert alerts(writer) == []


def test_a_request_that_its_receiver_is_not_shown_alerts_nobody(writer: MemoryWriter) -> None:
    writer.ask("ann", FriendRequest(user="bob"))
    writer.ask("bob", FriendDecline(user="ann"))
    writer.ask("ann", FriendCancel(user="bob"))
    writer.ask("ann", FriendRequest(user="bob"))
    assert alerts(writer) == []
    writer.ask("bob", ContactSet(user="cat", blocked=True))
    writer.batch([("cat", FriendRequest(user="bob"))])
    assert alerts(writer) == []


def test_nothing_is_noted_where_push_is_off() -> None:
    writer = MemoryWriter(rules=Rules(people=PEOPLE))
    writer.ask("ann", FriendRequest(user="bob"))
    assert alerts(writer) == []


def test_what_was_told_is_forgotten(writer: MemoryWriter) -> None:
    writer.ask("", ToldAlerts(7))
    assert writer.writes.records == {ToldAlerts: [ToldAlerts(7)]}


def told(writer: MemoryWriter) -> list[tuple[str, str, str, int]]:
    return sorted((one.user, one.kind, one.author, one.room) for one in alerts(writer))


def entering(**policy: object) -> tuple[Room, MemoryWriter]:
    room = room_of(**policy)
    return room, MemoryWriter(room, rules=Rules(people=PEOPLE, push=True))


def test_whoever_is_added_or_offered_a_group_is_told_and_nobody_else() -> None:
    room, writer = entering()
    lets(writer, EVE, ASK)
    lets(writer, "dan", YES)
    writer.ask("bob", add(room, EVE, "dan"))
    assert told(writer) == [("dan", "invite", "bob", room.number), (EVE, "offer", "bob", room.number)]
    writer.ask("bob", add(room, EVE, "dan"))
    assert told(writer) == []
    writer.ask(EVE, join(room))
    assert told(writer) == []
    writer.ask("fay", use(invite_of(writer, room)))
    assert told(writer) == []


def test_who_is_in_a_new_group_or_offered_it_is_told() -> None:
    _, writer = entering()
    lets(writer, EVE, ASK)
    lets(writer, "dan", YES)
    writer.ask("ann", creation(EVE, "dan"))
    (made,) = writer.writes.created
    assert told(writer) == [("dan", "invite", "ann", made.number), (EVE, "offer", "ann", made.number)]


def test_each_admin_is_told_of_a_request_and_who_asked_of_its_acceptance_alone() -> None:
    room, writer = entering(join="request")
    for user in (EVE, "dan"):
        writer.ask(user, join(room))
        assert told(writer) == [(admin, "join", user, room.number) for admin in ("ann", "bob")]
        writer.ask(user, join(room))
        assert told(writer) == []
    writer.ask("ann", decide(room, "dan", accept=False))
    assert told(writer) == []
    writer.ask("ann", decide(room, EVE))
    assert told(writer) == [(EVE, "accepted", "ann", room.number)]


def test_who_asked_and_is_added_is_accepted() -> None:
    room, writer = entering(join="request")
    lets(writer, EVE, YES)
    writer.ask(EVE, join(room))
    writer.ask("bob", add(room, EVE))
    assert told(writer) == [(EVE, "accepted", "bob", room.number)]
