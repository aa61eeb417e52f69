"""Rooms that are listed, asked and declined, as the store finds them and as core says (protocol.md "Direct rooms and
message requests")."""

from itertools import product

import pytest

from chatd.core.privacy import Side, Tie, mutually_allow
from chatd.core.read_set import PeopleRules
from chatd.core.room import Standing
from chatd.core.sections import CONTACTS, PEOPLE
from chatd.core.sync_query import SyncQuery
from chatd.storage.interface import Store
from tests.kit.history_builder import HistoryBuilder

RULES = PeopleRules(enabled=True)
SECTION = 1 << PEOPLE[CONTACTS].bit
HISTORIES = [*product(Standing, (False, True))]


async def all_rooms(builder: HistoryBuilder) -> dict[str, bool]:
    """Make a direct room of bob for each standing, written in or not; return by name whether core lists it."""
    listed = {}
    for number, (standing, written) in enumerate(HISTORIES):
        room = await builder.direct(f"u{number}", "bob")
        if written:
            await builder.post(room, f"u{number}")
        writes = builder.writes()
        member = writes.touch_member(room, "bob")
        member.standing = standing
        await builder.commit(writes)
        listed[room.name] = room.is_listed(member)
    return listed


async def test_the_store_lists_what_core_lists(store: Store, builder: HistoryBuilder) -> None:
    listed = await all_rooms(builder)
    asked = {
        name for (standing, _), name in zip(HISTORIES, listed, strict=True) if standing is Standing.REQUEST
    }
    expected = {name for name, is_listed in listed.items() if is_listed}
    assert len(expected) == 3
    for sections, shown in ((0, expected), (SECTION, expected | asked)):
        page = await store.sync(SyncQuery("bob", None, 50, people=RULES, sections=sections))
        assert {summary.room for summary in page.rooms} == shown
        assert {summary.room for summary in page.rooms if summary.request} == shown & asked
        assert page.totals is not None
        assert (page.totals.rooms, page.totals.message_requests) == (3, len(shown & asked))
    subscribed = await store.memberships("bob", everything=False)
    assert {row.name for row in subscribed} == expected
    assert {row.name for row in await store.memberships("bob")} == set(listed)
    assert len((await store.sync(SyncQuery("bob", None, 50))).rooms) == len(listed)


@pytest.mark.parametrize("limit", [1, 2, 50])
async def test_a_round_in_pages_names_the_same_rooms(
    store: Store, builder: HistoryBuilder, limit: int
) -> None:
    await all_rooms(builder)
    whole = await store.sync(SyncQuery("bob", None, 50, people=RULES, sections=SECTION))
    page = await store.sync(SyncQuery("bob", None, limit, people=RULES, sections=SECTION))
    found, first = [*page.rooms], page.stamp
    while page.after is not None:
        query = SyncQuery(
            "bob", None, limit, people=RULES, sections=SECTION, after=page.after, first_stamp=first
        )
        page = await store.sync(query)
        found += page.rooms
    assert [summary.room for summary in found] == [summary.room for summary in whole.rooms]


async def test_what_is_asked_or_declined_is_gone_for_whom_it_is_not_shown(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.direct("ann", "bob")
    await builder.post(room, "ann")
    for standing, old, new in (
        (Standing.REQUEST, ([], [room.name]), ([room.name], [])),
        (Standing.DECLINED, ([], [room.name]), ([], [room.name])),
        (Standing.ACCEPTED, ([room.name], []), ([room.name], [])),
    ):
        since = store.stamp
        writes = builder.writes()
        writes.touch_member(room, "bob").standing = standing
        await builder.commit(writes)
        for sections, expected in ((0, old), (SECTION, new)):
            page = await store.sync(SyncQuery("bob", since, 50, people=RULES, sections=sections))
            assert ([summary.room for summary in page.rooms], page.gone) == expected, standing


async def test_requests_from_before_are_named_to_a_cursor_that_covers_none(
    store: Store, builder: HistoryBuilder
) -> None:
    await all_rooms(builder)
    full = await store.sync(
        SyncQuery("bob", store.stamp, 50, people=RULES, sections=SECTION, full_sections=SECTION)
    )
    assert len(full.rooms) == 2
    assert all(summary.request for summary in full.rooms)


@pytest.mark.parametrize("standing", Standing)
async def test_marks_are_kept_while_one_only_asks(
    store: Store, builder: HistoryBuilder, standing: Standing
) -> None:
    """`Room.keeps_marks`, as the store has it; what privacy keeps is that of `mutually_allow`."""
    room = await builder.direct("ann", "bob")
    for user in ("ann", "bob"):
        await builder.post(room, user)
    await builder.read(room, "bob", 3)
    writes = builder.writes()
    writes.touch_member(room, "bob").standing = standing
    await builder.commit(writes)
    (summary,) = (await store.sync(SyncQuery("ann", None, 50, people=RULES))).rooms
    assert (summary.peer_read == 0) == room.keeps_marks
    assert mutually_allow(Side("ann", Tie()), Side("bob", Tie()), "receipts")
