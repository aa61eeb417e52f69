"""Decisions on uploads: begin, continue, finish, refuse, drop (protocol.md "Uploading"). Synchronous and pure."""

from dataclasses import replace
from typing import get_args

from msgspec import UNSET, ValidationError, structs

from chatd.core.files import (
    SUFFIXES,
    UNKNOWN_MIME,
    BeginFile,
    BlockedDigest,
    ContinueFile,
    DropFile,
    File,
    FileBegun,
    FileChange,
    FileOfKey,
    FinishFile,
    KnownFile,
    NewObject,
    OpenUploads,
    RefuseFile,
    StoredObjects,
    account_of,
    add_file,
    charge,
    check_quota,
    close_upload,
    drop,
    put,
)
from chatd.core.permissions import authorize
from chatd.core.read_set import DAY_MS, MediaRules, ReadSet
from chatd.core.write_set import WriteSet
from chatd.protocol.codec import decode_attachment, encode
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.limits import PICTURE_BYTES_MAX
from chatd.protocol.media import SCHEME, FileKind, Purpose, Size
from chatd.protocol.messages import Attachment

# A weekend without network.
UPLOAD_KEPT_MS = 2 * DAY_MS
# An outbox that waits for a network.
UNATTACHED_KEPT_MS = DAY_MS
REFUSED_KEPT_MS = DAY_MS
# Of one user at a time: ten pictures in two waves. One that goes on for longer than OPEN_UPLOADS_MS is not counted.
OPEN_UPLOADS_MAX = 8
OPEN_UPLOADS_MS = 7 * DAY_MS
# One of them has probably ended by then.
OPEN_RETRY_MS = 5000
# Of sound, in a millisecond: twice what any phone records.
VOICE_BYTES_PER_MS = 64
VOICE_BYTES_MIN = 1 << 20


def begin_file(user: str, request: BeginFile, writes: WriteSet, reads: ReadSet) -> FileBegun:
    """Make the row of an upload, which reserves its bytes."""
    rules = reads.rules.media
    if not rules.enabled:
        raise Refused("not_supported", "this server stores no files")
    repeated = reads.records_of(FileOfKey).get((request.owner, request.key))
    if repeated is not None:
        return begun_before(reads.records_of(KnownFile)[repeated.file].file, request)
    if request.purpose != "message" and request.kind != "picture":
        raise Refused("bad_request", f"a {request.purpose} is a picture", field="kind")
    if request.room and not (
        request.kind == "voice" and request.purpose == "message" and request.length is None
    ):
        raise Refused(
            "bad_request", "a live note is a voice note of a length that nobody knows yet", field="live"
        )
    most = most_bytes(request.kind, request.purpose, rules)
    if request.length is not None and request.length > most:
        raise Refused("too_large", f"a {request.kind} has at most {most} bytes", field="length")
    reserved = most if request.length is None else request.length
    check_begin(request.owner, reserved, writes, reads)
    room = authorize(reads.rooms.get(request.room), request.owner, "post")[0].number if request.room else 0
    file = File(
        file=request.file,
        owner=request.owner,
        key=request.key or None,
        kind=request.kind,
        purpose=request.purpose,
        state="uploading",
        charged=reserved,
        created_at=writes.now,
        due_at=writes.now + UPLOAD_KEPT_MS,
        facts=named(request),
        length=request.length,
        source=request.digest,
        room=room,
    )
    add_file(file, writes, reads)
    writes.spend("uploads", request.owner, 1)
    opened = reads.records_of(OpenUploads).get(request.owner) or OpenUploads(0)
    reads.records_of(OpenUploads)[request.owner] = OpenUploads(opened.count + 1)
    return FileBegun(file=file.file, expires_at=file.due_at, length=file.length)


def named(request: BeginFile) -> Attachment:
    """Return what the uploader says of a file. Raises Refused for what no attachment may say."""
    name = request.name or UNSET
    facts = Attachment(SCHEME + request.file, request.mime or UNKNOWN_MIME, name, kind=request.kind)
    try:
        return decode_attachment(encode(facts))
    except ValidationError as error:
        raise Refused("bad_request", "a name or a type that is too long", field="name") from error


def begun_before(file: File, request: BeginFile) -> FileBegun:
    """Return the reply to a begin with a key that was used. Raises Refused("conflict") for another file."""
    lengths = {file.length, request.length} - {None}
    if (file.kind, file.purpose) != (request.kind, request.purpose) or len(lengths) > 1:
        raise Refused("conflict", "this key was used for another file", field="key")
    return FileBegun(file=file.file, expires_at=file.due_at, length=file.length)


def most_bytes(kind: FileKind, purpose: Purpose, rules: MediaRules) -> int:
    """Return the bytes that a file may have when it is uploaded."""
    if kind in ("picture", "sticker") or purpose != "message":
        return min(PICTURE_BYTES_MAX, rules.file_bytes)
    if kind == "voice":
        return min(max(VOICE_BYTES_MIN, rules.voice_ms * VOICE_BYTES_PER_MS), rules.file_bytes)
    return rules.file_bytes


