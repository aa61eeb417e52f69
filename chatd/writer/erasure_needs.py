"""The needs of erasures and exports: what each step has to see of the person it is about."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from chatd.core import erasure_steps, erasures, exports
from chatd.core.contacts import Contact
from chatd.core.erasures import Erasure
from chatd.core.exports import Export
from chatd.core.profiles import Card
from chatd.core.read_set import ReadSet, pair
from chatd.core.write_set import Message
from chatd.writer.file_needs import pictures, read_held
from chatd.writer.sources import Need, Sources, Submitted


def person_of(asked: Submitted) -> str:
    """Return the person a submission is about."""
    record = getattr(asked.request, "erasure", None) or getattr(asked.request, "export", None)
    user: str = asked.request.person if record is None else record.user
    return user


async def erasures_of(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the erasures of the persons named."""
    await read_erasures(sources, {person_of(asked) for asked in batch}, reads)


async def erasures_of_users(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the erasures of the users whose accounts are about to change."""
    await read_erasures(sources, {asked.user for asked in batch}, reads)


async def read_erasures(sources: Sources, users: Collection[str], reads: ReadSet) -> None:
    found = await sources.store.erasures.of(users)
    reads.records_of(Erasure).update({erasure.user: erasure for erasure in found})


async def exports_of(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the exports of the persons named."""
    found = await sources.store.erasures.exports_of({person_of(asked) for asked in batch})
    reads.records_of(Export).update({export.user: export for export in found})


async def persons(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the accounts and cards of the persons named."""
    users = {person_of(asked) for asked in batch}
    reads.accounts.update((await sources.store.people(users, ())).accounts)
    reads.records_of(Card).update((await sources.store.cards(users, ())).cards)


async def messages(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the messages that a step names."""
    for asked in batch:
        room = reads.rooms.get(asked.request.room)
        if room is not None:
            places = {(room.number, seq) for seq in seqs_of(asked)}
            for place, event in (await sources.store.messages_at(places)).items():
                reads.messages.setdefault(place, Message(room, event))
            await read_held(sources, places, reads)


def seqs_of(asked: Submitted) -> Iterable[int]:
    request = asked.request
    if isinstance(request, erasure_steps.EraseReactions):
        return (seq for seq, _ in request.given)
    seqs: Sequence[int] = request.seqs
    return seqs if request.recall else ()


async def contacts(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read both contacts of a person and each of the others, and their direct rooms."""
    pairs = [(asked.request.person, other) for asked in batch for other in asked.request.others]
    known = reads.records_of(Contact)
    for contact in await sources.store.contacts([*pairs, *((b, a) for a, b in pairs)]):
        known.setdefault((contact.owner, contact.user), contact)
    names = await sources.store.rooms_of_pairs([pair(*place) for place in pairs])
    await sources.rooms.load([*names.values()])
    for place, name in names.items():
        room = await sources.rooms.get(name)
        if room is not None:
            reads.pairs[place] = room


NEEDS_OF_ERASURES: Mapping[type, tuple[Need, ...]] = {
    erasure_steps.Erase: (erasures_of, persons),
    erasure_steps.EraseEvents: (messages,),
    erasure_steps.EraseReactions: (messages,),
    erasure_steps.EraseContacts: (contacts,),
    erasure_steps.EraseProfile: (persons, pictures),
    erasure_steps.EraseMembership: (pictures,),
    erasures.NoteErasure: (erasures_of,),
    exports.AskExport: (erasures_of, exports_of),
    exports.EndExport: (exports_of,),
    exports.DropExport: (exports_of,),
}
