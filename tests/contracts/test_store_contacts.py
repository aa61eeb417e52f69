"""Store: contacts, what decisions read of them, and the walk over their section."""

from collections.abc import Sequence
from dataclasses import replace

from msgspec import structs

from chatd.core.contact_settings import ClearedCircle
from chatd.core.contacts import Contact, State, Tally, changed_row, shown
from chatd.core.friends import Introduction
from chatd.core.sections import ACCOUNT, CONTACTS, DRAFTS, JOINS, PEOPLE, ChangedRow, StartedDay
from chatd.storage.interface import Store, SyncQuery
from chatd.storage.sqlite.sections import TOMBSTONE_DAYS
from tests.kit.history_builder import HistoryBuilder

SECTION = 1 << PEOPLE[CONTACTS].bit
WHOLE = Contact(
    "ann", "bob", State.RECEIVED, True, True, 0b110, "Rob", "Hi", "search", 1, 2**52, 3, 4, True, 5
)


async def written(builder: HistoryBuilder, *contacts: Contact) -> None:
    """Write contacts in one commit, those that have none with its stamp."""
    writes = builder.writes()
    for contact in contacts:
        stamped = contact if contact.stamp else structs.replace(contact, stamp=writes.stamp)
        writes.add(stamped, changed_row(stamped, shown(stamped)))
    await builder.commit(writes)


async def walked(store: Store, since: int | None, page_bytes: int = 262_144) -> list[tuple[str, int, bool]]:
    """Name, stamp and whether it has a value, of all rows in all pages of a round."""
    query = SyncQuery("ann", since, 10, sections=SECTION, page_bytes=page_bytes)
    rows = []
    while True:
        page = await store.sync(query)
        rows += [(row.name, row.stamp, bool(row.value)) for row in page.sections.get(CONTACTS, ())]
        if page.after is None:
            return rows
        query = replace(query, after=page.after, first_stamp=query.first_stamp or page.stamp)


async def test_a_contact_is_kept_whole(store: Store, builder: HistoryBuilder) -> None:
    await written(builder, WHOLE)
    assert await store.contacts([("ann", "bob"), ("bob", "ann")]) == [WHOLE]
    changed = structs.replace(WHOLE, state=State.FRIEND, blocked=False, remark="", expires=0, known=False)
    await written(builder, changed)
    assert await store.contacts([("ann", "bob")]) == [changed]


async def test_one_that_says_nothing_and_was_never_seen_is_not_kept(
    store: Store, builder: HistoryBuilder
) -> None:
    writes = builder.writes()
    writes.add(Contact("ann", "bob", State.DECLINED, expires=7))
    await builder.commit(writes)
    assert len(await store.contacts([("ann", "bob")])) == 1
    writes = builder.writes()
    writes.add(Contact("ann", "bob"))
    await builder.commit(writes)
    assert await store.contacts([("ann", "bob")]) == []


async def test_the_section_is_walked_in_pages_of_any_size(store: Store, builder: HistoryBuilder) -> None:
    """Also over many rows of one commit, and over rows that show nothing between them."""
    users = [f"u{number:03}" for number in range(600)]
    await written(builder, *[Contact("ann", user, State.FRIEND) for user in users])
    await written(builder, *[Contact("ann", user) for user in users[::2]])
    await written(builder, Contact("ann", "u001", remark="one"), Contact("bob", "u002", remark="two"))
    wanted = [*users[3::2], "u001"]
    for page_bytes in (262_144, 1000):
        assert [name for name, _, has_value in await walked(store, None, page_bytes) if has_value] == wanted
    assert await walked(store, 1, 1000) == [*((user, 2, False) for user in users[::2]), ("u001", 3, True)]
    assert await walked(store, 3) == []


async def test_rows_that_are_gone_are_named_as_long_as_they_must(
    store: Store, builder: HistoryBuilder
) -> None:
    """And a quiet time outlives them."""
    await written(builder, Contact("ann", "bob"), Contact("ann", "cid", expires=9, quiet=9, tries=1))
    await written(builder, Contact("ann", "dan", State.FRIEND))
    for day in (1, 1 + TOMBSTONE_DAYS):
        assert len(await store.contacts([("ann", "bob"), ("ann", "cid")])) == 2
        writes = builder.writes()
        writes.add(StartedDay(day))
        await builder.commit(writes)
    assert [contact.user for contact in await store.contacts([("ann", "bob"), ("ann", "cid")])] == ["cid"]
    assert await walked(store, None) == [("dan", 2, True)]


async def test_friend_requests_are_totalled_with_the_rows_that_change(
    store: Store, builder: HistoryBuilder
) -> None:
    await written(builder, Contact("ann", "bob", State.RECEIVED), Contact("ann", "cid", State.SENT))
    for since, sections, count in ((None, SECTION, 1), (0, SECTION, 1), (None, 0, 0)):
        page = await store.sync(SyncQuery("ann", since, 10, sections=sections))
        assert page.totals is not None
        assert page.totals.friend_requests == count


