from typing import Any

import pytest

from chatd.core.accounts import Amend
from chatd.core.event_feed import StoredEntry
from chatd.core.profiles import Card, packed
from chatd.core.push_registrations import ChangedRegistration
from chatd.core.read_set import PeopleRules, Rules
from chatd.core.sections import ACCOUNT, ChangedRow
from chatd.core.users import Account
from chatd.protocol.codec import decode_tree
from chatd.protocol.errors import Refused
from chatd.protocol.limits import PAGE_BYTES_MAX
from chatd.protocol.users import CardField, Page, Profile, ProfileSet, Theme
from tests.kit.memory_writer import MemoryWriter

PEOPLE = Rules(people=PeopleRules(enabled=True))
WHOLE = ProfileSet(
    name="Ann",
    avatar="a.jpg",
    handle="Ann.k",
    cover="c.jpg",
    theme=Theme("dusk", ["#102030"]),
    bio="Two wheels.",
    fields=[CardField("City", "Ghent"), CardField("Phone", "12", to="friends")],
    data={"mood": 1},
)


@pytest.fixture
def writer() -> MemoryWriter:
    return MemoryWriter(rules=PEOPLE)


def refused(writer: MemoryWriter, user: str, request: Any) -> tuple[str, str | None]:
    """The code and field of a refusal that changed nothing."""
    with pytest.raises(Refused) as refusal:
        writer.ask(user, request)
    assert writer.writes.empty
    return refusal.value.code, refusal.value.field


def test_a_change_writes_the_account_the_card_and_one_row_for_the_devices(writer: MemoryWriter) -> None:
    profile = writer.ask("ann", WHOLE).profile
    assert (profile.name, profile.handle, profile.version) == ("Ann", "ann.k", 1)
    assert profile.page.fields == WHOLE.fields
    assert {kind: len(records) for kind, records in writer.writes.records.items()} == {
        StoredEntry: 1,
        Account: 1,
        Card: 1,
        ChangedRow: 1,
    }
    (row,) = writer.writes.records_of(ChangedRow)
    assert (row.user, row.section, row.name) == ("ann", ACCOUNT, "profile")
    assert row.value is not None
    assert decode_tree(row.value)["page"]["data"] == {"mood": 1}
    assert "user" not in decode_tree(row.value)


def test_what_is_absent_stays_and_what_is_empty_goes(writer: MemoryWriter) -> None:
    writer.ask("ann", WHOLE)
    page = writer.ask("ann", ProfileSet(bio="", theme=Theme(), data=None)).profile.page
    assert page == Page(cover="c.jpg", fields=WHOLE.fields)
    profile = writer.ask("ann", ProfileSet(name="", avatar="", handle="", cover="", fields=[])).profile
    assert profile == Profile("ann", version=3)


def test_a_value_that_is_set_already_changes_nothing(writer: MemoryWriter) -> None:
    before = writer.ask("ann", WHOLE).profile
    assert writer.ask("ann", WHOLE).profile == before
    assert writer.writes.empty


def test_of_two_who_want_a_handle_at_once_one_has_it(writer: MemoryWriter) -> None:
    first, second = writer.batch(
        [("ann", ProfileSet(handle="the_one")), ("bob", ProfileSet(handle="The_One"))]
    )
    assert first.profile.handle == "the_one"
    assert (second.code, second.field) == ("conflict", "handle")
    assert refused(writer, "eve", ProfileSet(handle="THE_ONE")) == ("conflict", "handle")


def test_a_handle_that_is_given_back_is_free_at_once(writer: MemoryWriter) -> None:
    writer.ask("ann", ProfileSet(handle="the_one"))
    replies = writer.batch(
        [
            ("ann", ProfileSet(handle="another")),
            ("bob", ProfileSet(handle="the_one")),
            ("ann", ProfileSet(handle="the_one")),
        ]
    )
    assert [getattr(reply, "code", None) for reply in replies] == [None, None, "conflict"]
    assert {user: card.handle for user, card in writer.cards.items()} == {"ann": "another", "bob": "the_one"}


def test_a_badge_locks_name_and_handle_for_the_phone_and_nothing_else(writer: MemoryWriter) -> None:
    writer.ask("ann", Amend(name="Ann", handle="ann.k", verified="staff"))
    assert refused(writer, "ann", ProfileSet(name="Bank")) == ("forbidden", "name")
    assert refused(writer, "ann", ProfileSet(handle="")) == ("forbidden", "handle")
    profile = writer.ask("ann", ProfileSet(name="Ann", handle="Ann.K", bio="Hello", avatar="a.jpg")).profile
    assert (profile.verified, profile.page.bio, profile.version) == ("staff", "Hello", 2)
    writer.ask("ann", Amend(name="Ann Miller"))
    assert writer.accounts["ann"].name == "Ann Miller"


def test_cards_of_the_host_are_left_to_it() -> None:
    writer = MemoryWriter(rules=Rules(people=PeopleRules(enabled=True, host_owns=frozenset({"profiles"}))))
    assert refused(writer, "ann", ProfileSet(bio="x")) == ("not_supported", None)
    writer.ask("ann", Amend(handle="ann.k", page=packed(Page(bio="x"))))
    assert writer.cards["ann"] == Card("ann", "ann.k", "", packed(Page(bio="x")))


def test_a_page_has_a_size(writer: MemoryWriter) -> None:
    empty = len(packed(Page(data="")))
    data = "x" * (PAGE_BYTES_MAX - empty - 2)
    assert refused(writer, "ann", ProfileSet(data=data + "x")) == ("too_large", None)
    writer.ask("ann", ProfileSet(data=data))
    assert len(writer.cards["ann"].page) == PAGE_BYTES_MAX


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (ProfileSet(name="a\nb"), "name"),
        (ProfileSet(theme=Theme("\N{RIGHT-TO-LEFT OVERRIDE}")), "theme.name"),
        (ProfileSet(bio="\x07"), "bio"),
        (ProfileSet(fields=[CardField("a", "b"), CardField("a\nb", "b")]), "fields[1].name"),
        (ProfileSet(fields=[CardField("a", "\x00")]), "fields[0].value"),
    ],
)
def test_texts_have_a_form(writer: MemoryWriter, request_: ProfileSet, field: str) -> None:
    assert refused(writer, "ann", request_) == ("bad_request", field)


def test_the_host_may_not_take_a_handle_or_write_a_name_that_nobody_may(writer: MemoryWriter) -> None:
    writer.ask("bob", ProfileSet(handle="bob"))
    assert refused(writer, "ann", Amend(name="Ann", handle="bob")) == ("conflict", "handle")
    assert refused(writer, "ann", Amend(name="A\nB")) == ("bad_request", "name")


def test_a_change_of_the_account_alone_leaves_the_card(writer: MemoryWriter) -> None:
    writer.ask("ann", WHOLE)
    writer.ask("ann", Amend(disabled=True))
    assert writer.accounts["ann"].version == 1
    assert [*writer.writes.records] == [StoredEntry, ChangedRegistration, Account]


def test_where_people_are_off_a_name_is_all_there_is() -> None:
    writer = MemoryWriter()
    writer.ask("ann", Amend(name="Ann", avatar="a.jpg"))
    assert writer.accounts["ann"].version == 1
    assert [*writer.writes.records] == [StoredEntry, Account]
    assert refused(writer, "ann", Amend(handle="ann.k")) == ("not_supported", None)
