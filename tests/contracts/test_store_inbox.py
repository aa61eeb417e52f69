"""The messages behind unread numbers and the digest of a list against the rules of core, over random histories."""

from typing import Any

import pytest
from hypothesis import example, given, settings

from chatd.core.inbox_digest import ListedRoom, inbox_digest
from chatd.core.room import Member, Room
from chatd.core.sync_query import BadgeRule
from chatd.protocol.codec import decode_event
from chatd.storage.interface import Store
from tests.kit.adapters import STORES
from tests.kit.listed_rooms import MEMBERS_ALL, USERS, History, histories, new_store

MANY = 10_000_000
PAGE = 2
SAID_DIRECT = [("say", 0, ("ann", "bob")[turn % 2], False, set[str]()) for turn in range(16)]
SAID = [("say", 3, USERS[turn % 3], False, {"bob"}) for turn in range(20)]


def listed(room: Room, member: Member) -> ListedRoom:
    return ListedRoom(
        room.name,
        room.seq,
        room.ordinal,
        member.read,
        member.unread(room.ordinal, room.purged_ordinal),
        member.mentions,
        room.seen_from(member),
        member.muted_until,
    )


async def check_messages(store: Store, room: Room, member: Member) -> None:
    """The pages name the messages that `Member.unread` counts."""
    seqs: list[int] = []
    mentions: list[int] = []
    after = 0
    while True:
        page = await store.unread_messages(room.number, member.user, after, PAGE)
        assert page is not None
        assert len(page.seqs) <= PAGE
        seqs += page.seqs
        mentions += page.mentions
        if page.is_last:
            break
        after = page.seqs[-1]
    assert (page.read, page.ordinal) == (member.read, room.ordinal)
    assert (page.unread, page.unread_mentions) == (
        member.unread(room.ordinal, room.purged_ordinal),
        member.mentions,
    )
    assert (len(seqs), len(mentions)) == (page.unread, page.unread_mentions)
    log = [decode_event(blob) for blob in (await store.log(room.number, 1, room.seq, 1000, MANY)).events]
    countable = [event.seq for event in log if isinstance(event.ordinal, int) and event.user != member.user]
    assert seqs == [seq for seq in countable if seq > member.read]
    assert set(mentions) <= set(seqs)


async def check_badge(store: Store, history: History, user: str) -> None:
    """The pages name the rooms that the badge is the sum of."""
    rule = BadgeRule(history.builder.now, MEMBERS_ALL)
    found: dict[str, int] = {}
    after = 0
    while True:
        page = await store.counting_rooms(user, rule, after, PAGE)
        found |= {row.room: row.counts for row in page.rooms}
        for row in page.rooms:
            room = next(room for room in history.rooms if room.name == row.room)
            counters = {
                "unread": room.members[user].unread(room.ordinal, room.purged_ordinal),
                "mention": room.members[user].mentions,
            }
            assert row.counts == counters.get(row.why, 1)
        if not page.after:
            break
        after = page.after
    shares = {room.name: history.share(room, user) for room in history.rooms}
    assert found == {name: share for name, share in shares.items() if share}
    assert page.badge == sum(found.values())


@settings(max_examples=40)
@example(steps=[*SAID_DIRECT, ("purge", 0, 3, 5), ("read", 0, "bob", 4), ("read", 0, "ann", 2)])
@example(steps=[*SAID_DIRECT, ("read", 0, "bob", 4), ("purge", 0, 3, 9), ("read", 0, "bob", 7)])
@example(steps=[*SAID, ("purge", 3, 1, 5), ("read", 3, "bob", 7)])
@example(steps=[*SAID, ("read", 3, "eve", 4), ("purge", 3, 1, 9), ("read", 3, "eve", 11)])
@given(steps=histories)
async def test_unread_names_what_it_counts_and_the_digest_is_of_the_list(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Any, ...]]
) -> None:
    for name in STORES:
        store = await new_store(name, tmp_path_factory)
        try:
            history = await History.begin(store)
            await history.add(("say", 3, "eve", False, {"bob"}))
            for step in steps:
                await history.add(step)
            for user in USERS:
                mine = [(room, member) for room in history.rooms if (member := room.member(user)) is not None]
                for room, member in mine:
                    await check_messages(store, room, member)
                await check_badge(store, history, user)
                rows = [listed(room, member) for room, member in mine if room.is_listed(member)]
                wanted = len(rows), inbox_digest(rows)
                assert await store.inbox_digest(user, everything=False) == wanted
        finally:
            await store.close()


async def test_who_is_no_member_has_no_unread_messages(store: Store) -> None:
    history = await History.begin(store)
    await history.add(("leave", "eve"))
    assert await store.unread_messages(history.rooms[-1].number, "eve", 0, PAGE) is None
