"""The graph of the host: its feeds, the edges of users, and the digest over all rows.

Nothing of a digest is kept: a commit would pay for it each time, and nobody asks for it more than once an hour. A scan
of a million edges takes some two seconds of its own connection, and gives way to the event loop every few rows.
"""

import sqlite3
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from chatd.core.contacts import Contact
from chatd.core.graph import KINDS, Edges, GraphFeed, Kind
from chatd.core.graph_digest import BucketDigests, Digests, GraphDigest, bucket_of, digest_of, digests_of
from chatd.core.privacy import Relation
from chatd.core.read_set import PeopleRules
from chatd.core.room import Standing
from chatd.storage.sqlite.contacts import contact_of
from chatd.storage.sqlite.privacy import relations, share_small_group
from chatd.storage.sqlite.read_pool import ReadPool
from chatd.storage.sqlite.records import WriteRecords

# Half a millisecond of hashing; then whoever waits for the interpreter gets it.
ROWS_AT_ONCE = 256
PAUSE_S = 0.00005

FEEDS = "SELECT feed, n FROM graph_feeds"
PUT_FEED = "INSERT INTO graph_feeds (feed, n) VALUES (?, ?) ON CONFLICT (feed) DO UPDATE SET n = excluded.n"

# Each walks the index that has its rows alone.
FRIENDS = "SELECT owner, user FROM contacts WHERE state > 0 AND state = 4 ORDER BY owner"
FOLLOWS = "SELECT owner, user FROM contacts WHERE following = 1 ORDER BY owner"
BLOCKS = "SELECT owner, user FROM contacts WHERE blocked = 1 ORDER BY owner"
EDGES: dict[Kind, str] = {"friend": FRIENDS, "follow": FOLLOWS, "block": BLOCKS}

FRIENDS_OF = "SELECT user FROM contacts WHERE owner = ? AND state > 0 AND state = 4"
FOLLOWS_OF = "SELECT user FROM contacts WHERE owner = ? AND following = 1"
BLOCKS_OF = "SELECT user FROM contacts WHERE owner = ? AND blocked = 1"
EDGES_OF: dict[Kind, str] = {"friend": FRIENDS_OF, "follow": FOLLOWS_OF, "block": BLOCKS_OF}

OWNERS = "SELECT DISTINCT owner FROM contacts WHERE owner > ? ORDER BY owner"
CONTACTS_OF = """
SELECT owner, user, state, blocked, following, circles, remark, note, via, since, expires, quiet, tries, known, stamp
FROM contacts WHERE owner = ? AND user > ? ORDER BY user LIMIT ?
"""

STANDING = "SELECT m.standing FROM direct d JOIN members m ON m.room = d.room WHERE d.a = ? AND d.b = ? AND m.user = ?"


class GraphReads:
    """The part of a store that reads the graph."""

    _read_pool: ReadPool

    async def edges_of(self, users: Collection[str]) -> dict[str, Edges]:
        return await self._read_pool.run(edges_of, users)

    async def contacts_of(self, owner: str, after: str, limit: int) -> list[Contact]:
        return await self._read_pool.run(contacts_of, owner, after, limit)

    async def explained(
        self, viewer: str, owner: str, rules: PeopleRules
    ) -> tuple[Relation, Standing | None]:
        return await self._read_pool.run(explained, viewer, owner, rules)

    async def graph_digest(self) -> GraphDigest:
        return await self._read_pool.run_alone(digest)

    async def bucket_digests(self, bucket: str, after: str, limit: int) -> BucketDigests:
        return await self._read_pool.run_alone(bucket_digests, bucket, after, limit)

    async def user_edges(self, user: str) -> tuple[dict[str, int], Edges]:
        return await self._read_pool.run(user_edges, user)


def feeds(connection: sqlite3.Connection) -> list[GraphFeed]:
    return [GraphFeed(*row) for row in connection.execute(FEEDS)]


def write_feeds(connection: sqlite3.Connection, changed: Sequence[GraphFeed], stamp: int) -> None:
    connection.executemany(PUT_FEED, [(feed.feed, feed.n) for feed in changed])


def edges_of(connection: sqlite3.Connection, users: Collection[str]) -> dict[str, Edges]:
    """Return the edges from each of these users."""
    return {
        user: {
            kind: frozenset(other for (other,) in connection.execute(sql, (user,)))
            for kind, sql in EDGES_OF.items()
        }
        for user in users
    }


def contacts_of(connection: sqlite3.Connection, owner: str, after: str, limit: int) -> list[Contact]:
    """Return contacts of `owner` behind `after`, in order of user id."""
    return [contact_of(row) for row in connection.execute(CONTACTS_OF, (owner, after, limit))]


def digest(connection: sqlite3.Connection) -> GraphDigest:
    """Return the digest of the whole graph, with the feeds of the same commit."""
    found = GraphDigest({feed.feed: feed.n for feed in feeds(connection)})
    for kind in KINDS:
        rows = giving_way(connection.execute(EDGES[kind]))
        for owner, others in groupby(rows, key=itemgetter(0)):
            found.add(kind, owner, digest_of(kind, owner, map(itemgetter(1), others)))
    return found


def bucket_digests(connection: sqlite3.Connection, bucket: str, after: str, limit: int) -> BucketDigests:
    """Return up to `limit` users of a bucket behind `after` who have edges."""
    found: list[tuple[str, Digests]] = []
    for (owner,) in giving_way(connection.execute(OWNERS, (after,))):
        if bucket_of(owner) == bucket and (
            digests := digests_of(owner, edges_of(connection, [owner])[owner])
        ):
            found.append((owner, digests))
            if len(found) == limit:
                break
    return BucketDigests({feed.feed: feed.n for feed in feeds(connection)}, found)


def explained(
    connection: sqlite3.Connection, viewer: str, owner: str, rules: PeopleRules
) -> tuple[Relation, Standing | None]:
    """Return how a viewer stands to an owner, and the standing of the owner in their direct room if there is one."""
    relation = relations(connection, [(viewer, owner)], rules)[viewer, owner]
    shared = share_small_group(connection, viewer, owner, rules.small_group_members)
    row = connection.execute(STANDING, (min(viewer, owner), max(viewer, owner), owner)).fetchone()
    return relation._replace(acquainted=shared), None if row is None else Standing(row[0])


def user_edges(connection: sqlite3.Connection, user: str) -> tuple[dict[str, int], Edges]:
    """Return the feeds, and the edges from a user, as of one commit."""
    return {feed.feed: feed.n for feed in feeds(connection)}, edges_of(connection, [user])[user]


def giving_way(cursor: sqlite3.Cursor) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a long scan, with a pause now and then."""
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        yield from rows
        time.sleep(PAUSE_S)


WRITES: Mapping[type, WriteRecords] = {GraphFeed: write_feeds}
