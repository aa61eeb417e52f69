"""Decisions on files: begin, finish, refuse, drop (protocol.md "Media"). Synchronous and pure.

A name is in the database before a byte has it, and a file is whole on the disk before its row says so. Only decisions
change what refers to a file and what a user is charged, so nothing is counted twice and nothing has to be swept.

`uploading` becomes `ready` when the file is whole and inspected, `refused` when it is not wanted, `dropped` when it is
given up. `ready` is in use as soon as something holds the file; when nothing does any more, or not in time, the row
goes. `refused` is `dropped` after a day, in which the uploader can learn why. `dropped` waits until the bytes are gone
from the disk and no message names the file.
"""

from dataclasses import dataclass, replace
from typing import Literal

from msgspec import UNSET, ValidationError, structs

from chatd.core.permissions import authorize
from chatd.core.read_set import DAY_MS, MediaRules, ReadSet
from chatd.core.write_set import WriteSet
from chatd.protocol.codec import decode_attachment, encode
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import U53
from chatd.protocol.media import SCHEME, FileKind, Purpose
from chatd.protocol.messages import Attachment

State = Literal["uploading", "ready", "refused", "dropped"]

# A weekend without network.
UPLOAD_KEPT_MS = 2 * DAY_MS
# An outbox that waits for a network.
UNATTACHED_KEPT_MS = DAY_MS
REFUSED_KEPT_MS = DAY_MS
# A download may be under way, and go on after a break.
UNLINK_GRACE_MS = 3_600_000
# Of one user at a time: ten pictures in two waves. One that goes on for longer than OPEN_UPLOADS_MS is not counted.
OPEN_UPLOADS_MAX = 8
OPEN_UPLOADS_MS = 7 * DAY_MS
# One of them has probably ended by then.
OPEN_RETRY_MS = 5000
# The largest phone camera.
PICTURE_BYTES_MAX = 30 << 20
# Of sound, in a millisecond: twice what any phone records.
VOICE_BYTES_PER_MS = 64
VOICE_BYTES_MIN = 1 << 20
# By variant, what follows the id of the file in the name of its object.
SUFFIXES = {"full": "", "m": "-m", "s": "-s"}
UNKNOWN_MIME = "application/octet-stream"


@dataclass(slots=True, frozen=True)
class File:
    """The row of a file. `owner`: "" for the host app. `key`: None once it may be used again.

    `charged`: bytes. `facts`: the attachment that it will be; before it is ready as the uploader says. `length`: of the
    upload, None until it is known. `source`: SHA-256 of the upload; before it is ready as the uploader says, or empty.
    `code`: why it was refused. `room`: number, 0 for none. Times: Unix ms; `due_at`: when the
    collector looks at it, 0 for never.
    """

    file: str
    owner: str
    key: str | None
    kind: FileKind
    purpose: Purpose
    state: State
    charged: int
    created_at: int
    due_at: int
    facts: Attachment
    length: int | None = None
    source: bytes = b""
    code: str = ""
    room: int = 0


@dataclass(slots=True)
class KnownFile:
    """A file that was read for a batch; decisions keep it current.

    `uses`: how many messages and others hold it, of which no more are counted than a batch could take away.
    `is_sticker`: whether the host offers it to everybody.
    """

    file: File
    uses: int = 0
    is_sticker: bool = False


@dataclass(slots=True, frozen=True)
class Usage:
    """The bytes and the number of files of an account: `u:USER`, or `r:NUMBER` of a room."""

    bytes: int = 0
    files: int = 0


@dataclass(slots=True, frozen=True)
class OpenUploads:
    """The number of uploads of a user that are not whole."""

    count: int


@dataclass(slots=True, frozen=True)
class FileOfKey:
    """The file that its owner began with a key."""

    file: str


@dataclass(slots=True, frozen=True)
class BlockedDigest:
    """Bytes that the operator took down."""

    digest: bytes


# --- requests of the parts of the daemon


@dataclass(slots=True, frozen=True)
class BeginFile:
    """Make the row of an upload named `file`, unless its owner used `key` before: the reply then names that one.

    `length`: None: reserve the most that the kind may have. `name`, `mime`, `digest`: as the uploader says. `room`: of
    a live voice note, "" for none.
    """

    file: str
    owner: str
    key: str
    kind: FileKind
    purpose: Purpose
    length: int | None
    name: str = ""
    mime: str = ""
    digest: bytes = b""
    room: str = ""


@dataclass(slots=True, frozen=True)
class NewObject:
    """An object that is on the disk under its name. `digest`: SHA-256."""

    variant: str
    object: str
    mime: str
    size: int
    digest: bytes


@dataclass(slots=True, frozen=True)
class FinishFile:
    """All of a file was taken and inspected: it may be sent from now on. Repeating it changes nothing."""

    file: str
    facts: Attachment
    objects: tuple[NewObject, ...]
    source: bytes
    length: int


@dataclass(slots=True, frozen=True)
class RefuseFile:
    """A file was taken and is not wanted. `code`: of the error that its uploader gets."""

    file: str
    code: str


@dataclass(slots=True, frozen=True)
class DropFile:
    """The owner, or the host app where `owner` is None, wants a file gone that nothing holds."""

    file: str
    owner: str | None


@dataclass(slots=True, frozen=True)
class ContinueFile:
    """An upload goes on: the time until it is given up starts again."""

    file: str


@dataclass(slots=True, frozen=True)
class TakeDown:
    """The operator takes a file out of every place; `block`: and refuses the same bytes from now on."""

    file: str
    block: bool


@dataclass(slots=True, frozen=True)
class CollectFiles:
    """Look at files that are due: given up, not sent in time, beyond retention. At most 200 at once."""

    files: tuple[str, ...]


