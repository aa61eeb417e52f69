"""The needs of imports: what is here already of what they bring."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence

from chatd.core.attachments import named_files
from chatd.core.imports import ROOM_PREFIX, ImportMembers, ImportRoom, ImportUser
from chatd.core.past_messages import ImportMessages, KnownLog, PastMessage
from chatd.core.permissions import HOST
from chatd.core.profiles import Card
from chatd.core.read_set import ReadSet, pair
from chatd.core.room import DIRECT
from chatd.storage.files import FileQuery
from chatd.writer.erasure_needs import read_erasures
from chatd.writer.file_needs import pictures, read_files
from chatd.writer.sources import Need, Sources, Submitted


async def users(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the accounts, cards and erasures of users who are imported."""
    named = {asked.user for asked in batch}
    await read_people(sources, named, reads)
    reads.records_of(Card).update((await sources.store.cards(named, ())).cards)


async def members(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the accounts and erasures of users who become members."""
    await read_people(sources, {one.user for asked in batch for one in asked.request.joining}, reads)


async def read_people(sources: Sources, named: Collection[str], reads: ReadSet) -> None:
    reads.accounts.update((await sources.store.people(named, ())).accounts)
    await read_erasures(sources, named, reads)


async def rooms(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the rooms that were imported before, and those that two users have; draw numbers and names for others."""
    known = await sources.store.imported_rooms({asked.request.name for asked in batch})
    direct = [asked.request for asked in batch if asked.request.kind == DIRECT]
    pairs = [pair(*who) for one in direct if len(who := {member.user for member in one.joining}) == 2]
    of_pairs = await sources.store.rooms_of_pairs(pairs) if pairs else {}
    await sources.rooms.load([*{*known.values(), *of_pairs.values()}])
    for name, here in known.items():
        if (room := await sources.rooms.get(here)) is not None:
            reads.created[HOST, ROOM_PREFIX + name] = room
    for place, here in of_pairs.items():
        if (room := await sources.rooms.get(here)) is not None:
            reads.pairs[place] = room
    for _ in batch:
        chance = int.from_bytes(sources.env.random_bytes(8), "big")
        reads.fresh.append((await sources.store.next_room_number(), chance))


async def messages(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read which messages are here, and those they name; the end of the logs, and who is erased."""
    wanted: dict[int, set[tuple[str, str]]] = {}
    for asked in batch:
        room = reads.rooms.get(asked.request.room)
        if room is not None:
            keys = wanted.setdefault(room.number, set())
            keys.update(key for one in asked.request.messages for key in keys_of(one))
    logs = await asyncio.gather(*(sources.store.known_log(*one) for one in wanted.items()))
    reads.records_of(KnownLog).update(zip(wanted, logs, strict=True))
    people = {user for asked in batch for one in asked.request.messages for user in people_of(one)}
    await read_erasures(sources, people, reads)
    files = {name for asked in batch for one in asked.request.messages for name in named_files(one.body)}
    if files and reads.rules.media.enabled:
        await read_files(sources, FileQuery(files), reads)


def keys_of(one: PastMessage) -> Iterable[tuple[str, str]]:
    """Return the messages, by author and key, that one message is and names."""
    if one.reply_to is None and one.thread is None:
        return ((one.user, one.key),)
    return ((one.user, one.key), *(ref for ref in (one.reply_to, one.thread) if ref is not None))


def people_of(one: PastMessage) -> Iterable[str]:
    return (one.user, *(user for users in one.reactions.values() for user in users))


NEEDS_OF_IMPORTS: Mapping[type, tuple[Need, ...]] = {
    ImportUser: (users, pictures),
    ImportRoom: (rooms, members, pictures),
    ImportMembers: (members,),
    ImportMessages: (messages,),
}
