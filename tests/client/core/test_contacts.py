"""The objects of people, between rows, replies and the app (protocol.md, "People")."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.client.core.contacts import (
    Audience,
    Circle,
    Contact,
    Privacy,
    circle_from,
    circles_of,
    contact_from,
    is_untouched,
    packet_of,
    privacy_from,
    row_from,
)

TEXTS = st.text(max_size=3)
VALUES = st.fixed_dictionaries(
    {"state": st.sampled_from(["none", "sent", "received", "friend"])},
    optional={
        "since": st.integers(1),
        "expires_at": st.integers(1),
        **dict.fromkeys(("note", "via", "remark"), TEXTS),
        "circles": st.lists(st.integers(1, 50), unique=True),
        **dict.fromkeys(("following", "blocked"), st.just(True)),
    },
)
AUDIENCES = st.builds(
    Audience,
    st.sampled_from(["everyone", "friends", "nobody"]),
    *[st.lists(st.integers(1, 50), unique=True).map(tuple)] * 2,
)


@given(st.integers(1), VALUES)
def test_a_contact_has_what_its_row_or_reply_has(stamp, value):
    row = {"name": "bob", "stamp": stamp, "value": value}
    assert row_from({"user": "bob", "stamp": stamp, **value}) == row
    contact = contact_from(row)
    assert (contact.user, contact.stamp, list(contact.circles)) == ("bob", stamp, value.get("circles", []))
    assert all(getattr(contact, name) == held for name, held in value.items() if name != "circles")


def test_what_is_not_known_is_ignored():
    row = {"name": "bob", "stamp": 1, "value": {"state": "a state of later", "starred": True}}
    assert contact_from(row) == Contact("bob", 1)
    assert circle_from({"number": 1, "name": "Bikes", "since": 5, "color": "red"}) == Circle(1, "Bikes", 5)


def test_a_contact_with_a_stamp_alone_is_a_row_that_is_gone():
    assert row_from({"user": "bob", "stamp": 9}) == {"name": "bob", "stamp": 9}


@given(st.dictionaries(st.sampled_from(["write", "presence", "one of later"]), AUDIENCES), st.booleans())
def test_rules_are_sent_as_they_come(rules, locked):
    packets = {name: packet_of(rule) for name, rule in rules.items()}
    assert privacy_from({"rules": packets, "locked": locked}) == Privacy(rules, locked)
    assert all(held for packet in packets.values() for held in packet.values())


def test_who_was_in_an_earlier_circle_of_a_number_is_not_in_the_new_one():
    circles = {2: Circle(2, "Bikes", since=50)}
    assert circles_of(Contact("ann", 60, circles=(1, 2)), circles) == [2]
    assert circles_of(Contact("ann", 50, circles=(2,)), circles) == [2]
    assert circles_of(Contact("bob", 49, circles=(2,)), circles) == []


@pytest.mark.parametrize(
    ("names", "untouched"),
    [(["remark"], False), (["blocked"], True), (["blocked", "remark"], False), ([], True)],
)
def test_only_what_a_change_names_is_compared(names, untouched):
    before, now = Contact("bob", 5, remark="Bo"), Contact("bob", 7, state="friend", remark="Robert")
    assert is_untouched(names, before, now) is untouched
