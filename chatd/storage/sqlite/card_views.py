"""Cards with what decides who is shown how much of them.

Every function runs inside a read transaction of the connection.
"""

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import replace

from chatd.core.card_view import MUTUAL, CardPage, CardView
from chatd.core.contacts import Contact
from chatd.core.profiles import Card
from chatd.core.users import Account
from chatd.protocol.limits import COMMON_MAX
from chatd.protocol.users import Profile
from chatd.storage.sqlite.contacts import contacts
from chatd.storage.sqlite.meta import stamp_of
from chatd.storage.sqlite.privacy import privacy, share_small_group
from chatd.storage.sqlite.profiles import HOLDERS, cards
from chatd.storage.sqlite.rows import KINDS, Row
from chatd.storage.sqlite.users import acquaintances

PLATES = """
SELECT u.user, u.name, u.avatar, u.version, coalesce(p.handle, ''), coalesce(p.verified, ''), u.kind
FROM users u LEFT JOIN pages p ON p.user = u.user
WHERE u.user IN (SELECT value FROM json_each(?)) ORDER BY u.user
"""
ACCOUNTS = """
SELECT user, name, avatar, version, disabled, kind FROM users WHERE user IN (SELECT value FROM json_each(?))
"""
# The groups of both, the latest message first.
COMMON = """
SELECT r.name
FROM members m JOIN members o ON o.room = m.room AND o.user = ? AND o.gone IS NULL JOIN rooms r ON r.number = m.room
WHERE m.user = ? AND m.gone IS NULL AND r.kind = 'group' AND r.deleted_by IS NULL ORDER BY r.time DESC, r.number
LIMIT ?
"""
OF_MUTUAL = f"c.state IN ({', '.join(str(int(state)) for state in sorted(MUTUAL))})"
CHANGED = f"""
SELECT c.user FROM contacts c JOIN pages p ON p.user = c.user
WHERE c.owner = ? AND {OF_MUTUAL} AND p.stamp > ? AND c.user > ?
ORDER BY c.user LIMIT ?
"""  # noqa: S608 - put together from constants
BLOCKED = (
    "SELECT user FROM contacts WHERE owner = ? AND blocked = 1 AND user IN (SELECT value FROM json_each(?))"
)
OPEN = "SELECT 1 FROM users WHERE user = ? AND NOT disabled"


def plates(connection: sqlite3.Connection, users: Collection[str]) -> list[Profile]:
    """Return the plates of those of these users who have something on them: an empty one would tell of an account."""
    found = (plate_of(row) for row in connection.execute(PLATES, (json.dumps(list(users)),)))
    return [plate for plate in found if plate != Profile(plate.user)]


def plate_of(row: Row) -> Profile:
    user, name, avatar, version, handle, verified, kind = row
    return Profile(user, name, avatar, version, handle, verified, KINDS[kind])


def card_views(
    connection: sqlite3.Connection, viewer: str, users: Sequence[str], small: int | None
) -> list[CardView]:
    """Return the cards of `users`, in their order; with `small`, the size of small groups, also what pages need."""
    asked = json.dumps(list(users))
    accounts = {row[0]: account_of(row) for row in connection.execute(ACCOUNTS, (asked,))}
    known = cards(connection, users, ()).cards
    pairs = [pair for user in users for pair in ((user, viewer), (viewer, user))]
    ties = {(tie.owner, tie.user): tie for tie in contacts(connection, pairs)}
    sharing = acquaintances(connection, viewer, users)
    views = [
        CardView(
            accounts.get(user) or Account(user),
            known.get(user) or Card(user),
            ties.get((user, viewer)) or Contact(user, viewer),
            ties.get((viewer, user)) or Contact(viewer, user),
            shares_room=user in sharing,
        )
        for user in users
    ]
    return views if small is None else with_rules(connection, viewer, views, small)


def with_rules(
    connection: sqlite3.Connection, viewer: str, views: Sequence[CardView], small: int
) -> list[CardView]:
    """Return views with the rules of their owners, and the groups of both."""
    chosen = privacy(connection, [view.account.user for view in views])
    whole = []
    for view in views:
        user = view.account.user
        shares = view.shares_room and user != viewer
        groups = connection.execute(COMMON, (user, viewer, COMMON_MAX)) if shares else ()
        own = chosen.get(user)
        whole.append(
            replace(
                view,
                rules=own.rules if own else {},
                acquainted=shares and share_small_group(connection, viewer, user, small),
                common=[name for (name,) in groups],
            )
        )
    return whole


def account_of(row: tuple[str, str, str, int, int, int]) -> Account:
    user, name, avatar, version, disabled, kind = row
    return Account(user, name, avatar, version, disabled=disabled == 1, kind=KINDS[kind])


def view_of_handle(connection: sqlite3.Connection, viewer: str, handle: str, small: int) -> CardView:
    """Return the card of who has this handle, or an empty one, which takes the same statements."""
    row = connection.execute(HOLDERS, (json.dumps([handle]),)).fetchone()
    return card_views(connection, viewer, [row[1] if row else ""], small)[0]


def changed_cards(connection: sqlite3.Connection, owner: str, since: int, after: str, limit: int) -> CardPage:
    """Return the next plates of mutual contacts whose cards changed after a stamp, in order of user id."""
    users = [user for (user,) in connection.execute(CHANGED, (owner, since, after, limit))]
    last = users[-1] if len(users) == limit else None
    return CardPage(plates(connection, users), stamp_of(connection), last)


def shut_out(connection: sqlite3.Connection, owner: str, viewers: Collection[str]) -> set[str]:
    """Return those of `viewers` whom a user blocks, all of them when their account is closed."""
    if connection.execute(OPEN, (owner,)).fetchone() is None:
        return set(viewers)
    return {user for (user,) in connection.execute(BLOCKED, (owner, json.dumps(list(viewers))))}
