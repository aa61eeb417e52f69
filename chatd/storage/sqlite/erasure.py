"""The personal data of a user in the database: where it is, its export and its erasure.

Every table is listed, here or in the chapter that brings it, with the columns that name a user. `export` selects the
rows of `:user`. What an erasure takes away, `left` counts; it is done by the `erase` statements, or, without any, by a
decision of core/erasure_steps.py, because memory or other people see it too. Where something is missing there is a
reason. Statements may name `:recall` (1: messages go, too) and `:drop_reports`; those of `erase` change at most
`:limit` rows and are asked again while something is left.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chatd.core.erasure_steps import ErasedRows
from chatd.protocol.codec import decode_tree

# Rows that one commit of an erasure changes by its statements: a few milliseconds.
ROWS_AT_ONCE = 500


@dataclass(slots=True, frozen=True)
class Kept:
    """One table. `users`: the columns that name users. `why`: the reason for a missing `export` or `left`.

    `how`: what an erasure does with a row, as receipts say it. `until`: of a table that an erasure leaves for a while,
    a statement that selects the number of rows, and when (Unix ms) the last of them goes: reports go `:reports_ms`
    after their last change.
    """

    users: tuple[str, ...] = ()
    export: str = ""
    erase: tuple[str, ...] = ()
    why: str = ""
    left: str = ""
    how: str = "removed"
    until: str = ""


# Whoever asked or is a friend has a row of both. The indexes find who alone has something of the user.
CONTACTS = """
SELECT user AS other FROM contacts
WHERE owner = :user AND (state OR blocked OR following OR circles OR remark <> '' OR note <> '' OR via <> '' OR since
                         OR expires OR quiet OR tries OR known)
