"""The places of devices at push services, alerts that wait, and badges.

Every read runs inside a read transaction of the connection.
"""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict

from chatd.core.push import Address
from chatd.core.push_alerts import Alert, ToldAlerts
from chatd.core.push_preferences import PREFERENCES
from chatd.core.push_registrations import ChangedRegistration, Dropped, Registration, digest_of
from chatd.protocol.preferences import preferences_of
from chatd.protocol.push import PushPreferences
from chatd.storage.sqlite.records import WriteRecords
from chatd.storage.sqlite.room_rows import UNREAD
from chatd.storage.sqlite.rows import Row
from chatd.storage.views import UserPush

# Whoever had the token before loses it.
TAKE = "DELETE FROM push_tokens WHERE digest = ? AND NOT (user = ? AND device = ? AND purpose = ?)"
PUT = """
INSERT INTO push_tokens (user, device, purpose, platform, app, environment, token, p256dh, auth, digest,
                         registered_at, epoch)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (user, device, purpose) DO UPDATE
SET platform = excluded.platform, app = excluded.app, environment = excluded.environment, token = excluded.token,
    p256dh = excluded.p256dh, auth = excluded.auth, digest = excluded.digest,
    registered_at = excluded.registered_at, epoch = excluded.epoch
"""
DROP = """
DELETE FROM push_tokens
WHERE user = :user AND (:device = '' OR device = :device) AND (:purpose = '' OR purpose = :purpose)
  AND (:digest = x'' OR digest = :digest) AND (:until = 0 OR registered_at <= :until)
"""
RELOCATE = "UPDATE push_tokens SET environment = ? WHERE digest = ?"
REGISTRATIONS = """
SELECT user, device, registered_at, epoch, platform, app, token, purpose, environment, p256dh, auth
FROM push_tokens WHERE user = ? ORDER BY device, purpose
"""
IS_REGISTERED = """
SELECT 1 FROM push_tokens
WHERE user = ? AND device = ? AND purpose = 'alert' AND epoch = (SELECT value FROM meta WHERE key = 'epoch')
"""

EPOCH = "SELECT value FROM meta WHERE key = 'epoch'"

ADD_ALERT = "INSERT INTO push_alerts (stamp, user, kind, author, time, room) VALUES (?, ?, ?, ?, ?, ?)"
FORGET_ALERTS = "DELETE FROM push_alerts WHERE stamp <= ?"

CHOSEN = """
SELECT p.user, p.body FROM json_each(?) asked JOIN account_rows p ON p.user = asked.value AND p.name = ?
WHERE p.body IS NOT NULL
"""
# `Attention.badge` of a member `m` of a room `r`; tests/contracts/test_store_badge.py holds both equal.
_SHARE = f"""
max(m.unread_mark, CASE iif(m.notify <> '', m.notify, iif(r.kind = 'direct', {{messages}}, {{groups}}))
    WHEN 'none' THEN 0
    WHEN 'mentions' THEN m.mentions
    ELSE iif(m.muted_until = 1 OR m.muted_until > :now OR m.folder = 1
             OR (r.kind <> 'direct' AND (r.members > :members_all OR r.kind = 'channel') AND m.notify <> 'all'),
             m.mentions, {UNREAD})
END)
"""
# In the list of the member: no message request, and not hidden.
_LISTED = """
m.gone IS NULL AND r.deleted_by IS NULL AND m.hidden <= r.ordinal
  AND (m.standing = 1 OR (m.standing = 0 AND r.written > 0))
"""
SHARE = _SHARE.format(messages=":messages", groups=":groups")
COUNTED = f"FROM members m CROSS JOIN rooms r ON r.number = m.room WHERE m.user = :user AND {_LISTED}"
BADGES = f"""
SELECT asked.user, sum({_SHARE.format(messages="asked.messages", groups="asked.groups")})
FROM (
    SELECT json_extract(value, '$[0]') AS user, json_extract(value, '$[1]') AS messages,
           json_extract(value, '$[2]') AS groups
    FROM json_each(:asked)
) asked
CROSS JOIN members m ON m.user = asked.user CROSS JOIN rooms r ON r.number = m.room
WHERE {_LISTED}
GROUP BY asked.user
"""  # noqa: S608 - put together from constants


def registrations(connection: sqlite3.Connection, user: str) -> list[Registration]:
    """Return the registrations of a user, by device."""
    return [registration_of(row) for row in connection.execute(REGISTRATIONS, (user,))]


def registration_of(row: Row) -> Registration:
    user, device, registered_at, epoch, *address = row
    return Registration(user, device, Address(*address), registered_at, epoch)


def is_registered(connection: sqlite3.Connection, user: str, device: str) -> bool:
    """Whether a device is told of messages, and registered in this history."""
    return connection.execute(IS_REGISTERED, (user, device)).fetchone() is not None


def push_preferences(connection: sqlite3.Connection, users: Collection[str]) -> dict[str, PushPreferences]:
    """Return what users chose; who chose nothing is left out."""
    rows = connection.execute(CHOSEN, (json.dumps([*users]), PREFERENCES))
    return {user: preferences_of(body).push for user, body in rows}


def user_push(connection: sqlite3.Connection, user: str, now_ms: int, members_all: int) -> UserPush:
    """Return what is kept of a user, and their badge at this moment."""
    chosen = push_preferences(connection, [user]).get(user, PushPreferences())
    badge = badges(connection, [user], now_ms, members_all)[user]
    (epoch,) = connection.execute(EPOCH).fetchone()
    return UserPush(registrations(connection, user), chosen, badge, epoch)


def badges(
    connection: sqlite3.Connection, users: Collection[str], now_ms: int, members_all: int
) -> dict[str, int]:
    """Return the badge of each of these users."""
    chosen, usual = push_preferences(connection, users), PushPreferences()
    levels = {user: chosen.get(user, usual) for user in users}
    asked = json.dumps([(user, one.messages, one.groups) for user, one in levels.items()])
    found = connection.execute(BADGES, {"asked": asked, "now": now_ms, "members_all": members_all})
    return {**dict.fromkeys(users, 0), **dict(found)}


def write_registrations(
    connection: sqlite3.Connection, changed: Sequence[ChangedRegistration], stamp: int
) -> None:
    """Carry out changes in their order."""
    for change in [one.change for one in changed]:
        if isinstance(change, Registration):
            put(connection, change)
        elif isinstance(change, Dropped):
            connection.execute(DROP, asdict(change))
        else:
            connection.execute(RELOCATE, (change.environment, change.digest))


def put(connection: sqlite3.Connection, registration: Registration) -> None:
    address, digest = registration.address, digest_of(registration.address)
    place = registration.user, registration.device, address.purpose
    connection.execute(TAKE, (digest, *place))
    keys = address.token, address.p256dh, address.auth, digest
    row = *place, address.platform, address.app, address.environment, *keys
    connection.execute(PUT, (*row, registration.registered_at, registration.epoch))


def add_alerts(connection: sqlite3.Connection, alerts: Sequence[Alert], stamp: int) -> None:
    rows = [(stamp, one.user, one.kind, one.author, one.time, one.room) for one in alerts]
    connection.executemany(ADD_ALERT, rows)


def forget_alerts(connection: sqlite3.Connection, told: Sequence[ToldAlerts], stamp: int) -> None:
    connection.executemany(FORGET_ALERTS, [(one.until,) for one in told])


WRITES: Mapping[type, WriteRecords] = {
    ChangedRegistration: write_registrations,
    Alert: add_alerts,
    ToldAlerts: forget_alerts,
}
