"""A capability from outside the package: every user bookmarks messages of their rooms. All its layers are in this
file."""

import sqlite3
from collections.abc import Collection, Sequence

from msgspec import Struct

from chatd.commands.context import Command, Context, Session
from chatd.core.permissions import authorize
from chatd.core.read_set import ReadSet
from chatd.core.sections import ChangedRow, Section
from chatd.core.write_set import WriteSet
from chatd.protocol.codec import encode
from chatd.protocol.envelope import Ok, Push, Request
from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import U53, Room, Seq
from chatd.server.capability import Capability
from chatd.storage.sqlite.chapters import Chapter
from chatd.storage.sqlite.erasure import Kept
from chatd.storage.sqlite.schema import OUTSIDE, Migration
from chatd.writer.sources import Sources, Submitted
from tests.kit.notes import created, kept_rows, section_table

# The most bookmarks of one user.
BOOKMARKS_MAX = 3
LATEST = "bookmarks"
# The account row of each room: which of its places the user marked last.
SECTION = Section(10, LATEST)

# --- the protocol


class BookmarkSet(Request, tag="bookmark.set", frozen=True, kw_only=True):
    room: Room
    seq: Seq
    note: str


class BookmarksList(Request, tag="bookmarks.list", frozen=True, kw_only=True):
    pass


class Bookmark(Struct, frozen=True):
    """A record, and the form in which it is shown."""

    user: str
    room: str
    seq: U53
    note: str


class BookmarksOk(Ok, tag="ok", kw_only=True):
    bookmarks: list[Bookmark]


class BookmarkPush(Push, tag="bookmark"):
    bookmark: Bookmark


# --- the decision, and its needs


def set_bookmark(user: str, request: BookmarkSet, writes: WriteSet, reads: ReadSet) -> Ok:
    """Set a bookmark. It adds the record before all is checked, to show that a refusal rolls it back."""
    room, _ = authorize(reads.rooms.get(request.room), user, "view")
    bookmark = Bookmark(user, room.name, request.seq, request.note)
    writes.add(bookmark)
    writes.add(ChangedRow(user, LATEST, room.name, encode({"seq": request.seq})))
    known = reads.records_of(Bookmark)
    place = (user, room.name, request.seq)
    if place not in known and sum(one.user == user for one in known.values()) >= BOOKMARKS_MAX:
        raise Refused("too_large", "as many bookmarks as a user may have", field="seq")
    known[place] = bookmark
    return Ok()


async def bookmarks_of_askers(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    for one in await sources.store.read(read_bookmarks, {asked.user for asked in batch}):
        reads.records_of(Bookmark)[one.user, one.room, one.seq] = one


# --- the tables

MIGRATION = Migration(
    OUTSIDE + 1,
    "10001_bookmarks.sql",
    """
    CREATE TABLE bookmarks (
        user  TEXT NOT NULL,
        room  TEXT NOT NULL,
        seq   INTEGER NOT NULL,
        note  TEXT NOT NULL,
        stamp INTEGER NOT NULL,
        PRIMARY KEY (user, room, seq)
    ) STRICT, WITHOUT ROWID;
    """
    + created("latest_bookmarks"),
)
KEPT = {
    "bookmarks": Kept(
        ("user",),
        "SELECT room, seq, note FROM bookmarks WHERE user = :user",
        ("DELETE FROM bookmarks WHERE user = :user",),
        left="SELECT count(*) FROM bookmarks WHERE user = :user",
    ),
    "latest_bookmarks": kept_rows("latest_bookmarks"),
}
PUT = """
INSERT INTO bookmarks (user, room, seq, note, stamp) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET note = excluded.note, stamp = excluded.stamp
"""


def write_bookmarks(connection: sqlite3.Connection, bookmarks: Sequence[Bookmark], stamp: int) -> None:
    connection.executemany(PUT, [(one.user, one.room, one.seq, one.note, stamp) for one in bookmarks])


def read_bookmarks(connection: sqlite3.Connection, users: Collection[str]) -> list[Bookmark]:
    rows = "SELECT user, room, seq, note FROM bookmarks WHERE user = ? ORDER BY room, seq"
    return [Bookmark(*row) for user in users for row in connection.execute(rows, (user,))]


# --- reading and pushing


async def list_bookmarks(ctx: Context, session: Session, request: BookmarksList) -> Ok:
    return BookmarksOk(bookmarks=await ctx.store.read(read_bookmarks, [session.user]))


def count_bookmarks(ctx: Context, writes: WriteSet) -> None:
    """Keep the number of changes since the start, in memory."""
    ctx.counters.events_committed["bookmark"] += len(writes.records_of(Bookmark))


def tell_bookmarks(ctx: Context, writes: WriteSet) -> None:
    for bookmark in writes.records_of(Bookmark):
        for listener in ctx.hub.readers_of(bookmark.user):
            listener.push(BookmarkPush(bookmark))


def fail(ctx: Context, writes: WriteSet) -> None:
    """Fail, as a subscriber with a defect does."""
    raise ZeroDivisionError


BOOKMARKS = Capability(
    commands={BookmarkSet: Command(None, own="writes"), BookmarksList: Command(list_bookmarks)},
    decisions={BookmarkSet: set_bookmark},
    needs={BookmarkSet: (bookmarks_of_askers,)},
    committed=(fail, count_bookmarks),
    published=(fail, tell_bookmarks),
    sections={LATEST: SECTION},
    of_users=(Bookmark,),
    sqlite=Chapter(
        {Bookmark: write_bookmarks},
        [MIGRATION],
        {LATEST: section_table(SECTION, "latest_bookmarks")},
        KEPT,
    ),
)