def check_begin(owner: str, size: int, writes: WriteSet, reads: ReadSet) -> None:
    """Refuse an upload beyond what its owner may begin, or keep; the host app has no bounds."""
    if not owner:
        return
    reads.allowances.check("uploads", owner, 1, writes, reads.now_s)
    opened = reads.records_of(OpenUploads).get(owner)
    if opened is not None and opened.count >= OPEN_UPLOADS_MAX:
        raise Refused(
            "rate_limited",
            f"{OPEN_UPLOADS_MAX} uploads are under way",
            retry_after=OPEN_RETRY_MS,
            scope="user",
        )
    check_quota(account_of(owner), size, reads.rules.media.user_bytes, "user", reads)


def finish_file(user: str, request: FinishFile, writes: WriteSet, reads: ReadSet) -> Ok:
    """Note that a file is whole. It is charged what it takes on the disk.

    A picture may take more than what was sent, so the quota may be passed by what is under way; then nothing is begun.
    """
    known = reads.records_of(KnownFile).get(request.file)
    if known is not None and known.file.state == "ready" and known.file.source == request.source:
        return Ok()
    known = unfinished(known)
    file = known.file
    full = full_object(request)
    most = max(file.charged, reads.rules.media.file_bytes)
    if request.length > file.charged or any(one.size > most for one in request.objects):
        raise Refused("too_large", "more than was begun", field="length")
    if file.source not in (b"", request.source):
        raise Refused("bad_request", "not the bytes that were announced", field="source")
    # A picture with other metadata is other bytes, of which the same are made.
    if not {request.source, full.digest}.isdisjoint(reads.records_of(BlockedDigest)):
        refuse(known, "rejected", writes, reads)
        return Ok()
    facts = structs.replace(
        request.facts,
        url=file.facts.url,
        name=file.facts.name,
        mime=full.mime,
        size=full.size,
        kind=file.kind,
        sizes=[one for one in get_args(Size) if any(stored.variant == one for stored in request.objects)]
        or UNSET,
        alt=UNSET,
        expires_at=UNSET,
    )
    charged = sum(one.size for one in request.objects)
    charge(account_of(file.owner), charged - file.charged, 0, writes, reads)
    writes.add(FileChange(StoredObjects(file.file, request.objects)))
    ready = replace(file, state="ready", charged=charged, due_at=writes.now + UNATTACHED_KEPT_MS)
    put(known, replace(ready, facts=facts, length=request.length, source=request.source), writes)
    close_upload(file.owner, reads)
    return Ok()


def unfinished(known: KnownFile | None) -> KnownFile:
    """Return a file that is being uploaded; raise Refused for any other."""
    if known is None or known.file.state == "dropped":
        raise Refused("not_found", "no such upload", field="file")
    if known.file.state != "uploading":
        raise Refused("conflict", "the upload has ended", field="file")
    return known


def full_object(request: FinishFile) -> NewObject:
    """Return the full rendition; raise Refused unless the objects are named by their file and variant."""
    variants = {one.variant: one for one in request.objects}
    is_named = all(
        one.variant in SUFFIXES and one.object == request.file + SUFFIXES[one.variant]
        for one in request.objects
    )
    if not is_named or len(variants) < len(request.objects) or "full" not in variants:
        raise Refused("bad_request", "objects are named by their file and variant", field="objects")
    return variants["full"]


def refuse_file(user: str, request: RefuseFile, writes: WriteSet, reads: ReadSet) -> Ok:
    """Note that a file is not wanted; its uploader can ask for a day why. Repeating it changes nothing."""
    known = reads.records_of(KnownFile).get(request.file)
    if known is None or known.file.state != "refused":
        refuse(unfinished(known), request.code, writes, reads)
    return Ok()


def refuse(known: KnownFile, code: str, writes: WriteSet, reads: ReadSet) -> None:
    file = known.file
    charge(account_of(file.owner), -file.charged, -1, writes, reads)
    put(
        known,
        replace(file, state="refused", code=code, charged=0, due_at=writes.now + REFUSED_KEPT_MS),
        writes,
    )
    close_upload(file.owner, reads)


def drop_file(user: str, request: DropFile, writes: WriteSet, reads: ReadSet) -> Ok:
    """Take away a file of `owner` that nothing holds."""
    known = reads.records_of(KnownFile).get(request.file)
    if known is None or known.file.state == "dropped" or request.owner not in (None, known.file.owner):
        raise Refused("not_found", "no such file", field="file")
    if known.uses:
        raise Refused("conflict", "a message, a card or a room holds this file", field="file")
    drop(known, writes, reads)
    return Ok()


def continue_file(user: str, request: ContinueFile, writes: WriteSet, reads: ReadSet) -> Ok:
    """Note that an upload goes on; of one that has ended there is nothing to note."""
    known = reads.records_of(KnownFile).get(request.file)
    if known is not None and known.file.state == "uploading":
        put(known, replace(known.file, due_at=writes.now + UPLOAD_KEPT_MS), writes)
    return Ok()
