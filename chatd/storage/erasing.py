"""The contract of a store for erasures, exports and purges: what is kept of a person, and the files beside it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple, Protocol

from chatd.core.erasures import Erasure, Messages, Reports
from chatd.core.exports import Export
from chatd.core.retention import PurgeOld


@dataclass(slots=True, frozen=True)
class Eraser:
    """One place of the database that an erasure empties. `how`: a word of the receipt.

    `by_rows`: the store has statements for it (erasure_steps.EraseRows); the steps of all others are decisions.
    """

    place: str
    how: str
    by_rows: bool


@dataclass(slots=True, frozen=True)
class ListedErasure:
    """One line of erasures.jsonl: who was to be erased, when (Unix ms) and how."""

    user: str
    asked: int
    messages: Messages
    reports: Reports


class CountableRow(NamedTuple):
    """A message that counts as unread: whom it mentions, `*` for everybody, and who blocked its author then."""

    seq: int
    user: str
    ordinal: int
    mentions: tuple[str, ...]
    ignored: tuple[str, ...]


class RetentionPage(NamedTuple):
    """What is to be purged, and the number of the last room that was looked at, 0 behind the last one."""

    old: Sequence[PurgeOld]
    after: int


class ErasureStore(Protocol):
    """What is kept of a person, place by place."""

    @property
    def erasers(self) -> Sequence[Eraser]:
        """The places that an erasure empties."""

    async def of(self, users: Collection[str]) -> list[Erasure]:
        """Return the last erasure of each of these users."""

    async def since(self, asked: int, after: str, limit: int) -> list[Erasure]:
        """Return up to `limit` erasures behind (`asked`, user `after`), in that order."""

    async def due(self, now: int, limit: int) -> list[Erasure]:
        """Return up to `limit` erasures that are under way, or of which a check is due by this time (Unix ms)."""

    async def left(self, erasure: Erasure, place: str = "") -> Mapping[str, int]:
        """Count the rows of each place, or of one, that an erasure has to take away.

        It takes time, and delays no other read.
        """

    async def kept(self, erasure: Erasure, reports_ms: int) -> Sequence[tuple[str, int, int]]:
        """Return what an erasure leaves on purpose for a while: (place, rows, until when in Unix ms).

        `reports_ms`: how long reports are kept.
        """

    async def rooms(self, user: str, after: int, limit: int) -> list[tuple[int, str]]:
        """Return up to `limit` rooms (number, name) behind number `after` in which a user is or was."""

    async def events(self, room: int, user: str) -> Sequence[int]:
        """Return the numbers of the events in a room by which a user said something, the newest first."""

    async def reactions(self, room: int, user: str, limit: int) -> list[tuple[int, str]]:
        """Return up to `limit` reactions (seq, emoji) of a user in a room."""

    async def contacts(self, user: str, limit: int) -> list[str]:
        """Return up to `limit` users of whom `user` has something to take away, or who have it of them."""

    async def joins(self, user: str, limit: int) -> list[tuple[str, str]]:
        """Return up to `limit` (room, user) of requests to join and offers that name a user."""

    async def person_files(self, erasure: Erasure, limit: int) -> tuple[list[str], list[str]] | None:
        """Return up to `limit` files that a user uploaded, and so many holders of files that an erasure takes away.

        None when nothing is left.
        """

    async def account_rows(self, user: str) -> list[tuple[str, str]]:
        """Return (section, name) of the account rows of a user that are no tombstones, but for contacts."""

    async def truncate_log(self) -> bool:
        """Bring all commits into the database and empty its log; return whether that could be done now.

        A read that goes on keeps the log; ask again.
        """

    async def overwrite_unallocated(self, page: int) -> int:
        """Overwrite space that no row uses, where texts may be left, in some pages from number `page` on (from 1).

        Return the number to go on with, 0 at the end. The same number: a read needs the log, ask again.
        """

    async def rows_of(self, user: str, table: str) -> list[dict[str, Any]]:
        """Return the rows of a user in a table, but for `events`, as values by name."""

    async def event_rows(self, room: int, seqs: Sequence[int]) -> list[dict[str, Any]]:
        """Return the events at these numbers of a room."""

    @property
    def exported(self) -> Sequence[str]:
        """The tables of which rows of a user are exported."""

    async def exports_of(self, users: Collection[str]) -> list[Export]:
        """Return the exports of these users."""

    async def exports_due(self, before: int) -> list[Export]:
        """Return the exports that are being written, and those that were done before this time (Unix ms)."""

    async def purgeable(self, before: int, limit: int) -> list[str]:
        """Return up to `limit` rooms, by name, that were deleted before this time (Unix ms) and not purged yet."""

    async def old_messages(self, now_ms: int, server_s: int, after: int, limit: int) -> RetentionPage:
        """Return what is kept no longer in up to `limit` rooms behind the number `after`, some events of each.

        `server_s`: seconds that messages are kept in every room, 0 for ever.
        """

    async def countable(self, room: int, low: int, high: int) -> list[CountableRow]:
        """Return the countable messages of a stretch of a room, in ascending order."""

    async def free_pages(self, count: int) -> bool:
        """Give up to `count` unused pages of the database back to the disk; return whether there may be more."""

    async def last_commit_ms(self) -> int:
        """Return about when the last commit was stored, by the clock of then; 0 when that is not known."""


class PersonFiles(Protocol):
    """The files beside the database that hold something of a person."""

    def list_erasure(self, listed: ListedErasure) -> None:
        """Add a line to erasures.jsonl; it is on the disk when this returns."""

    def listed(self) -> list[ListedErasure]:
        """Return the lines of erasures.jsonl."""

    def new_export(self, chance: bytes) -> tuple[str, BinaryIO]:
        """Make an empty file for an export, that only its owner may open; return its name, and the file."""

    def export_path(self, name: str) -> str:
        """Return the path of the file of an export."""

    def size_of(self, name: str) -> int:
        """Return the bytes of the file of an export."""

    def drop_export(self, name: str) -> int:
        """Remove the file of an export; return how many there were."""

    def keep_exports(self, names: Collection[str]) -> None:
        """Remove all files of exports but these: what a crash left behind."""

    def drop_replaced(self, before: int) -> tuple[int, int]:
        """Remove the database that a restore replaced, unless that was after this time (Unix ms).

        Return how many files were removed, and how many stay.
        """
