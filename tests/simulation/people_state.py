"""The state of people at the end of a run, from the database alone: who is listed, asked, seen by whom."""

from collections.abc import Iterator
from typing import Any

from tests.simulation.client import SimClient
from tests.simulation.history import Row, RowVersion, Truth
from tests.simulation.people_record import CONTACTS, in_circles

# For presence, of scenario.PEOPLE. Ranks: protocol.md "Audience".
DEFAULT = {"to": "acquaintances"}
RANKS = {"nobody": 0, "friends": 1, "acquaintances": 2, "followers": 3, "everyone": 4}
ACCEPTED, REQUEST, BY_POLICY = 1, 2, 0

# The values of account rows by section, user and name.
Rows = dict[tuple[str, str, str], Any]


def listed(truth: Truth, user: str) -> set[str]:
    """Return the rooms in the list of a user: those they accepted, and those in which something was said to them."""
    return {
        room
        for room, members in truth.members.items()
        if user in members
        and (
            members[user]["standing"] == ACCEPTED
            or (members[user]["standing"] == BY_POLICY and has_messages(truth, room))
        )
    }


def has_messages(truth: Truth, room: str) -> bool:
    return any(row.event["kind"] == "message" for row in truth.rooms[room].values())


def asked_in(truth: Truth, user: str) -> set[str]:
    """Return the rooms in which a user was asked and has not answered."""
    members = truth.members
    return {room for room in members if members[room].get(user, {}).get("standing") == REQUEST}


def counts_for(row: Row, user: str) -> bool:
    """Whether an event is a message that is unread for this user as long as they have not read it."""
    return "ordinal" in row.event and row.event["user"] != user and user not in row.ignored


def apart(client: SimClient, truth: Truth) -> Iterator[str]:
    """Yield the difference between the contacts of a device and those of the database."""
    if "people" not in client.quirks.words:
        return
    # A device without circles cannot tell which of them are valid.
    circles = next(iter(rows_of(truth, client.user, "account", "circles")), None)
    valid = (
        circles.value if circles is not None and circles.value and "account" in client.quirks.words else []
    )
    held = {
        user: in_circles(value, stamp, valid)
        for user, (stamp, value) in client.storage.rows.get(CONTACTS, {}).items()
        if value is not None
    }
    due = {
        row.name: in_circles(row.value, row.stamp, valid)
        for row in truth.rows
        if (row.user, row.section) == (client.user, CONTACTS) and row.value is not None
    }
    if held != due:
        yield f"{client.name} has the contacts {held}, there are {due}"


def rows_of(truth: Truth, user: str, section: str, name: str) -> Iterator[RowVersion]:
    return (row for row in truth.rows if (row.user, row.section, row.name) == (user, section, name))


def shown_presence(truth: Truth, watcher: str) -> set[str]:
    """Return those whose presence a user may see: who share a room, or with people who let each other."""
    together = {user for members in truth.members.values() if watcher in members for user in members}
    if not truth.people:
        return together
    grouped = {
        user
        for room, members in truth.members.items()
        if watcher in members and room not in truth.directs
        for user in members
    }
    users = together | {row.user for row in truth.rows}
    users |= {row.name for row in truth.rows if row.section == CONTACTS}
    rows = {(row.section, row.user, row.name): row.value or {} for row in truth.rows}
    seen = {user for user in users if user != watcher and mutual(rows, watcher, user, user in grouped)}
    return seen | {watcher}


def mutual(rows: Rows, one: str, other: str, grouped: bool) -> bool:
    return lets_see(rows, one, other, grouped) and lets_see(rows, other, one, grouped)


def lets_see(rows: Rows, owner: str, viewer: str, grouped: bool) -> bool:
    """Whether the owner's audience of presence has the viewer in it."""
    mine, theirs = rows.get((CONTACTS, owner, viewer), {}), rows.get((CONTACTS, viewer, owner), {})
    if mine.get("blocked") or theirs.get("blocked"):
        return False
    audience = rows.get(("account", owner, "privacy"), {}).get("rules", {}).get("presence", DEFAULT)
    circles = set(mine.get("circles", ()))
    if circles & set(audience.get("deny", ())):
        return False
    if circles & set(audience.get("allow", ())):
        return True
    rank = 4
    if mine.get("state") == "friend":
        rank = 1
    elif mine.get("following") or grouped:
        rank = 2
    elif theirs.get("following"):
        rank = 3
    return rank <= RANKS[audience["to"]]
