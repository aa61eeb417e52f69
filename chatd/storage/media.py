"""The contract of the reads behind downloads and uploads: each is as of one commit."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from chatd.core.files import File
from chatd.protocol.media import FileKind, FilePlace, OwnFile


class Asker(NamedTuple):
    """A user on one of their devices. `device`: "" for a token that is bound to none."""

    user: str
    device: str = ""


class Standing(NamedTuple):
    """How an asker stands now, all zero for a user without a row.

    `banned_until`: as of a restriction, 0 for none. `revoked_before`, `device_revoked_before`, `generation`: marks
    (core/users.py).
    """

    disabled: bool = False
    banned_until: int = 0
    revoked_before: int = 0
    generation: int = 0
    device_revoked_before: int = 0


class StoredObject(NamedTuple):
    """One version of a file. `object`: its name. `size`: bytes. `digest`: SHA-256. `name`: "" for none."""

    object: str
    mime: str
    size: int
    digest: bytes
    kind: FileKind
    name: str


class Access(NamedTuple):
    """`object`: None for what the asker may not have, or is not there: nobody can tell the two apart."""

    standing: Standing
    object: StoredObject | None


class FoundUpload(NamedTuple):
    """`file`: None where there is none of this name. Whose it is, is not looked at."""

    standing: Standing
    file: File | None


class OwnFiles(NamedTuple):
    """A page of the files of a user. `next`: where the next begins, "" for the last. `used`: bytes."""

    files: Sequence[OwnFile]
    used: int
    next: str


class UploadReads(Protocol):
    """The reads behind uploads."""

    async def upload(self, asker: Asker, file: str) -> FoundUpload:
        """Return the row of a file in any state."""

    async def unknown_objects(self, names: Sequence[str]) -> Sequence[str]:
        """Return those of the names that no row has."""


class MediaReads(UploadReads, Protocol):
    """The reads of the process of media, on connections of its own. `variant`: `full`, `m` or `s`."""

    async def placed(self, asker: Asker, place: FilePlace) -> Access:
        """Return a file that a message holds which the asker sees."""

    async def own(self, asker: Asker | None, file: str, variant: str) -> Access:
        """Return a file of the asker; of anybody for None, which is the host app."""

    async def public(self, file: str, variant: str) -> StoredObject | None:
        """Return a file that a card, a room or a set of stickers shows to everybody."""

    async def live(self, asker: Asker, room: str, file: str) -> FoundUpload:
        """Return the row of a live note where asker and owner are members of its room now; not a dropped one."""

    async def close(self) -> None:
        """Close the connections; idempotent."""


class FileViews(Protocol):
    """What commands about files show; a part of `Store`."""

    async def visible_files(self, user: str, places: Sequence[FilePlace]) -> list[FilePlace]:
        """Return those of the places that hold their file where the user may see it."""

    async def own_files(self, user: str, before: str, limit: int, page_bytes: int) -> OwnFiles:
        """Return a page of the files that the user has uploaded, or forwarded; the newest first.

        `before`: `next` of the page before, "" for the first. A page has at least one file when there is one.
        """

    async def stickers(self, after: str = "", limit: int = -1) -> list[tuple[str, str]]:
        """Return stickers, each a name and its file, in order of their names. `after`: a name; `limit`: -1 for all."""


class KindUsage(NamedTuple):
    """The files of a kind; `bytes`: what their owners are charged."""

    kind: str
    files: int
    bytes: int


class NamedUsage(NamedTuple):
    """A user or a room with what is charged to them."""

    name: str
    bytes: int
    files: int


class FileUsage(NamedTuple):
    """What files take. `uploading`: those that are not whole. `bytes`: of all objects; `free_bytes`: of unused ones.

    `users`, `rooms`: those that have most, the first the most.
    """

    files: int
    uploading: int
    bytes: int
    free_bytes: int
    kinds: Sequence[KindUsage]
    users: Sequence[NamedUsage]
    rooms: Sequence[NamedUsage]


class FileRounds(Protocol):
    """What goes over all files; a part of `Store`."""

    async def due_files(self, now_ms: int, limit: int) -> list[tuple[str, str]]:
        """Return files that the collector is to look at, each with its state, the longest due first."""

    async def free_objects(self, now_ms: int, limit: int) -> tuple[str, ...]:
        """Return objects that may be deleted from the disk, those that nobody uses for longest first."""

    async def file_usage(self, limit: int) -> FileUsage:
        """Return what files take; up to `limit` of users and of rooms."""
