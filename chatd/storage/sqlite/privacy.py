"""The reads by which rules are judged: contacts, privacy rows, closed accounts, groups in common.

Every function runs inside a read transaction of the connection.
"""

import json
import sqlite3
from collections.abc import Collection

from chatd.core.privacy import NO_TIE, Relation, RoomRelations, Side, Tie, depends_on_groups, mutually_allow
from chatd.core.read_set import PeopleRules
from chatd.protocol.privacy import Privacy, decode_privacy

Pair = tuple[str, str]

# Both contacts of a user and each of the others; two lists cost a third of one list of pairs.
TIES = """
SELECT owner, user, state = 4, blocked, following, circles FROM contacts
WHERE owner = :user AND user IN (SELECT value FROM json_each(:others))
UNION ALL
SELECT owner, user, state = 4, blocked, following, circles FROM contacts
WHERE owner IN (SELECT value FROM json_each(:others)) AND user = :user
"""
PRIVACY_ROWS = """
SELECT user, body FROM account_rows
WHERE user IN (SELECT value FROM json_each(?)) AND name = 'privacy' AND body IS NOT NULL
"""
# Of all users few.
UNUSUAL = """
SELECT user, disabled, kind FROM users
WHERE user IN (SELECT value FROM json_each(?)) AND (disabled OR kind > 0)
"""
SEEN = """
SELECT value FROM json_each(?) asked
WHERE EXISTS (SELECT 1 FROM users WHERE user = asked.value) OR EXISTS (SELECT 1 FROM devices WHERE user = asked.value)
"""
SMALL_GROUP = """
SELECT 1 FROM members a JOIN rooms r ON r.number = a.room JOIN members b ON b.room = a.room AND b.user = ?
WHERE a.user = ? AND a.gone IS NULL AND b.gone IS NULL
  AND r.kind = 'group' AND r.deleted_by IS NULL AND r.members <= ?
LIMIT 1
"""
BLOCKS_INSIDE = """
SELECT c.user, c.owner
FROM members m
JOIN contacts c ON c.owner = m.user AND c.blocked = 1
JOIN members o ON o.room = m.room AND o.user = c.user AND o.gone IS NULL
WHERE m.room = ? AND m.gone IS NULL
ORDER BY c.user, c.owner
"""
CLOSED_INSIDE = """
SELECT u.user FROM members m JOIN users u ON u.user = m.user AND u.disabled
WHERE m.room = ? AND m.gone IS NULL
"""
SHOWS_NO_PRESENCE = "SELECT user FROM users WHERE user IN (SELECT value FROM json_each(?)) AND NOT presence"
COMMON_FRIEND = """
SELECT 1 FROM contacts a JOIN contacts b ON b.owner = ? AND b.user = a.user AND b.state = 4
WHERE a.owner = ? AND a.state = 4 LIMIT 1
"""
REQUESTS = """
SELECT r.name, CASE :user WHEN d.a THEN d.b ELSE d.a END
FROM members m JOIN rooms r ON r.number = m.room JOIN direct d ON d.room = m.room
WHERE m.user = :user AND m.standing > 1 AND m.standing = 2
ORDER BY r.time, r.number
"""


def privacy(connection: sqlite3.Connection, users: Collection[str]) -> dict[str, Privacy]:
    """Return the privacy rows of these users; those who chose nothing are left out."""
    rows = connection.execute(PRIVACY_ROWS, (json.dumps(list(users)),))
    return {user: decode_privacy(body) for user, body in rows}


def among(connection: sqlite3.Connection, sql: str, users: Collection[str]) -> set[str]:
    return {row[0] for row in connection.execute(sql, (json.dumps(list(users)),))}


