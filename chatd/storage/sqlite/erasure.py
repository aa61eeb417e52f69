"""The personal data of a user in the database: where it is, its export and its erasure.

Every table is listed, here or in the chapter that brings it, with the columns that name a user. `export` is a
statement that selects the rows of `:user`, `erase` the statements that remove them. Where either is missing there is
a reason: data that belongs to a room, or also to others, is removed through the room. No daemon may run on the
database meanwhile, since its memory would keep the old state.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chatd.protocol.codec import decode_tree


@dataclass(slots=True, frozen=True)
class Kept:
    """One table. `users`: the columns that name users. `why`: the reason for a missing `export` or `erase`."""

    users: tuple[str, ...] = ()
    export: str = ""
    erase: tuple[str, ...] = ()
    why: str = ""


TABLES: Mapping[str, Kept] = {
    "meta": Kept(why="names nobody"),
    "migrations": Kept(why="names nobody"),
    # Marks of revocation and a restriction stay: the first refuse tokens that have not expired, the second the user.
    "users": Kept(
        ("user",),
        """
        SELECT user, name, avatar, receipts, presence, disabled, created_at, kind, restriction, restricted_until,
               restricted_reason
        FROM users WHERE user = :user
        """,
        (
            """
            UPDATE users SET name = '', avatar = '', version = version + 1, receipts = 1, presence = 1, password = NULL,
                             kind = 0
            WHERE user = :user
            """,
        ),
    ),
    "devices": Kept(
        ("user",),
        "SELECT device, app, os, last_seen, removed FROM devices WHERE user = :user",
        (
            "DELETE FROM devices WHERE user = :user AND revoked_before = 0",
            "UPDATE devices SET app = '', os = '', last_seen = 0, removed = 1 WHERE user = :user",
        ),
    ),
    # All other members see who is a member, and unread counts depend on the read positions.
    "members": Kept(
        ("user",),
        """
        SELECT r.name AS room, m.role, m.joined_at, m.read, m.delivered, m.muted_until, m.pinned, m.hidden, m.gone,
               m.standing, m.extras
        FROM members m JOIN rooms r ON r.number = m.room WHERE m.user = :user
        """,
        ("UPDATE members SET muted_until = 0, pinned = 0, hidden = 0, extras = x'' WHERE user = :user",),
    ),
    "bots": Kept(
        ("bot",),
        "SELECT commands, welcome, sees, hook FROM bots WHERE bot = :user",
        ("DELETE FROM bots WHERE bot = :user",),
    ),
    "account_rows": Kept(
        ("user",),
        "SELECT name, body FROM account_rows WHERE user = :user",
        # Tombstones, for the other devices of the user; their names say nothing.
        ("UPDATE account_rows SET body = NULL WHERE user = :user",),
    ),
    "account_state": Kept(("user",), why="a number that account_rows has, too"),
    "days": Kept(why="names nobody"),
    # A commit of its own, so that all devices hear of it. Who blocks the user goes on blocking them.
    "contacts": Kept(
        ("owner", "user"),
        """
        SELECT user AS contact, state, blocked, following, circles, remark, note, via, since FROM contacts
        WHERE owner = :user
        """,
        (
            "UPDATE meta SET value = value + 1 WHERE key = 'stamp'",
            "UPDATE contacts SET blocked = 0, quiet = 0, tries = 0 WHERE owner = :user",
            """
            UPDATE contacts
            SET state = 0, following = 0, circles = 0, remark = '', note = '', via = '', since = 0, expires = 0,
                known = 0, stamp = iif(stamp, (SELECT value FROM meta WHERE key = 'stamp'), 0)
            WHERE owner = :user OR user = :user
            """,
            """
            INSERT INTO account_state
            SELECT owner, stamp FROM contacts WHERE (owner = :user OR user = :user) AND stamp
            ON CONFLICT (user) DO UPDATE SET stamp = excluded.stamp
            """,
        ),
    ),
    "pages": Kept(
        ("user",),
        "SELECT handle, verified, page FROM pages WHERE user = :user",
        # The stamp is for friends, who ask for what changed.
        (
            """
            UPDATE pages SET handle = NULL, verified = '', page = x'',
                stamp = (SELECT value FROM meta WHERE key = 'stamp')
            WHERE user = :user
            """,
        ),
    ),
    "memberships": Kept(("user",), why="a number that members has, too"),
    "rooms": Kept(
        ("creator", "deleted_by"),
        "SELECT name, kind, created_at, title, avatar, data FROM rooms WHERE creator = :user",
        why="a room belongs to its members",
    ),
    "direct": Kept(("a", "b"), why="a direct room belongs to both; members has it"),
    "events": Kept(
        ("user", "mentions", "ignored"),
        """
        SELECT r.name AS room, e.position & 0xffffffff AS seq, e.blob AS event
        FROM events e JOIN rooms r ON r.number = e.position >> 32 WHERE e.user = :user ORDER BY e.position
        """,
        why="the log belongs to its room: messages are recalled there",
    ),
    "reactions": Kept(
        ("user",),
        """
        SELECT r.name AS room, x.seq, x.emoji
        FROM reactions x JOIN rooms r ON r.number = x.room WHERE x.user = :user
        """,
        why="counted on the message they are on: they are cleared there",
    ),
    "graph_feeds": Kept(why="names nobody"),
    "event_feed": Kept(("entries",), why="holds ids of users, no text; forgotten after events.kept_h"),
    "consumers": Kept(why="names nobody"),
    "parked": Kept(why="names nobody"),
    "api_keys": Kept(why="names nobody"),
    "filters": Kept(why="words of the operator, about nobody"),
    "audit": Kept(("target",), why="says what the host did; forgotten after api.audit_kept_days"),
    "report_subjects": Kept(("user",), why="a number of reports, which reports have, too"),
    "reports": Kept(
        ("reporter", "user"),
        """
        SELECT number, time, reason, text, user AS about, room, seq, state FROM reports WHERE reporter = :user
        """,
        ("UPDATE reports SET text = '' WHERE reporter = :user",),
        "what is reported of a user is evidence for others, forgotten after moderation.reports_kept_days",
    ),
    "unlogged": Kept(
        ("user",),
        erase=("DELETE FROM unlogged WHERE user = :user",),
        why="not exported: random keys of requests, kept for a month",
    ),
}

# Columns that hold MessagePack.
PACKED = {"body", "data", "event", "extras", "page"}


def export(
    connection: sqlite3.Connection, user: str, tables: Mapping[str, Kept] = TABLES
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield everything that is kept of `user`: (table, values by name) for each row, in the order of the tables."""
    for table, kept in tables.items():
        if kept.export:
            cursor = connection.execute(kept.export, {"user": user})
            names = [column[0] for column in cursor.description]
            for row in cursor:
                yield table, {name: plain(name, value) for name, value in zip(names, row, strict=True)}


def plain(name: str, value: Any) -> Any:
    """Return a value as it is exported: MessagePack is decoded, an empty one is None."""
    return (decode_tree(value) if value else None) if name in PACKED else value


def erase(connection: sqlite3.Connection, user: str, tables: Mapping[str, Kept] = TABLES) -> None:
    """Remove what is kept of `user` alone, whole or not at all. It may be repeated."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for kept in tables.values():
            for statement in kept.erase:
                connection.execute(statement, {"user": user})
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
