import pytest

from chatd.core.push_alerts import Alert, ToldAlerts
from chatd.core.read_set import PeopleRules, Rules
from chatd.protocol.friends import ContactSet, FriendAccept, FriendCancel, FriendDecline, FriendRequest
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