async def test_circles_are_cleared_before_contacts_are_written(store: Store, builder: HistoryBuilder) -> None:
    friend = Contact("ann", "bob", State.FRIEND, circles=0b110)
    others = (
        Contact("ann", "cid", State.FRIEND, circles=0b100),
        Contact("dan", "bob", State.FRIEND, circles=0b110),
    )
    await written(builder, friend, *others)
    writes = builder.writes()
    writes.add(
        structs.replace(friend, circles=0b10, stamp=writes.stamp),
        ClearedCircle("ann", 1),
        ClearedCircle("ann", 2),
    )
    await builder.commit(writes)
    rows = await store.contacts([("ann", "bob"), ("ann", "cid"), ("dan", "bob")])
    assert [(row.circles, row.stamp) for row in rows] == [(0b10, 2), (0, 1), (0b110, 1)]


async def test_contacts_are_tallied(store: Store, builder: HistoryBuilder) -> None:
    def of(user: str, state: State = State.NONE, **fields: bool | int) -> Contact:
        return Contact("ann", user, state, **fields)  # type: ignore[arg-type]

    await written(
        builder,
        of("a", State.SENT),
        of("b", State.RECEIVED, since=3),
        of("c", State.RECEIVED, since=2),
        of("d", State.RECEIVED, since=1, known=True),
        of("e", State.DECLINED, since=1),
        of("f", State.FRIEND, following=True, blocked=True),
        of("g", blocked=True),
    )
    wanted = Tally(sent=1, received=3, friends=1, following=1, blocked=2, rows=7)
    assert await store.tallies(["ann", "bob"], 0) == {"ann": wanted, "bob": Tally()}
    tallies = await store.tallies(["ann"], 5)
    assert tallies["ann"].strangers == ["c", "b"]
    assert (await store.tallies(["ann"], 1))["ann"].strangers == ["c"]


async def test_what_runs_out_and_what_waits_is_found(store: Store, builder: HistoryBuilder) -> None:
    await written(
        builder,
        Contact("ann", "bob", State.SENT, expires=20),
        Contact("bob", "ann", State.RECEIVED, expires=20),
        Contact("ann", "cid", State.DECLINED, expires=10),
        Contact("ann", "dan", State.FRIEND),
        Contact("ann", "eve", expires=30, quiet=30),
    )
    assert await store.due_contacts(9, 5) == []
    assert await store.due_contacts(10, 5) == [("ann", "cid")]
    assert len(await store.due_contacts(30, 5)) == 4
    assert len(await store.due_contacts(30, 2)) == 2
    assert sorted(await store.pending_contacts(["ann"])) == [("ann", "bob"), ("ann", "cid")]


async def introduced(store: Store, a: str, b: str, room: str = "") -> Introduction:
    return (await store.introductions([(a, b, room)], 3))[a, b]


async def friends(builder: HistoryBuilder, pairs: Sequence[tuple[str, str]]) -> None:
    both = [pair for a, b in pairs for pair in ((a, b), (b, a))]
    await written(builder, *[Contact(*pair, State.FRIEND) for pair in both])


async def test_a_friend_or_a_small_group_in_common_introduces(store: Store, builder: HistoryBuilder) -> None:
    small = await builder.group("ann", "bob")
    large = await builder.group("ann", "cid", "u1", "u2")
    await friends(builder, [("ann", "eve"), ("dan", "eve"), ("ann", "fay"), ("fay", "gus")])
    found = {
        user: await introduced(store, "ann", user) for user in ("bob", "cid", "dan", "eve", "gus", "hal")
    }
    assert {user for user, introduction in found.items() if introduction.know} == {"bob", "dan", "gus"}
    assert (await introduced(store, "ann", "cid", large.name)).share_room
    assert not (await introduced(store, "ann", "cid", small.name)).share_room
    assert not (await introduced(store, "hal", "ann", small.name)).share_room
    await builder.leave(small, "bob")
    assert await introduced(store, "ann", "bob", small.name) == Introduction(know=False, share_room=False)


async def test_account_rows_are_read_by_name(store: Store, builder: HistoryBuilder) -> None:
    rows = [ChangedRow("ann", ACCOUNT, "circles", b"\x90"), ChangedRow("ann", ACCOUNT, "old", None)]
    writes = builder.writes()
    writes.add(*rows, ChangedRow("bob", ACCOUNT, "circles", b"\x90"))
    await builder.commit(writes)
    asked = [("ann", "circles"), ("ann", "old"), ("ann", "none")]
    assert await store.account_rows(asked) == rows


async def test_rows_of_a_section_are_read_by_name_and_by_user(store: Store, builder: HistoryBuilder) -> None:
    rows = [ChangedRow("ann", DRAFTS, "room", b"\x80"), ChangedRow("ann", DRAFTS, "spent", None)]
    writes = builder.writes()
    writes.add(*rows, ChangedRow("ann", JOINS, "room", b"\x90"), ChangedRow("bob", DRAFTS, "room", b"\x90"))
    await builder.commit(writes)
    asked = [("ann", DRAFTS, "room"), ("ann", DRAFTS, "spent"), ("ann", DRAFTS, "none")]
    assert await store.section_rows(asked) == rows
    assert await store.rows_of_section(["ann"], DRAFTS) == rows[:1]
