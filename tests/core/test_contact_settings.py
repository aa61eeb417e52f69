from typing import Any

import pytest
from msgspec import UNSET, msgpack

from chatd.core import contact_settings
from chatd.core.contacts import Contact
from chatd.core.read_set import PeopleRules, Rules
from chatd.core.sections import ACCOUNT, CONTACTS, ChangedRow
from chatd.protocol.errors import Refused
from chatd.protocol.friends import (
    Circle,
    CircleDelete,
    CircleSet,
    ContactSet,
    FriendAccept,
    FriendRemove,
    FriendRequest,
)
from chatd.protocol.limits import CIRCLES_MAX
from chatd.protocol.privacy import Audience, PrivacySet
from tests.kit.memory_writer import MemoryWriter


@pytest.fixture
def writer():
    """ann and bob are friends."""
    made = MemoryWriter(rules=Rules(people=PeopleRules(enabled=True, friends_max=10)))
    made.ask("ann", FriendRequest(user="bob"))
    made.ask("bob", FriendAccept(user="ann"))
    return made


def code(writer: MemoryWriter, request: Any) -> tuple[str, str | None]:
    with pytest.raises(Refused) as refused:
        writer.ask("ann", request)
    assert writer.writes.empty
    return refused.value.code, refused.value.field


def circles(writer: MemoryWriter) -> list[Circle] | None:
    value = writer.rows["ann", ACCOUNT, "circles"].value
    return None if value is None else msgpack.decode(value, type=list[Circle])


def test_what_is_kept_of_another_is_told_to_the_own_devices_only(writer):
    before = writer.contacts["bob", "ann"]
    kept = writer.ask("ann", ContactSet(user="bob", remark="Rob", following=True)).contact
    assert (kept.state, kept.remark, kept.following, kept.stamp) == ("friend", "Rob", True, writer.stamp)
    assert {row.user for row in writer.writes.records_of(ChangedRow)} == {"ann"}
    assert writer.contacts["bob", "ann"] == before
    assert writer.ask("ann", ContactSet(user="bob", remark="Rob")).duplicate
    assert writer.ask("ann", ContactSet(user="bob")).duplicate
    left = writer.ask("ann", ContactSet(user="bob", remark="", following=False)).contact
    assert (left.remark, left.following) == (UNSET, False)


def test_a_stranger_of_whom_nothing_is_kept_any_more_is_forgotten(writer):
    writer.ask("ann", ContactSet(user="cid", remark="the plumber"))
    gone = writer.ask("ann", ContactSet(user="cid", remark="")).contact
    assert (gone.state, gone.stamp) == ("none", writer.stamp)
    assert writer.rows["ann", CONTACTS, "cid"].value is None


def test_friends_are_in_circles_and_strangers_are_not(writer):
    family, bikes = (writer.ask("ann", CircleSet(name=name)).circle.number for name in ("Family", "Bikes"))
    assert writer.ask("ann", ContactSet(user="bob", circles=[bikes, family])).contact.circles == [1, 2]
    assert writer.ask("ann", ContactSet(user="bob", circles=[1, 2, 2])).duplicate
    assert code(writer, ContactSet(user="bob", circles=[3])) == ("not_found", "circles")
    assert code(writer, ContactSet(user="cid", circles=[1])) == ("conflict", "circles")
    assert writer.ask("ann", ContactSet(user="cid", circles=[])).duplicate
    writer.ask("bob", FriendRemove(user="ann"))
    assert writer.contacts["ann", "bob"].circles == 0


def test_circles_are_one_row_and_a_name_is_given_once(writer):
    made = writer.ask("ann", CircleSet(name="Family")).circle
    assert circles(writer) == [made] == [Circle(1, "Family", writer.stamp)]
    again = writer.ask("ann", CircleSet(name="Family"))
    assert (again.circle, again.duplicate) == (made, True)
    writer.ask("ann", CircleSet(name="Bikes"))
    assert code(writer, CircleSet(number=2, name="Family")) == ("conflict", "name")
    assert code(writer, CircleSet(number=3, name="Work")) == ("not_found", "number")
    assert writer.ask("ann", CircleSet(number=2, name="Bikes")).duplicate
    renamed = writer.ask("ann", CircleSet(number=1, name="Kin")).circle
    assert renamed == Circle(1, "Kin", made.since)


def test_there_are_as_many_circles_as_bits(writer):
    for number in range(CIRCLES_MAX):
        assert writer.ask("ann", CircleSet(name=str(number))).circle.number == number + 1
    assert code(writer, CircleSet(name="one more")) == ("too_large", None)


def test_a_circle_of_a_number_that_was_used_before_is_empty(writer):
    """Nobody's row changes when a circle goes: its `since` says which rows are meant."""
    first = writer.ask("ann", CircleSet(name="Family")).circle
    stamp = writer.ask("ann", ContactSet(user="bob", circles=[1])).contact.stamp
    writer.ask("ann", CircleDelete(number=1))
    assert circles(writer) is None
    assert not writer.writes.records_of(Contact)
    assert (writer.contacts["ann", "bob"].circles, writer.contacts["ann", "bob"].stamp) == (0, stamp)
    second = writer.ask("ann", CircleSet(name="Work")).circle
    assert first.since <= stamp < second.since
    assert code(writer, CircleDelete(number=2)) == ("not_found", "number")


def test_privacy_does_not_mean_the_next_circle_of_a_number(writer):
    writer.ask("ann", CircleSet(name="Family"))
    writer.ask("ann", CircleSet(name="Work"))
    rules = {"presence": Audience("nobody", allow=(1, 2)), "page": Audience("everyone", deny=(1,))}
    writer.ask("ann", PrivacySet(rules=rules))
    writer.ask("ann", CircleDelete(number=1))
    assert writer.rules_of("ann") == {
        "presence": Audience("nobody", allow=(2,)), "page": Audience("everyone"),
    }  # fmt: skip


def test_within_one_batch_only_the_later_circle_of_a_number_has_members(writer):
    """Also what is pushed of the batch says so."""
    writer.ask("ann", CircleSet(name="Family"))
    replies = writer.batch(
        [
            ("ann", ContactSet(user="bob", circles=[1])),
            ("ann", CircleDelete(number=1)),
            ("ann", CircleSet(name="Work")),
        ]
    )
    assert replies[2].circle.number == 1  # type: ignore[union-attr]
    assert writer.contacts["ann", "bob"].circles == 0
    value = writer.rows["ann", CONTACTS, "bob"].value
    assert value is not None
    assert "circles" not in msgpack.decode(value)
    writer.batch(
        [
            ("ann", CircleDelete(number=1)),
            ("ann", CircleSet(name="Choir")),
            ("ann", ContactSet(user="bob", circles=[1])),
        ]
    )
    assert writer.contacts["ann", "bob"].circles == 2


@pytest.mark.parametrize(
    ("limit", "key"), [("FOLLOWS_MAX", "following"), ("BLOCKS_MAX", "blocked"), ("OTHERS_MAX", "user")]
)
def test_nobody_keeps_more_of_others_than_they_may(writer, monkeypatch, limit, key):
    monkeypatch.setattr(contact_settings, limit, 2 if key != "user" else -7)
    keys = {key: True} if key != "user" else {"remark": "x"}
    for user in ("cid", "dan"):
        writer.ask("ann", ContactSet(user=user, **keys))
    assert code(writer, ContactSet(user="eve", **keys)) == ("too_large", key)
    writer.ask("ann", ContactSet(user="cid", remark="Sid"))
