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


def both_wrote(truth: Truth, room: str) -> bool:
    wrote = {row.event["user"] for row in truth.rooms[room].values() if row.event["kind"] == "message"}
    return wrote >= {*truth.directs[room]}


def asked_in(truth: Truth, user: str) -> set[str]:
    """Return the rooms in which a user was asked and has not answered."""
    members = truth.members
    return {room for room in members if members[room].get(user, {}).get("standing") == REQUEST}


def counts_for(row: Row, user: str) -> bool:
    """Whether an event is a message that is unread for this user as long as they have not read it."""
    return "ordinal" in row.event and row.event["user"] != user and user not in row.ignored


def unread_of(client: SimClient, room: str, truth: Truth) -> list[int]:
    """Return the messages that are unread for the user of a client, counted anew."""
    member = truth.members[room][client.user]
    low = max(member["read"] + 1, member["first_visible"])
    return [
        seq
        for seq, row in truth.rooms[room].items()
        if seq >= low and seq not in truth.gone[room] and counts_for(row, client.user)
    ]


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


def views_apart(client: SimClient, truth: Truth) -> Iterator[str]:
    """Yield the rooms of which a device has another view than the database, but for what went by time."""
    for room, (first, deleted) in client.storage.views().items():
        member = truth.members.get(room, {}).get(client.user)
        if member and not (
            member["own"] <= first <= member["first_visible"] and deleted == member["deleted"]
        ):
            yield f"{client.name} sees {room} from {first} on, without {deleted}, there is {member}"


def rows_apart(client: SimClient, section: str, truth: Truth) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the account rows of a device and those of the database, without drafts that became messages."""
    held = client.storage.rows.get(section, {})
    rows = {name: value for name, (_, value) in held.items() if value is not None}
    state = {
        row.name: row.value
        for row in truth.rows
        if (row.user, row.section) == (client.user, section) and row.value is not None
    }
    if section == "drafts":
        rows, state = (
            {
                name: row
                for name, row in some.items()
                if (client.user, row["key"]) not in truth.sent and name not in truth.deleted
            }
            for some in (rows, state)
        )
    return rows, state


def rows_of(truth: Truth, user: str, section: str, name: str) -> Iterator[RowVersion]:
    return (row for row in truth.rows if (row.user, row.section, row.name) == (user, section, name))


def shown_presence(truth: Truth, watcher: str) -> set[str]:
    """Return those whose presence a user may see: who share a room, or with people who let each other."""
    together = {
        user
        for room, members in truth.members.items()
        if watcher in members
        and room not in truth.channels
        and (room not in truth.directs or both_wrote(truth, room))
        for user in members
    }
    if not truth.people:
        return together
    grouped = {
        user
        for room, members in truth.members.items()
        if watcher in members and room not in truth.directs and room not in truth.channels
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
