"""Decisions on files: begin, finish, refuse, drop (protocol.md "Media"). Synchronous and pure.

A name is in the database before a byte has it, and a file is whole on the disk before its row says so. Only decisions
change what refers to a file and what a user is charged, so nothing is counted twice and nothing has to be swept.

`uploading` becomes `ready` when the file is whole and inspected, `refused` when it is not wanted, `dropped` when it is
given up. `ready` is in use as soon as something holds the file; when nothing does any more, or not in time, the row
goes. `refused` is `dropped` after a day, in which the uploader can learn why. `dropped` waits until the bytes are gone
from the disk and no message names the file.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from chatd.core.read_set import ReadSet
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import U53
from chatd.protocol.media import SCHEME, FileKind, Purpose, Variant
from chatd.protocol.messages import Attachment

State = Literal["uploading", "ready", "refused", "dropped"]

# A download may be under way, and go on after a break.
UNLINK_GRACE_MS = 3_600_000
# By variant, what follows the id of the file in the name of its object.
SUFFIXES: Mapping[Variant, str] = {"full": "", "m": "-m", "s": "-s"}
STICKER = "sticker:"
# 128 random bits: nobody guesses one.
FILE_ID_BYTES = 16
UNKNOWN_MIME = "application/octet-stream"


@dataclass(slots=True, frozen=True)
class File:
    """The row of a file. `owner`: "" for the host app. `key`: None once it may be used again.

    `charged`: bytes; of a dropped one to the rooms alone that still hold it. `facts`: the attachment that it will be;
    before it is ready as the uploader says, as is `source`: SHA-256 of the upload, or empty. `length`: of the upload,
    None until it is known. `code`: why it was refused. `room`: number, 0 for none. Times: Unix ms; `due_at`: when the
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

    `uses`: how many messages and others hold it, of which no more are counted than a batch could take away. `holders`:
    those that are no messages. For a removal, `places`: some messages (room number, seq) that hold it, and whether
    there are more; and whether there are more files of the same bytes than were read.
    """

    file: File
    uses: int = 0
    holders: tuple[str, ...] = ()
    places: tuple[tuple[int, int], ...] = ()
    has_more_places: bool = False
    has_more_copies: bool = False

    @property
    def is_sticker(self) -> bool:
        """Whether the host offers it to everybody."""
        return any(holder.startswith(STICKER) for holder in self.holders)


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
    """An object that is on the disk, durably, under its name. `digest`: SHA-256."""

    variant: Variant
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


# --- changes


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


def drop(known: KnownFile, writes: WriteSet, reads: ReadSet, grace_ms: int = UNLINK_GRACE_MS) -> None:
    """Take away a file, its bytes after `grace_ms`.

    Its row stays as long as something of it is left: of an upload, or messages that name it.
    """
    file = known.file
    if file.state in ("uploading", "ready"):
        charge(account_of(file.owner), -file.charged, -1, writes, reads)
    if file.state == "uploading":
        close_upload(file.owner, reads)
    if file.key is not None:
        reads.records_of(FileOfKey).pop((file.owner, file.key), None)
    if file.state == "ready":
        writes.add(FileChange(ReleasedObjects(file.file, writes.now + grace_ms)))
    if file.state == "ready" and not known.uses:
        del reads.records_of(KnownFile)[file.file]
        writes.add(FileChange(ForgottenFile(file.file)))
    else:
        # It says nothing of its owner any more.
        facts = Attachment(file.facts.url, UNKNOWN_MIME, kind=file.kind)
        left = replace(file, owner="", key=None, state="dropped", due_at=writes.now, facts=facts)
        put(known, left, writes)


def give_away(known: KnownFile, writes: WriteSet, reads: ReadSet) -> None:
    """Let a file be the host app's."""
    file = known.file
    charge(account_of(file.owner), -file.charged, -1, writes, reads)
    charge(account_of(""), file.charged, 1, writes, reads)
    put(known, replace(file, owner="", key=None), writes)


def check_quota(account: str, size: int, most: int, scope: str, reads: ReadSet) -> None:
    """Refuse `size` bytes more than an account may have; `most`: 0 for any."""
    used = reads.records_of(Usage).get(account) or Usage()
    if most and used.bytes + size > most:
        raise Refused("quota", f"not more than {most} bytes are kept", scope=scope)


def close_upload(owner: str, reads: ReadSet) -> None:
    opened = reads.records_of(OpenUploads).get(owner)
    if opened is not None:
        reads.records_of(OpenUploads)[owner] = OpenUploads(opened.count - 1)


def file_id(chance: bytes) -> str:
    """Return the id of a file, of FILE_ID_BYTES random bytes.

    >>> file_id(bytes(16))
    'AAAAAAAAAAAAAAAAAAAAAA'
    """
    return urlsafe_b64encode(chance).decode().rstrip("=")


def file_of(url: str) -> str:
    """Return the file of this server that an address names, "" for any other address.

    >>> file_of("media:AAAAAAAAAAAAAAAAAAAAAA")
    'AAAAAAAAAAAAAAAAAAAAAA'
    """
    return url.removeprefix(SCHEME) if url.startswith(SCHEME) else ""


def account_of(owner: str) -> str:
    """Return the account that a user is charged on."""
    return f"u:{owner}"
