"""The needs of decisions on files."""

from collections.abc import Mapping, Sequence

from chatd.core.files import (
    OPEN_UPLOADS_MS,
    BeginFile,
    BlockedDigest,
    ContinueFile,
    DropFile,
    FileOfKey,
    FinishFile,
    KnownFile,
    OpenUploads,
    RefuseFile,
    Usage,
    account_of,
)
from chatd.core.read_set import ReadSet
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


async def read_files(sources: Sources, query: FileQuery, reads: ReadSet) -> None:
    """Read what decisions on files look at, besides what was read for the batch before."""
    found = await sources.store.file_rows.known(query)
    files = reads.records_of(KnownFile)
    for name, known in found.files.items():
        # One object for each file, which all decisions of the batch keep current.
        same = files.setdefault(name, known)
        same.uses = max(same.uses, known.uses)
    reads.records_of(FileOfKey).update({key: FileOfKey(file) for key, file in found.keys.items()})
    reads.records_of(Usage).update(found.usage)
    reads.records_of(OpenUploads).update(
        {owner: OpenUploads(count) for owner, count in found.uploading.items()}
    )
    reads.records_of(BlockedDigest).update({digest: BlockedDigest(digest) for digest in found.blocked})


NEEDS_OF_FILES: Mapping[type, tuple[Need, ...]] = {
    BeginFile: (begun,),
    FinishFile: (named,),
    RefuseFile: (named,),
    DropFile: (named,),
    ContinueFile: (named,),
}