def relations(
    connection: sqlite3.Connection, pairs: Collection[Pair], rules: PeopleRules
) -> dict[Pair, Relation]:
    """Return how each viewer stands to each owner, by (viewer, owner)."""
    users = {user for pair in pairs for user in pair}
    ties = ties_of(connection, pairs)
    chosen = privacy(connection, users)
    # Nearly everybody has the rules of the host, which are looked at once.
    usual = depends_on_groups({}, rules.bounds)
    asking = {user: depends_on_groups(own.rules, rules.bounds) for user, own in chosen.items()}
    unusual = connection.execute(UNUSUAL, (json.dumps(list(users)),)).fetchall()
    closed = {user for user, disabled, _ in unusual if disabled}
    automated = {user for user, _, kind in unusual if kind}
    owners = {owner for _, owner in pairs}
    seen = among(connection, SEEN, owners) if rules.refuse_unknown else owners

    def side(user: str, other: str) -> Side:
        own = chosen.get(user)
        rules = own.rules if own else {}
        return Side(user, ties.get((user, other), NO_TIE), rules, user in closed, user in automated)

    found = {}
    for viewer, owner in pairs:
        one, other = side(viewer, owner), side(owner, viewer)
        asks = asking.get(viewer, usual) or asking.get(owner, usual)
        acquainted = asks and share_small_group(connection, viewer, owner, rules.small_group_members)
        found[viewer, owner] = Relation(one, other, acquainted, owner in seen)
    return found


def ties_of(connection: sqlite3.Connection, pairs: Collection[Pair]) -> dict[Pair, Tie]:
    """Return as much of both contacts of these pairs as privacy looks at, by (owner, user), as far as there are any."""
    others: dict[str, list[str]] = {}
    for one, other in pairs:
        others.setdefault(one, []).append(other)
    return {
        (owner, user): Tie(friend == 1, blocked == 1, following == 1, circles)
        for one, among_them in others.items()
        for owner, user, friend, blocked, following, circles in connection.execute(
            TIES, {"user": one, "others": json.dumps(among_them)}
        )
    }


def share_small_group(connection: sqlite3.Connection, a: str, b: str, members: int) -> bool:
    return connection.execute(SMALL_GROUP, (a, b, members)).fetchone() is not None


def room_relations(
    connection: sqlite3.Connection, rooms: Collection[tuple[int, Pair | None]], rules: PeopleRules
) -> dict[int, RoomRelations]:
    """Return the people of rooms by number; with each number its two users if it is a direct room."""
    pairs = relations(connection, [pair for _, pair in rooms if pair is not None], rules)
    return {
        number: RoomRelations(
            blocks_inside(connection, number),
            None if pair is None else pairs[pair],
            frozenset(user for (user,) in connection.execute(CLOSED_INSIDE, (number,))),
        )
        for number, pair in rooms
    }


def blocks_inside(connection: sqlite3.Connection, room: int) -> dict[str, tuple[str, ...]]:
    """Return by user the members who block them, among the members of a room."""
    found: dict[str, tuple[str, ...]] = {}
    for user, blocker in connection.execute(BLOCKS_INSIDE, (room,)):
        found[user] = (*found.get(user, ()), blocker)
    return found


def watchable(
    connection: sqlite3.Connection, user: str, others: Collection[str], rules: PeopleRules
) -> set[str]:
    """Return those of `others` who and `user` let each other see their presence; the user sees themself."""
    hidden = among(connection, SHOWS_NO_PRESENCE, {user, *others})
    if user in hidden:
        return set()
    pairs = [(user, other) for other in others if other not in hidden and other != user]
    return {user}.intersection(others) | {
        pair[1]
        for pair, (one, other, acquainted, _) in relations(connection, pairs, rules).items()
        if mutually_allow(one, other, "presence", acquainted=acquainted, bounds=rules.bounds)
    }


def have_common(connection: sqlite3.Connection, a: str, b: str, rules: PeopleRules) -> bool:
    """Whether two users share a friend or a small group."""
    if share_small_group(connection, a, b, rules.small_group_members):
        return True
    return connection.execute(COMMON_FRIEND, (a, b)).fetchone() is not None


def excess_requests(connection: sqlite3.Connection, user: str, rules: PeopleRules) -> list[str]:
    asked = connection.execute(REQUESTS, {"user": user}).fetchall()
    excess = len(asked) - rules.message_requests_max
    if excess <= 0:
        return []
    ordered = sorted(asked, key=lambda row: have_common(connection, user, row[1], rules))
    return [name for name, _ in ordered[:excess]]
