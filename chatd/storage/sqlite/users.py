"""The reads about users: members, readers, acquaintances, devices, accounts.

Every function runs inside a read transaction of the connection.
"""

import json
import sqlite3
from collections.abc import Collection
from typing import NamedTuple

from chatd.core.users import Account, DeviceSeen
from chatd.protocol.members import MemberFilter, MemberRow
from chatd.protocol.read_state import Reader
from chatd.storage.sqlite.rows import account_of, device_of, member_row_of, position

# User ids are ASCII: a prefix with this behind it sorts above every id with the prefix.
AFTER_USERS = "\x7f"


class ReaderPage(NamedTuple):
    """A page of the readers of an event. `unread`: of those who have not read it. `unseen`: members to leave out."""

    after: str
    limit: int
    unseen: Collection[str]
    unread: bool


# By what a list of members is asked for: a role, or the name of a part.
_WHICH = {
    "all": "m.gone IS NULL AND m.role = coalesce(:role, m.role)",
    "staff": "m.gone IS NULL AND m.role <> 'member'",
    "banned": "m.gone = 'banned'",
}
MEMBERS = {
    which: f"""
    SELECT m.user, m.role, m.joined_at, m.extras
    FROM members m
    WHERE m.room = :room AND m.user > :after AND m.user >= :prefix AND m.user < :end AND {condition}
    ORDER BY m.user LIMIT :limit
    """  # noqa: S608 - put together from constants
    for which, condition in _WHICH.items()
}
NAMED_MEMBERS = """
SELECT m.user, m.role, m.joined_at, m.extras
FROM json_each(:users) o JOIN members m ON m.room = :room AND m.user = o.value AND m.gone IS NULL
ORDER BY m.user
"""

MEMBER_COUNT = "SELECT members FROM rooms WHERE number = ?"
BANNED_COUNT = "SELECT count(*) FROM members WHERE room = ? AND gone = 'banned'"

# Of the members who were there when an event came, and whose receipts are shown: newcomers may see it, too, and have
# neither read it nor not.
_WITNESSES = """
FROM members m LEFT JOIN users u ON u.user = m.user
WHERE m.room = :room AND (m.first_visible <= :seq OR m.extras <> x'')
  AND m.joined_at <= coalesce((SELECT time FROM events WHERE position = :position), 1 << 53)
  AND m.gone IS NULL AND coalesce(u.receipts, 1) AND m.user NOT IN (SELECT value FROM json_each(:unseen))
"""
_READ = "m.read >= :seq"
_UNREAD = "m.read < :seq AND m.user IS NOT (SELECT user FROM events WHERE position = :position)"
READERS, NON_READERS = (
    f"SELECT m.user, m.read {_WITNESSES} AND {which} AND m.user > :after ORDER BY m.user LIMIT :limit"
    for which in (_READ, _UNREAD)
)
READER_COUNT, NON_READER_COUNT = (f"SELECT count(*) {_WITNESSES} AND {which}" for which in (_READ, _UNREAD))

# `+` makes the planner walk the rooms of each other user, instead of probing all rooms of the one user for each.
ACQUAINTANCES = """
SELECT o.value FROM json_each(?) o
WHERE EXISTS (
    SELECT 1 FROM members m
    WHERE m.user = o.value AND m.gone IS NULL
      AND +m.room IN (SELECT room FROM members WHERE user = ? AND gone IS NULL)
      AND (SELECT kind <> 'channel' FROM rooms WHERE number = m.room)
)
"""

WATCHABLE = """
SELECT o.value FROM json_each(:others) o LEFT JOIN users u ON u.user = o.value
WHERE coalesce(u.presence, 1) AND coalesce((SELECT presence FROM users WHERE user = :user), 1) AND EXISTS (
    SELECT 1 FROM members m
    WHERE m.user = o.value AND m.gone IS NULL
      AND +m.room IN (SELECT room FROM members WHERE user = :user AND gone IS NULL)
      AND (SELECT kind <> 'channel' AND NOT (:answered AND kind = 'direct' AND written <> 3)
           FROM rooms WHERE number = m.room)
)
"""

DEVICES = """
SELECT user, device, app, os, last_seen, revoked_before, removed FROM devices
WHERE user = ? AND NOT removed AND last_seen > 0 ORDER BY device
"""

