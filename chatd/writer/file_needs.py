"""The needs of decisions on files."""

from collections.abc import Iterable, Mapping, Sequence

from chatd.core.attachments import AttachedAt, FileIds, forwards, named_files, room_account
from chatd.core.files import (
    STICKER,
    BeginFile,
    BlockedDigest,
    CollectFiles,
    ContinueFile,
    DropFile,
    FileOfKey,
    FinishFile,
    ForgetDeleted,
    KnownFile,
    OpenUploads,
    RefuseFile,
    TakeDown,
    Usage,
    account_of,
    file_id,
)
from chatd.core.held_files import Holding, PutSticker
from chatd.core.read_set import ReadSet
from chatd.core.uploads import OPEN_UPLOADS_MS
from chatd.storage.files import FileQuery
from chatd.writer.sources import Need, Sources, Submitted


async def begun(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read whether keys of uploads were used, what their owners keep, and how many uploads they have open."""
    owners = {asked.request.owner for asked in batch}
    query = FileQuery(
        keys={(asked.request.owner, asked.request.key) for asked in batch if asked.request.key},
        accounts={account_of(owner) for owner in owners},
        uploading=owners,
        begun_since=sources.env.now_ms() - OPEN_UPLOADS_MS,
    )
    await read_files(sources, query, reads)


async def named(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the files that requests name, and whether their bytes are blocked."""
    digests = {asked.request.source for asked in batch if isinstance(asked.request, FinishFile)}
    await read_files(sources, FileQuery({asked.request.file for asked in batch}, digests=digests), reads)


async def sent(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the files that bodies name, whether they are where they are forwarded from, and what is kept already."""
    wanted, places, accounts = set[str](), set[tuple[int, int, str]](), set[str]()
    count = 0
    for asked in batch:
        body, room = asked.request.body, reads.rooms.get(asked.request.room)
        names = [*named_files(body)]
        if not names or room is None or not reads.rules.media.enabled:
            continue
        wanted.update(names)
        accounts |= {account_of(asked.user), room_account(room.number)}
        for name, place in forwards(body):
            count += 1
            source = reads.rooms.get(place.room)
            if source is not None:
                places.add((source.number, place.seq, name))
    if wanted:
        await read_files(sources, FileQuery(wanted, accounts=accounts, places=places), reads)
        ids = [file_id(sources.env.random_bytes(16)) for _ in range(count)]
        reads.records_of(FileIds)["new"] = FileIds(ids)


async def removed(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read files that may have to go, with some of the messages that hold them."""
    wanted = {name for asked in batch for name in names_of(asked.request)}
    await read_files(sources, FileQuery(wanted, is_removal=True), reads)


def names_of(request: CollectFiles | ForgetDeleted | TakeDown) -> Iterable[str]:
    return (request.file,) if isinstance(request, TakeDown) else request.files


async def stickers(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the stickers that are about to change."""
    files = {asked.request.file for asked in batch if asked.request.file}
    holders = {STICKER + asked.request.name for asked in batch}
    await read_files(sources, FileQuery(files, holders=holders), reads)


async def read_held(sources: Sources, targets: Iterable[tuple[int, int]], reads: ReadSet) -> None:
    """Read the files of messages that were read for the batch, by (room number, seq): they may lose them."""
    places = {
        (*place, name)
        for place in targets
        if place in reads.messages
        for name in named_files(reads.messages[place].event.body)
    }
    if places:
        await read_files(sources, FileQuery({name for *_, name in places}, places=places), reads)


async def read_files(sources: Sources, query: FileQuery, reads: ReadSet) -> None:
    """Read what decisions on files look at, besides what was read for the batch before."""
    found = await sources.store.file_rows.known(query)
    files = reads.records_of(KnownFile)
    for name, known in found.files.items():
        # One object for each file, which all decisions of the batch keep current.
        files.setdefault(name, known)
    reads.records_of(FileOfKey).update({key: FileOfKey(file) for key, file in found.keys.items()})
    reads.records_of(Usage).update(found.usage)
    reads.records_of(OpenUploads).update(
        {owner: OpenUploads(count) for owner, count in found.uploading.items()}
    )
    for holder, held in found.holdings.items():
        reads.records_of(Holding).setdefault(holder, Holding(held))
    reads.records_of(AttachedAt).update({place: AttachedAt(*place) for place in found.attached})
    reads.records_of(BlockedDigest).update({digest: BlockedDigest(digest) for digest in found.blocked})


NEEDS_OF_FILES: Mapping[type, tuple[Need, ...]] = {
    BeginFile: (begun,),
    FinishFile: (named,),
    RefuseFile: (named,),
    DropFile: (named,),
    ContinueFile: (named,),
    CollectFiles: (removed,),
    ForgetDeleted: (removed,),
    TakeDown: (removed,),
    PutSticker: (stickers,),
}