@dataclass(slots=True, frozen=True)
class ForgetDeleted:
    """These objects and unfinished files are gone from the disk: forget their rows."""

    objects: tuple[str, ...]
    files: tuple[str, ...]


class FileBegun(Ok, kw_only=True):
    """The reply to a begin. `expires_at`: Unix ms, when an upload that does not go on is given up."""

    file: str
    expires_at: U53
    length: U53 | None = None


# --- records


@dataclass(slots=True, frozen=True)
class ForgottenFile:
    """The row of a file goes."""

    file: str


@dataclass(slots=True, frozen=True)
class StoredObjects:
    """The objects of a file, each with one rendition that refers to it."""

    file: str
    objects: tuple[NewObject, ...]


@dataclass(slots=True, frozen=True)
class ReleasedObjects:
    """The renditions of a file go. Objects that no other refers to may be deleted from `free_at` on."""

    file: str
    free_at: int


@dataclass(slots=True, frozen=True)
class Charged:
    """So much more, or less, is charged to an account."""

    account: str
    bytes: int
    files: int


@dataclass(slots=True, frozen=True)
class FileChange:
    """A record: one change of files. They have one type, because their order counts."""

    change: object


# --- decisions


def begin_file(user: str, request: BeginFile, writes: WriteSet, reads: ReadSet) -> FileBegun:
    """Make the row of an upload, which reserves its bytes."""
    rules = reads.rules.media
    if not rules.enabled:
        raise Refused("not_supported", "this server stores no files")
    repeated = reads.records_of(FileOfKey).get((request.owner, request.key))
    if repeated is not None:
        return begun_before(reads.records_of(KnownFile)[repeated.file].file, request)
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


def check_quota(account: str, size: int, most: int, scope: str, reads: ReadSet) -> None:
    """Refuse `size` bytes more than an account may have; `most`: 0 for any."""
    used = reads.records_of(Usage).get(account) or Usage()
    if most and used.bytes + size > most:
        raise Refused("quota", f"not more than {most} bytes are kept", scope=scope)


def finish_file(user: str, request: FinishFile, writes: WriteSet, reads: ReadSet) -> Ok:
    """Note that a file is whole. It is charged what it takes, and never more than was reserved for it."""
    known = reads.records_of(KnownFile).get(request.file)
    if known is not None and known.file.state == "ready" and known.file.source == request.source:
        return Ok()
    known = unfinished(known)
    file = known.file
    full = full_object(request)
    if request.length > file.charged:
        raise Refused("too_large", "more than was begun", field="length")
    if file.source not in (b"", request.source):
        raise Refused("bad_request", "not the bytes that were announced", field="source")
    if request.source in reads.records_of(BlockedDigest):
        refuse(known, "rejected", writes, reads)
        return Ok()
    facts = structs.replace(
        request.facts,
        url=file.facts.url,
        name=file.facts.name,
        mime=full.mime,
        size=full.size,
        kind=file.kind,
        alt=UNSET,
        expires_at=UNSET,
    )
    charged = min(file.charged, sum(one.size for one in request.objects))
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


def drop(known: KnownFile, writes: WriteSet, reads: ReadSet) -> None:
    """Take away a file. Its row stays as long as something of it is left: of an upload, or messages that name it."""
    file, rows = known.file, reads.records_of(KnownFile)
    if file.state in ("uploading", "ready"):
        charge(account_of(file.owner), -file.charged, -1, writes, reads)
    if file.state == "uploading":
        close_upload(file.owner, reads)
    if file.key is not None:
        reads.records_of(FileOfKey).pop((file.owner, file.key), None)
    if file.state == "ready":
        writes.add(FileChange(ReleasedObjects(file.file, writes.now + UNLINK_GRACE_MS)))
    if file.state == "ready" and not known.uses:
        del rows[file.file]
        writes.add(FileChange(ForgottenFile(file.file)))
    else:
        # It says nothing of its owner any more.
        facts = Attachment(file.facts.url, UNKNOWN_MIME, kind=file.kind)
        left = replace(file, owner="", key=None, state="dropped", charged=0, due_at=writes.now, facts=facts)
        put(known, left, writes)


def continue_file(user: str, request: ContinueFile, writes: WriteSet, reads: ReadSet) -> Ok:
    """Note that an upload goes on; of one that has ended there is nothing to note."""
    known = reads.records_of(KnownFile).get(request.file)
    if known is not None and known.file.state == "uploading":
        put(known, replace(known.file, due_at=writes.now + UPLOAD_KEPT_MS), writes)
    return Ok()


# --- rows


def add_file(file: File, writes: WriteSet, reads: ReadSet) -> KnownFile:
    """Add the row of a file, which its owner is charged for."""
    charge(account_of(file.owner), file.charged, 1, writes, reads)
    known = reads.records_of(KnownFile)[file.file] = KnownFile(file)
    if file.key is not None:
        reads.records_of(FileOfKey)[file.owner, file.key] = FileOfKey(file.file)
    put(known, file, writes)
    return known


def put(known: KnownFile, file: File, writes: WriteSet) -> None:
    known.file = file
    writes.add(FileChange(file))


def charge(account: str, size: int, count: int, writes: WriteSet, reads: ReadSet) -> None:
    """Charge an account so much more, or less."""
    used = reads.records_of(Usage).get(account) or Usage()
    reads.records_of(Usage)[account] = Usage(used.bytes + size, used.files + count)
    writes.add(FileChange(Charged(account, size, count)))


def close_upload(owner: str, reads: ReadSet) -> None:
    opened = reads.records_of(OpenUploads).get(owner)
    if opened is not None:
        reads.records_of(OpenUploads)[owner] = OpenUploads(opened.count - 1)


def account_of(owner: str) -> str:
    """Return the account that a user is charged on."""
    return f"u:{owner}"
