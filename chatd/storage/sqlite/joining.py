"""The rows of requests to join, offers and invites."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence

from chatd.core.invites import ForgetInvites, IssuedInvite
from chatd.core.joining import Join
from chatd.storage.joining import JoiningStore
from chatd.storage.sqlite.read_pool import ReadPool
from chatd.storage.sqlite.records import WriteRecords
from chatd.storage.sqlite.rows import Row

JOIN = "SELECT room, user, kind, by, text, time FROM joins WHERE room = ? AND user = ?"
PUT_JOIN = """
INSERT INTO joins (room, user, kind, by, text, time) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (room, user) DO UPDATE
SET kind = excluded.kind, by = excluded.by, text = excluded.text, time = excluded.time
"""
DROP_JOIN = "DELETE FROM joins WHERE room = ? AND user = ?"
ASKED = """
SELECT room, user, kind, by, text, time FROM joins
WHERE room = ? AND kind = 'asked' AND time >= ? ORDER BY time, user LIMIT ? OFFSET ?
"""
# An index each for those whose time is up. Rooms that were deleted are few.
ENDED = """
SELECT r.name, j.user FROM joins j JOIN rooms r ON r.number = j.room WHERE j.time <= :asked
UNION SELECT r.name, j.user FROM joins j JOIN rooms r ON r.number = j.room
WHERE j.kind = 'declined' AND j.time <= :declined
UNION SELECT r.name, j.user
FROM deleted_rooms d CROSS JOIN joins j ON j.room = d.room CROSS JOIN rooms r ON r.number = d.room
LIMIT :limit
"""
FIRST_END = "SELECT coalesce(min(expires_at), 1 << 60) FROM invites"

COLUMNS = """
i.invite, r.name, i.room, i.user, i.client_key, i.created_at, i.expires_at, i.uses, i.uses_max, i.approve, i.label,
i.revoked
"""
INVITE = f"SELECT {COLUMNS} FROM invites i JOIN rooms r ON r.number = i.room WHERE i.invite = ?"  # noqa: S608
INVITE_OF_KEY = f"""
SELECT {COLUMNS} FROM invites i JOIN rooms r ON r.number = i.room WHERE i.user = ? AND i.client_key = ?
"""  # noqa: S608
INVITES_OF_ROOM = f"""
SELECT {COLUMNS} FROM invites i JOIN rooms r ON r.number = i.room WHERE i.room = ? AND i.revoked = 0
"""  # noqa: S608
INVITES_SHOWN = f"""
SELECT {COLUMNS} FROM invites i JOIN rooms r ON r.number = i.room
WHERE i.room = :room AND i.revoked = 0 AND i.expires_at > :now AND (:user IS NULL OR i.user = :user)
  AND (-i.created_at, i.invite) > (:time, :invite)
ORDER BY -i.created_at, i.invite LIMIT :limit
"""  # noqa: S608
PUT_INVITE = """
INSERT INTO invites (invite, room, user, client_key, created_at, expires_at, uses, uses_max, approve, label, revoked)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (invite) DO UPDATE SET uses = excluded.uses, expires_at = excluded.expires_at, revoked = excluded.revoked
"""
FORGET_INVITES = "DELETE FROM invites WHERE expires_at < ?"


class JoiningRows(JoiningStore):
    """The part of the store on SQLite."""

    def __init__(self, readers: ReadPool) -> None:
        self._read_pool = readers

    async def joins(self, places: Collection[tuple[int, str]]) -> list[Join]:
        return await self._read_pool.run(joins, places)

    async def asked(self, room: int, since: int, skipped: int, limit: int) -> list[Join]:
        rows = await self._read_pool.run(rows_of, ASKED, (room, since, limit, skipped))
        return [Join(*row) for row in rows]

    async def ended(self, asked: int, declined: int, limit: int) -> list[tuple[str, str]]:
        wanted = {"asked": asked, "declined": declined, "limit": limit}
        return await self._read_pool.run(rows_of, ENDED, wanted)

    async def first_end(self) -> int:
        ((time,),) = await self._read_pool.run(rows_of, FIRST_END, ())
        return int(time)

    async def invites(
        self, ids: Collection[str], keys: Collection[tuple[str, str]], rooms: Collection[int]
    ) -> list[IssuedInvite]:
        return await self._read_pool.run(invites, ids, keys, rooms)

    async def invites_of(
        self, room: int, user: str | None, after: tuple[int, str], limit: int, now_ms: int
    ) -> list[IssuedInvite]:
        wanted = {
            "room": room,
            "user": user,
            "time": after[0],
            "invite": after[1],
            "limit": limit,
            "now": now_ms,
        }
        return [invite_of(row) for row in await self._read_pool.run(rows_of, INVITES_SHOWN, wanted)]


def rows_of(
    connection: sqlite3.Connection, sql: str, asked: Sequence[object] | Mapping[str, object]
) -> list[Row]:
    return connection.execute(sql, asked).fetchall()


def joins(connection: sqlite3.Connection, places: Collection[tuple[int, str]]) -> list[Join]:
    found = (connection.execute(JOIN, place).fetchone() for place in places)
    return [Join(*row) for row in found if row is not None]


def invites(
    connection: sqlite3.Connection,
    ids: Collection[str],
    keys: Collection[tuple[str, str]],
    rooms: Collection[int],
) -> list[IssuedInvite]:
    asked = [
        *((INVITE, (one,)) for one in ids),
        *((INVITE_OF_KEY, key) for key in keys),
        *((INVITES_OF_ROOM, (room,)) for room in rooms),
    ]
    return [invite_of(row) for sql, values in asked for row in connection.execute(sql, values)]


def invite_of(row: Row) -> IssuedInvite:
    values = (*row[:9], row[9] == 1, row[10], row[11] == 1)
    return IssuedInvite(*values)


def write_joins(connection: sqlite3.Connection, changed: Sequence[Join], stamp: int) -> None:
    last = {(join.room, join.user): join for join in changed}
    kept = [join for join in last.values() if join.kind]
    rows = [(join.room, join.user, join.kind, join.by, join.text, join.time) for join in kept]
    connection.executemany(PUT_JOIN, rows)
    connection.executemany(DROP_JOIN, [place for place, join in last.items() if not join.kind])


def write_invites(connection: sqlite3.Connection, changed: Sequence[IssuedInvite], stamp: int) -> None:
    rows = [
        (
            one.invite,
            one.number,
            one.user,
            one.client_key,
            one.created_at,
            one.expires_at,
            one.uses,
            one.uses_max,
            int(one.approve),
            one.label,
            int(one.revoked),
        )
        for one in changed
    ]
    connection.executemany(PUT_INVITE, rows)


def forget_invites(connection: sqlite3.Connection, forgotten: Sequence[ForgetInvites], stamp: int) -> None:
    connection.executemany(FORGET_INVITES, [(one.before,) for one in forgotten])


WRITES: Mapping[type, WriteRecords] = {
    Join: write_joins,
    IssuedInvite: write_invites,
    ForgetInvites: forget_invites,
}
