"""Contacts, circles, privacy and cards of one account (protocol.md, "People")."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.client.core.changes import (
    AccountChanged,
    CirclesChanged,
    ContactsChanged,
    PrivacyChanged,
    ProfileChanged,
    UsersChanged,
)
from chatd.client.core.people import CARDS_MS, PeopleAccount
from chatd.client.core.records import put
from tests.client.core.test_account import Delegate, events, summary, text

NOW = 1_763_900_000_000
HELLO = {"user": "me", "epoch": "e1", "features": ["people", "account"]}


def account_with(told, tables=None):
    account = PeopleAccount(told, 1000)
    account.restore(tables or {})
    account.take_hello(HELLO)
    return account


def contact(user, stamp, **value):
    return {"name": user, "stamp": stamp, **({"value": value} if value else {})}


def page(*contacts, more="", **keys):
    last = {"more": more} if more else {"cursor": "c"}
    return {"rooms": [], "sections": {"contacts": list(contacts)}, **last, **keys}


def stored(account, tables=None):
    tables = {} if tables is None else tables
    for record in account.records():
        put(tables, record)
    return tables


@pytest.fixture
def told():
    return Delegate()


@pytest.fixture
def account(told):
    return account_with(told)


# --- contacts


# What the server ever had of three users: each state of a row once, with its stamp.
HISTORY = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "carol"]),
        st.fixed_dictionaries(
            {},
            optional={
                "state": st.sampled_from(["sent", "received", "friend", "a state of later"]),
                "remark": st.sampled_from(["Ann", "Bo"]),
                "blocked": st.just(True),
            },
        ),
    ),
    max_size=12,
).map(lambda states: [contact(user, stamp, **value) for stamp, (user, value) in enumerate(states, 1)])


@given(HISTORY, st.data())
def test_contacts_are_those_of_the_highest_stamps_however_rows_come(history, data):
    """By pages, by pushes, by replies, twice, late, or from the storage."""
    told = Delegate()
    account = account_with(told)
    tables = {}
    for row in data.draw(st.permutations(history * 2)):
        way = data.draw(st.sampled_from(["page", "push", "reply", "restart"]))
        if way == "page":
            account.take_sync(page(row))
        elif way == "push":
            account.take_push({"type": "account", "sections": {"contacts": [row]}})
        elif way == "reply":
            account.take_contact({"user": row["name"], "stamp": row["stamp"], **row.get("value", {})})
        else:
            account = account_with(told, stored(account, tables))
            account.take_sync(page(row))
    last = {row["name"]: row for row in history}
    held = {user: row["value"] for user, row in last.items() if "value" in row}
    assert {user: (one.remark, one.blocked) for user, one in account.contacts.items()} == {
        user: (value.get("remark", ""), value.get("blocked", False)) for user, value in held.items()
    }
    assert account.owner.blocked == {user for user, value in held.items() if value.get("blocked")}
    assert {one.state for one in account.contacts.values()} <= {"none", "sent", "received", "friend"}


def test_a_page_of_contacts_is_one_change(account, told):
    account.take_sync(
        page(contact("ann", 1, state="friend"), contact("bob", 2, state="sent"), contact("bob", 1))
    )
    assert told.of(ContactsChanged) == [ContactsChanged(("ann", "bob"))]


def test_a_full_walk_forgets_whom_it_does_not_name(account):
    account.take_sync(page(contact("ann", 1, state="friend"), contact("bob", 2, blocked=True)))
    account.begin_round()
    account.take_sync(page(contact("ann", 1, state="friend"), full_sections=["contacts"]))
    assert (set(account.contacts), account.owner.blocked) == ({"ann"}, set())


def test_another_epoch_forgets_all(account):
    account.take_sync(page(contact("bob", 99, blocked=True)))
    account.take_hello({**HELLO, "epoch": "e2"})
    assert (account.contacts, account.owner.blocked, account.cards) == ({}, set(), None)


def test_rows_of_the_account_have_changes_of_their_own(account, told):
    names = ["circles", "privacy", "profile", "preferences"]
    rows = [{"name": name, "stamp": 1, "value": []} for name in names]
    account.take_push({"type": "account", "sections": {"account": rows}})
    assert told.changes == [
        CirclesChanged(),
        PrivacyChanged(),
        ProfileChanged(),
        AccountChanged("account", "preferences"),
    ]


# --- blocks and unread numbers


@given(st.lists(st.tuples(st.sampled_from(["ann", "bob", "me"]), st.booleans()), max_size=20), st.data())
def test_messages_of_whom_one_blocks_count_nothing(messages, data):
    """However the log is fed: the number is that of the server, which leaves out whom one blocked when it came."""
    account = account_with(Delegate())
    account.take_sync({"rooms": [summary("g", 1, ordinal=0)], "cursor": "c"})
    account.replica("g").timeline.resume(1)
    account.take_push({"type": "account", "sections": {"contacts": [contact("bob", 1, blocked=True)]}})
    log = [
        text(seq, user, ordinal=seq - 1, body={"mentions": ["me"] if named else []})
        for seq, (user, named) in enumerate(messages, 2)
    ]
    for event in data.draw(st.permutations(log)):
        account.take_push(events("g", event))
    replica = account.replica("g")
    assert replica.badge == replica.unread == sum(user == "ann" for user, _ in messages)
    assert replica.unread_mentions == sum(user == "ann" and named for user, named in messages)


def test_early_messages_of_whom_one_blocks_are_no_part_of_the_badge(account):
    account.take_sync({"rooms": [summary("g", 1, ordinal=0)], "cursor": "c"})
    account.replica("g").timeline.resume(1)
    account.take_push({"type": "account", "sections": {"contacts": [contact("bob", 1, blocked=True)]}})
    account.take_push(events("g", text(4, "bob", ordinal=3)))
    assert account.replica("g").badge == 2


def test_it_counts_as_things_were_when_a_message_came_however_late_it_is_applied(account):
    """Also more of them than are kept early: in a large room only those of whom one blocks may come as events."""
    account.take_sync({"rooms": [summary("g", 1, ordinal=0)], "cursor": "c"})
    account.replica("g").timeline.resume(1)

    def block(stamp, **value):
        account.take_push({"type": "account", "sections": {"contacts": [contact("bob", stamp, **value)]}})

    log = [text(seq, "ann" if seq == 2 else "bob", ordinal=seq - 1) for seq in range(2, 200)]
    account.take_push(events("g", log[1]))
    block(5, blocked=True)
    for event in log[2:-1]:
        account.take_push(events("g", event))
    block(6)
    account.take_push(events("g", log[-1]))
    replica = account.replica("g")
    # The first of bob's came before the block, the last one after it, and that of ann is known by its number.
    assert replica.badge == 3
    account.take_events("g", log)
    assert (replica.unread, replica.badge) == (3, 3)


# --- cards


def test_plates_of_a_page_are_kept_and_survive_a_restart(account, told):
    plates = [{"user": "ann", "name": "Ann", "version": 3}]
    account.take_sync(page(users=plates))
    account.take_sync(page(users=plates))
    assert told.of(UsersChanged) == [UsersChanged(("ann",))]
    assert account_with(told, stored(account)).users == {"ann": plates[0]}


def test_a_page_of_a_card_is_not_kept(account):
    account.keep_users([{"user": "ann", "name": "Ann", "page": {"bio": "Bikes"}, "common": ["g"]}])
    assert account.users == {"ann": {"user": "ann", "name": "Ann"}}


def test_a_newer_version_makes_a_card_stale_until_it_is_fetched(account, told):
    account.keep_users([{"user": "ann", "version": 3}, {"user": "bob", "version": 3}])
    versions = [{"user": "ann", "version": 4}, {"user": "bob", "version": 3}, {"user": "dan", "version": 1}]
    account.take_push({"type": "profiles", "users": versions})
    assert [user for user, card in account.users.items() if card.get("stale")] == ["ann"]
    assert told.of(UsersChanged)[1:] == [UsersChanged(("ann",))]
    account.keep_users([{"user": "ann", "version": 4}])
    assert account.users["ann"] == {"user": "ann", "version": 4}


def test_cards_that_changed_are_asked_for_once_a_day_from_where_the_plates_were_read(account, told):
    account.take_sync(page(contact("ann", 40, state="friend"), contact("bob", 50, state="friend"), more="m"))
    account.take_sync(page(contact("carol", 60, state="friend")))
    assert told.rounds == 1
    assert account.cards_due(NOW) is None
    assert account.cards_due(NOW + CARDS_MS - 1) is None
    account = account_with(told, stored(account))
    assert account.cards_due(NOW + CARDS_MS) == {"type": "users.get", "since": 50}
    assert account.cards_due(NOW + CARDS_MS + 1) is None
    assert account.take_cards({"users": [{"user": "ann", "version": 2}], "more": "m"}) == {
        "type": "users.get",
        "more": "m",
    }
    assert account.take_cards({"users": [], "stamp": 70}) is None
    assert set(account.users) == {"ann"}
    assert account.cards_due(NOW + 2 * CARDS_MS) == {"type": "users.get", "since": 70}


def test_a_question_that_was_not_answered_is_asked_again_the_next_day(account):
    account.take_sync(page(contact("ann", 40, state="friend")))
    assert account.cards_due(NOW) is None
    assert account.cards_due(NOW + CARDS_MS) == account.cards_due(NOW + 2 * CARDS_MS)


def test_where_people_are_switched_off_nothing_is_asked(account):
    account.take_sync(page(contact("ann", 40, state="friend")))
    account.cards_due(NOW)
    account.take_hello({**HELLO, "features": ["account"]})
    assert account.cards_due(NOW + CARDS_MS) is None
