"""The reads about users: members, readers, acquaintances, devices, accounts.

Every function runs inside a read transaction of the connection.
"""

import json
import sqlite3
from collections.abc import Collection

from chatd.core.users import Account, DeviceSeen
from chatd.storage.sqlite.rows import account_of, device_of

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
