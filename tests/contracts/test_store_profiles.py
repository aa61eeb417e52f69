"""Store: cards, for decisions and as others are shown them."""

from chatd.core.contacts import Contact, State
from chatd.core.profiles import Card, Holder, packed
from chatd.core.sections import ACCOUNT, ChangedRow
from chatd.core.users import Account
from chatd.protocol.codec import encode
from chatd.protocol.privacy import Audience, Privacy
from chatd.protocol.users import Page, Profile
from chatd.storage.interface import Store
from tests.kit.history_builder import HistoryBuilder

PAGE = packed(Page(bio="Two wheels."))


async def committed(store: Store, builder: HistoryBuilder, *records: object) -> int:
    writes = builder.writes()
    writes.add(*records)
    await store.commit(writes)
    return store.stamp


async def test_cards_are_read_as_they_were_written_last(store: Store, builder: HistoryBuilder) -> None:
    await committed(store, builder, Card("ann", "ann.k", "staff", PAGE), Card("bob"))
    known = await store.cards(["ann", "bob", "eve"], ["ann.k", "bob"])
    assert known.cards == {"ann": Card("ann", "ann.k", "staff", PAGE), "bob": Card("bob")}
    assert known.holders == {"ann.k": Holder("ann")}


async def test_a_handle_goes_from_one_to_another_within_a_commit(
    store: Store, builder: HistoryBuilder
) -> None:
    await committed(store, builder, Card("ann", "one"), Card("bob", "two"))
    passed_round = (Card("ann", "three"), Card("bob", "one"), Card("ann", "two"))
    await committed(store, builder, *passed_round)
    known = await store.cards([], ["one", "two", "three"])
    assert known.holders == {"one": Holder("bob"), "two": Holder("ann")}


async def test_a_card_comes_with_what_decides_who_sees_it(store: Store, builder: HistoryBuilder) -> None:
    rules = {"page": Audience("everyone")}
    await builder.group("ann", "bob", "eve")
    friend = Contact("ann", "bob", State.FRIEND, circles=2, stamp=9)
    await committed(
        store,
        builder,
        Account("ann", "Ann", version=3),
        Account("bob", "Bob", disabled=True),
        Card("ann", "ann.k", "", PAGE),
        friend,
        ChangedRow("ann", ACCOUNT, "privacy", encode(Privacy(rules))),
    )
    ann, bob, nobody = await store.card_views("bob", ["ann", "bob", "nobody"], 3)
    assert (ann.account.name, ann.card.page, ann.of_owner, ann.rules) == ("Ann", PAGE, friend, rules)
    assert (ann.shares_room, ann.acquainted, len(ann.common)) == (True, True, 1)
    assert (bob.is_own, bob.is_shut, bob.common) == (True, True, [])
    assert (nobody.account, nobody.card, nobody.is_met) == (Account("nobody"), Card("nobody"), False)
    (ann,) = await store.card_views("bob", ["ann"], 2)
    assert (ann.acquainted, len(ann.common)) == (False, 1)
    (ann,) = await store.card_views("bob", ["ann"])
    assert (ann.shares_room, ann.rules, [*ann.common]) == (True, {}, [])
    assert (await store.view_of_handle("eve", "ann.k", 3)).account.user == "ann"
    assert (await store.view_of_handle("eve", "bob", 3)).card == Card("")


async def test_changed_cards_are_those_of_mutual_contacts_since_a_stamp(
    store: Store, builder: HistoryBuilder
) -> None:
    states = {
        "ada": State.FRIEND,
        "bea": State.SENT,
        "cleo": State.RECEIVED,
        "dora": State.DECLINED,
        "eva": State.NONE,
    }
    ties = [Contact("ann", user, state, following=True, stamp=1) for user, state in states.items()]
    accounts = [Account(user, user.title(), version=1) for user in states]
    since = await committed(store, builder, *ties, *accounts, Card("ada", "a"))
    await committed(store, builder, *[Card(user) for user in states if user != "ada"])
    page = await store.changed_cards("ann", since, "", 10)
    assert (page.users, page.after) == (
        [Profile("bea", "Bea", version=1), Profile("cleo", "Cleo", version=1)],
        None,
    )
    page = await store.changed_cards("ann", 0, "", 2)
    assert ([card.user for card in page.users], page.after, page.stamp) == (
        ["ada", "bea"],
        "bea",
        store.stamp,
    )
    page = await store.changed_cards("ann", 0, "bea", 2)
    assert ([card.user for card in page.users], page.after) == (["cleo"], None)
    assert (await store.changed_cards("ann", store.stamp, "", 2)).users == []


async def test_changes_are_kept_from_whom_the_user_blocks_and_told_of_no_closed_account(
    store: Store, builder: HistoryBuilder
) -> None:
    blocking = Contact("ann", "bob", blocked=True, stamp=1)
    await committed(store, builder, Account("ann"), Account("eve", disabled=True), blocking)
    assert await store.shut_out("ann", ["bob", "kim"]) == {"bob"}
    assert await store.shut_out("eve", ["bob", "kim"]) == {"bob", "kim"}