UNLISTED = """
SELECT user, device FROM devices WHERE (removed OR last_seen = 0) AND revoked_before < ?
ORDER BY revoked_before LIMIT ?
"""

LAST_SEEN = """
SELECT user, max(last_seen) FROM devices
WHERE user IN (SELECT value FROM json_each(?)) GROUP BY user HAVING max(last_seen) > 0
"""

ACCOUNTS = """
SELECT user, name, avatar, version, receipts, presence, disabled, generation, revoked_before, password, created_at,
       kind, restriction, restricted_until, restricted_reason
FROM users WHERE user > ? AND user >= ? AND user < ? ORDER BY user LIMIT ?
"""

RESTRICTED = """
SELECT user, name, avatar, version, receipts, presence, disabled, generation, revoked_before, password, created_at,
       kind, restriction, restricted_until, restricted_reason
FROM users WHERE restriction <> '' AND user > ? AND (restricted_until = 1 OR restricted_until > ?)
ORDER BY user LIMIT ?
"""


def members(
    connection: sqlite3.Connection, room: int, names: tuple[str, str], role: MemberFilter | None, limit: int
) -> tuple[list[MemberRow], int]:
    """Return members and their number, or those who are banned. `names`: the user id after which the list continues,
    and a prefix.
    """
    after, prefix = names
    which = role if role in MEMBERS else "all"
    wanted = {
        "room": room, "after": after, "prefix": prefix, "end": prefix + AFTER_USERS, "role": role, "limit": limit
    }  # fmt: skip
    rows = [member_row_of(row) for row in connection.execute(MEMBERS[which], wanted)]
    count = connection.execute(BANNED_COUNT if role == "banned" else MEMBER_COUNT, (room,)).fetchone()
    return rows, 0 if count is None else count[0]


def named_members(connection: sqlite3.Connection, room: int, users: Collection[str]) -> list[MemberRow]:
    wanted = {"room": room, "users": json.dumps(list(users))}
    return [member_row_of(row) for row in connection.execute(NAMED_MEMBERS, wanted)]


def readers(
    connection: sqlite3.Connection, room: int, seq: int, page: ReaderPage
) -> tuple[list[Reader], int]:
    wanted = {
        "room": room, "seq": seq, "position": position(room, seq),
        "unseen": json.dumps(list(page.unseen)), "after": page.after, "limit": page.limit,
    }  # fmt: skip
    lists, counts = (NON_READERS, NON_READER_COUNT) if page.unread else (READERS, READER_COUNT)
    rows = [Reader(*row) for row in connection.execute(lists, wanted)]
    (count,) = connection.execute(counts, wanted).fetchone()
    return rows, count


def acquaintances(connection: sqlite3.Connection, user: str, others: Collection[str]) -> set[str]:
    return {row[0] for row in connection.execute(ACQUAINTANCES, (json.dumps(list(others)), user))}


def watchable(connection: sqlite3.Connection, user: str, others: Collection[str], answered: bool) -> set[str]:
    parameters = {"user": user, "others": json.dumps(list(others)), "answered": answered}
    return {row[0] for row in connection.execute(WATCHABLE, parameters)}


def devices(connection: sqlite3.Connection, user: str) -> list[DeviceSeen]:
    return [device_of(row) for row in connection.execute(DEVICES, (user,))]


def last_seen(connection: sqlite3.Connection, users: Collection[str]) -> dict[str, int]:
    return dict(connection.execute(LAST_SEEN, (json.dumps(list(users)),)).fetchall())


def listed(connection: sqlite3.Connection, users: Collection[str]) -> list[DeviceSeen]:
    found = [device for user in users for device in devices(connection, user)]
    return sorted(found, key=lambda device: device.last_seen)


def unlisted(connection: sqlite3.Connection, before: int, limit: int) -> list[tuple[str, str]]:
    return connection.execute(UNLISTED, (before, limit)).fetchall()


def accounts(connection: sqlite3.Connection, after: str, limit: int, prefix: str) -> list[Account]:
    # Ids are of ASCII, and "~" is behind all that may stand in one.
    found = connection.execute(ACCOUNTS, (after, prefix, f"{prefix}~", limit))
    return [account_of(row) for row in found]


def restricted(connection: sqlite3.Connection, now_ms: int, after: str, limit: int) -> list[Account]:
    return [account_of(row) for row in connection.execute(RESTRICTED, (after, now_ms, limit))]
