"""What becomes of files that nobody wants any more: collected when they are due, taken down by the operator, forgotten
when their bytes are gone. Synchronous and pure.
"""

from dataclasses import dataclass, replace

from chatd.core.attachments import detach
from chatd.core.files import (
    BlockedDigest,
    CollectFiles,
    File,
    FileChange,
    ForgetDeleted,
    ForgottenFile,
    KnownFile,
    TakeDown,
    drop,
    put,
)
from chatd.core.held_files import release_all
from chatd.core.read_set import ReadSet
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused


@dataclass(slots=True, frozen=True)
class BlockedFile:
    """What was uploaded as a file, and what it became, is refused from now on."""

    file: str
    source: bytes


@dataclass(slots=True, frozen=True)
class ForgottenObjects:
    """The rows of objects that nothing refers to go."""

    objects: tuple[str, ...]


class TakenDown(Ok, kw_only=True):
    """The reply to a takedown. `more`: ask again, there are more files of the same bytes than one commit takes."""

    more: bool = False


def collect_files(user: str, request: CollectFiles, writes: WriteSet, reads: ReadSet) -> Ok:
    """Take away what is due: uploads that were given up, files that were not sent, or are beyond retention."""
    for name in request.files:
        known = reads.records_of(KnownFile).get(name)
        if known is not None and 0 < known.file.due_at <= writes.now:
            collect(known, writes, reads)
    return Ok()


def collect(known: KnownFile, writes: WriteSet, reads: ReadSet) -> None:
    """Take away a file that is due, or as many of its places as were read; it stays due while there are more."""
    if known.file.state != "dropped" and not known.uses:
        drop(known, writes, reads)
        return
    if known.file.state == "dropped":
        release_all(known, writes, reads)
    for room, seq in known.places:
        detach(room, seq, [known.file.file], writes, reads)
    is_there = known.file.file in reads.records_of(KnownFile)
    if is_there and known.file.state == "ready" and not known.has_more_places:
        # Something else holds it, as a report does.
        put(known, replace(known.file, due_at=0), writes)


def forget_deleted(user: str, request: ForgetDeleted, writes: WriteSet, reads: ReadSet) -> Ok:
    """Forget what is gone from the disk, but files that messages still name."""
    if request.objects:
        writes.add(FileChange(ForgottenObjects(request.objects)))
    for name in request.files:
        known = reads.records_of(KnownFile).get(name)
        if known is not None and known.file.state == "dropped" and not known.uses:
            del reads.records_of(KnownFile)[name]
            writes.add(FileChange(ForgottenFile(name)))
    return Ok()


def take_down(user: str, request: TakeDown, writes: WriteSet, reads: ReadSet) -> TakenDown:
    """Take a file, and all of the same bytes, out of every place; also those that were forwarded."""
    named = reads.records_of(KnownFile).get(request.file)
    if named is None or named.file.state == "dropped":
        raise Refused("not_found", "no such file", field="file")
    source = named.file.source
    if request.block and named.file.state == "ready":
        reads.records_of(BlockedDigest)[source] = BlockedDigest(source)
        writes.add(FileChange(BlockedFile(request.file, source)))
    others = [
        one for one in reads.records_of(KnownFile).values() if one is not named and is_same(one.file, source)
    ]
    for known in (*others, named) if not named.has_more_copies else others:
        release_all(known, writes, reads)
        drop(known, writes, reads, grace_ms=0)
    return TakenDown(more=named.has_more_copies)


def is_same(file: File, source: bytes) -> bool:
    return file.state == "ready" and file.source == source