UNION SELECT owner FROM contacts WHERE user = :user AND following = 1
UNION SELECT owner FROM contacts WHERE user = :user AND remark <> ''
"""
# An empty map of MessagePack.
NOTHING = "x'80'"
REPORTS_ABOUT = f"""
FROM report_subjects s JOIN reports r ON r.subject = s.number
WHERE s.user = :user AND (r.text <> '' OR r.evidence <> {NOTHING})
"""
# What holds files for the user: their card, wallpapers, messages that wait, and reports about them that were dropped.
HOLDERS = f"""
SELECT holder FROM held WHERE holder IN ('avatar:u:' || :user, 'cover:u:' || :user)
UNION SELECT h.holder FROM members m JOIN held h ON h.holder = 'wallpaper:u:' || m.user || ':' || m.room
WHERE m.user = :user
UNION SELECT holder FROM held
WHERE holder BETWEEN 'scheduled:u:' || :user || ':' AND 'scheduled:u:' || :user || ';'
AND NOT instr(substr(holder, length('scheduled:u:' || :user || ':') + 1), ':')
UNION SELECT h.holder
FROM report_subjects s JOIN reports r ON r.subject = s.number JOIN held h ON h.holder = 'report:' || r.number
WHERE s.user = :user AND :drop_reports AND r.evidence = {NOTHING}
"""  # noqa: S608 - a constant
# The key `body` in a stored event. Its first byte is no character, so it is in no text.
HAS_BODY = "instr(e.blob, x'a4626f6479')"
# By the index of keys: all that users say has one.
OWN_EVENTS = """
FROM members m CROSS JOIN events e INDEXED BY events_key
ON e.position >> 32 = m.room AND e.user = m.user AND e.client_key IS NOT NULL
"""

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
        left="""
        SELECT count(*) FROM users WHERE user = :user
        AND (name <> '' OR avatar <> '' OR password IS NOT NULL OR NOT receipts OR NOT presence OR NOT disabled OR kind)
        """,
        how="emptied",
    ),
    # No revocation of one device matters any more when all tokens of the user are refused.
    "devices": Kept(
        ("user",),
        "SELECT device, app, os, last_seen, removed FROM devices WHERE user = :user",
        (
            """
            DELETE FROM devices WHERE user = :user
            AND device IN (SELECT device FROM devices WHERE user = :user LIMIT :limit)
            """,
        ),
        left="SELECT count(*) FROM devices WHERE user = :user",
    ),
    # All other members see who is a member, and unread counts depend on the read positions.
    "members": Kept(
        ("user",),
        """
        SELECT r.name AS room, m.role, m.joined_at, m.read, m.delivered, m.muted_until, m.pinned, m.hidden, m.notify,
               m.folder, m.unread_mark, m.gone, m.standing, m.extras
        FROM members m JOIN rooms r ON r.number = m.room WHERE m.user = :user
        """,
        left="""
        SELECT count(*) FROM members m JOIN rooms r ON r.number = m.room
        WHERE m.user = :user AND (m.muted_until OR m.pinned OR m.hidden OR m.notify <> ''
                                  OR m.folder OR m.unread_mark OR m.extras <> x''
                                  OR (m.gone IS NULL AND r.kind <> 'direct'))
        """,
        how="emptied",
    ),
    "bots": Kept(
        ("bot",),
        "SELECT commands, welcome, sees, hook FROM bots WHERE bot = :user",
        left="SELECT count(*) FROM bots WHERE bot = :user",
    ),
    "account_rows": Kept(
        ("user",),
        "SELECT name, body FROM account_rows WHERE user = :user AND body IS NOT NULL",
        # Tombstones, should the id be opened again; their names say nothing.
        left="SELECT count(*) FROM account_rows WHERE user = :user AND body IS NOT NULL",
        how="emptied",
    ),
    # As account_rows.
    "section_rows": Kept(
        ("user",),
        "SELECT section, name, body FROM section_rows WHERE user = :user AND body IS NOT NULL",
        left="SELECT count(*) FROM section_rows WHERE user = :user AND body IS NOT NULL",
        how="emptied",
    ),
    "scheduled": Kept(
        ("user",),
        erase=("DELETE FROM scheduled WHERE user = :user",),
        why="not exported: section_rows has them",
        left="SELECT count(*) FROM scheduled WHERE user = :user",
    ),
    "account_state": Kept(("user",), why="a number that account_rows has, too"),
    "days": Kept(why="names nobody"),
    # All devices of others hear of it. Who blocks the user goes on blocking them.
    "contacts": Kept(
        ("owner", "user"),
        """
        SELECT user AS contact, state, blocked, following, circles, remark, note, via, since FROM contacts
        WHERE owner = :user
        """,
        left=f"WITH others AS ({CONTACTS}) SELECT count(*) FROM others",  # noqa: S608 - a constant
        how="emptied",
    ),
    "pages": Kept(
        ("user",),
        "SELECT handle, verified, page FROM pages WHERE user = :user",
        # The stamp is for friends, who ask for what changed.
        left="""
        SELECT count(*) FROM pages WHERE user = :user AND (handle IS NOT NULL OR verified <> '' OR page <> x'')
        """,
        how="emptied",
    ),
    "push_tokens": Kept(
        ("user",),
        """
        SELECT device, purpose, platform, app, environment, token, registered_at FROM push_tokens WHERE user = :user
        """,
        ("DELETE FROM push_tokens WHERE user = :user",),
        left="SELECT count(*) FROM push_tokens WHERE user = :user",
    ),
    "push_alerts": Kept(
        ("user", "author"),
        erase=(
            """
            DELETE FROM push_alerts WHERE number IN
                (SELECT number FROM push_alerts WHERE user = :user OR author = :user LIMIT :limit)
            """,
        ),
        why="not exported: what contacts has, too, until it was told",
        left="SELECT count(*) FROM push_alerts WHERE user = :user OR author = :user",
    ),
    "memberships": Kept(("user",), why="a number that members has, too"),
    "rooms": Kept(
        ("creator", "deleted_by"),
        "SELECT name, kind, created_at, title, avatar, data FROM rooms WHERE creator = :user",
        why="a room belongs to its members",
    ),
    "deleted_rooms": Kept(why="names nobody"),
    "direct": Kept(("a", "b"), why="a direct room belongs to both; members has it"),
    "events": Kept(
        ("user", "mentions", "ignored"),
        # Of one room, page by page: a person may have written a million.
        """
        SELECT r.name AS room, e.position & 0xffffffff AS seq, e.blob AS event
        FROM json_each(:seqs) s JOIN rooms r ON r.number = :room JOIN events e ON e.position = :room << 32 | s.value
        ORDER BY e.position
        """,
        left=f"""
        SELECT count(*) {OWN_EVENTS}
        WHERE m.user = :user
        AND (e.kind IN ('reaction', 'nickname') OR (:recall AND e.kind IN ('message', 'edit') AND {HAS_BODY}))
        """,
        how="emptied",
    ),
    "reactions": Kept(
        ("user",),
        """
        SELECT r.name AS room, x.seq, x.emoji
        FROM reactions x JOIN rooms r ON r.number = x.room WHERE x.user = :user
        """,
        left="SELECT count(*) FROM reactions WHERE user = :user",
    ),
    "graph_feeds": Kept(why="names nobody"),
    "event_feed": Kept(("entries",), why="holds ids of users, no text; forgotten after events.kept_h"),
    "consumers": Kept(why="names nobody"),
    "parked": Kept(why="names nobody"),
    "api_keys": Kept(why="names nobody"),
    "imported_rooms": Kept(why="names of rooms, where an import came from"),
    "filters": Kept(why="words of the operator, about nobody"),
    "audit": Kept(("target", "acted_as"), why="says what the host did; forgotten after api.audit_kept_days"),
    "report_subjects": Kept(("user",), why="a number of reports, which reports have, too"),
    # Evidence against them is for others, unless the host asks to drop it. Those about others show up to five messages
    # on each side, also of them: they go with the report.
    "reports": Kept(
        ("reporter", "user"),
        """
        SELECT number, time, reason, text, user AS about, room, seq, state FROM reports WHERE reporter = :user
        """,
        (
            """
            UPDATE reports SET text = ''
            WHERE number IN (SELECT number FROM reports WHERE reporter = :user AND text <> '' LIMIT :limit)
            """,
            f"""
            UPDATE reports SET text = '', evidence = {NOTHING}
            WHERE :drop_reports AND number IN (SELECT r.number {REPORTS_ABOUT} LIMIT :limit)
            """,  # noqa: S608 - put together from constants
        ),
        left=f"""
        SELECT (SELECT count(*) FROM reports WHERE reporter = :user AND text <> '')
               + iif(:drop_reports, (SELECT count(*) {REPORTS_ABOUT}), 0)
        """,  # noqa: S608
        how="emptied",
        until=f"""
        SELECT count(*), coalesce(max(r.changed_at), 0) + :reports_ms {REPORTS_ABOUT} AND NOT :drop_reports
        """,
    ),
    "unlogged": Kept(
        ("user",),
        erase=(
            """
            DELETE FROM unlogged WHERE (room, user, client_key) IN (
                SELECT u.room, u.user, u.client_key
                FROM members m CROSS JOIN unlogged u ON u.room = m.room AND u.user = m.user
                WHERE m.user = :user LIMIT :limit
            )
            """,
        ),
        why="not exported: random keys of requests, kept for a month",
        left="""
        SELECT count(*) FROM members m CROSS JOIN unlogged u ON u.room = m.room AND u.user = m.user
        WHERE m.user = :user
        """,
    ),
    # One that something else holds goes on without a name.
    "files": Kept(
        ("owner",),
        """
        SELECT file, kind, purpose, state, reserved AS bytes, created_at, facts FROM files
        WHERE owner = :user AND state = 'ready'
        """,
        left="SELECT count(*) FROM files WHERE owner = :user",
    ),
    "renditions": Kept(why="names nobody"),
    "objects": Kept(why="names nobody"),
    "attached": Kept(why="names nobody"),
    "held": Kept(
        ("holder",),
        why="not exported: what users, pages and members have, too",
        left=f"SELECT count(*) FROM ({HOLDERS})",  # noqa: S608 - a constant
    ),
    "media_usage": Kept(
        ("account",),
        why="not exported: a number that files has, too",
        left="SELECT count(*) FROM media_usage WHERE account = 'u:' || :user",
    ),
    "media_blocked": Kept(why="names nobody"),
    "erasures": Kept(("user",), why="the list by which a restored backup is erased again"),
    "exports": Kept(("user",), why="the name of a file, which an erasure removes"),
    "listed": Kept(why="titles and tags of rooms, as everybody sees them"),
    # Of a person who is let in no longer nobody decides anything; what they offered to others goes with them.
    "joins": Kept(
        ("user", "by"),
        """
        SELECT r.name AS room, j.kind, j.by, j.text, j.time FROM joins j JOIN rooms r ON r.number = j.room
        WHERE j.user = :user
        """,
        left="SELECT count(*) FROM joins WHERE user = :user OR (by = :user AND by <> '')",
    ),
    # They name their maker, and work no longer than they may invite.
    "invites": Kept(
        ("user",),
        """
        SELECT r.name AS room, i.created_at, i.expires_at, i.uses, i.uses_max, i.approve, i.label
        FROM invites i JOIN rooms r ON r.number = i.room WHERE i.user = :user
        """,
        ("DELETE FROM invites WHERE invite IN (SELECT invite FROM invites WHERE user = :user LIMIT :limit)",),
        left="SELECT count(*) FROM invites WHERE user = :user",
    ),
}

# Columns that hold MessagePack.
PACKED = {"body", "data", "event", "extras", "facts", "page"}

ROOMS = """
SELECT m.room, r.name FROM members m JOIN rooms r ON r.number = m.room
WHERE m.user = ? AND m.gone IS {present} AND m.room > ? ORDER BY m.room LIMIT ?
"""
EVENTS = """
SELECT position & 0xffffffff FROM events INDEXED BY events_key
WHERE position >> 32 = ? AND user = ? AND client_key IS NOT NULL
"""


def rooms(connection: sqlite3.Connection, user: str, after: int, limit: int) -> list[tuple[int, str]]:
    """Return rooms (number, name) in which a user is or was."""
    # Present and former members have an index each.
    found = [
        row
        for present in ("NULL", "NOT NULL")
        for row in connection.execute(ROOMS.format(present=present), (user, after, limit))
    ]
    return sorted(found)[:limit]


def events(connection: sqlite3.Connection, room: int, user: str) -> list[int]:
    """Return the numbers of the events of a user in a room, the newest first."""
    return sorted((seq for (seq,) in connection.execute(EVENTS, (room, user))), reverse=True)


def exported(
    connection: sqlite3.Connection, kept: Kept, user: str, room: int = 0, seqs: Sequence[int] = ()
) -> list[dict[str, Any]]:
    """Return the rows of a table for an export, as values by name; of `events` those at `seqs` of `room`."""
    cursor = connection.execute(kept.export, {"user": user, "room": room, "seqs": json.dumps(seqs)})
    names = [column[0] for column in cursor.description]
    return [{name: plain(name, value) for name, value in zip(names, row, strict=True)} for row in cursor]


def plain(name: str, value: Any) -> Any:
    """Return a value as it is exported: MessagePack is decoded, an empty one is None."""
    return (decode_tree(value) if value else None) if name in PACKED else value


def export(
    connection: sqlite3.Connection, user: str, tables: Mapping[str, Kept] = TABLES
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield everything that is kept of `user`: (table, values by name) for each row, in the order of the tables."""
    for table, kept in tables.items():
        if table == "events":
            for room, _ in rooms(connection, user, 0, -1):
                for row in exported(connection, kept, user, room, events(connection, room, user)):
                    yield table, row
        elif kept.export:
            yield from ((table, row) for row in exported(connection, kept, user))


def count_left(
    connection: sqlite3.Connection, user: str, wanted: Mapping[str, int], tables: Mapping[str, Kept] = TABLES
) -> dict[str, int]:
    """Count by table the rows that an erasure has to take away. `wanted`: `:recall` and `:drop_reports`."""
    return {
        table: connection.execute(kept.left, {"user": user, **wanted}).fetchone()[0]
        for table, kept in tables.items()
        if kept.left
    }


def write_erased(
    tables: Mapping[str, Kept], connection: sqlite3.Connection, erased: Sequence[ErasedRows], stamp: int
) -> None:
    """Run the statements of tables."""
    for rows in erased:
        asked = {"user": rows.person, "limit": ROWS_AT_ONCE, "drop_reports": int(rows.reports == "drop")}
        for statement in tables[rows.table].erase:
            connection.execute(statement, asked)
