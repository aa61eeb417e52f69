"""The state that clients are sent at the end, compared with the log: unread numbers with its events, presence with
the connections."""

from collections.abc import Iterator

from tests.simulation.client import SimClient
from tests.simulation.history import Packet, Truth
from tests.simulation.people_record import CONTACTS
from tests.simulation.people_state import asked_in, listed, shown_presence, unread_of


def final_state_findings(
    client: SimClient, truth: Truth, clients: list[SimClient], *, drops: bool
) -> Iterator[str]:
    """Return every difference, as a sentence. `drops`: what is ephemeral may not have come."""
    for request, reply in client.answers:
        if request["type"] == "room.get":
            yield from wrong_summary(client, reply["summary"], truth)
        elif request["type"] == "sync":
            yield from wrong_totals(client, reply["totals"], truth)
        elif request["type"] == "watch":
            yield from wrong_presence(client, reply["users"], truth, clients)
            if not drops:
                yield from outlived_presence(client, request["id"], truth)


def wrong_summary(client: SimClient, summary: Packet, truth: Truth) -> Iterator[str]:
    room = summary["room"]
    log, member = truth.rooms[room], truth.members[room][client.user]
    read, first = summary.get("read", 0), summary.get("first_visible", 1)
    unread = len(unread_of(client, room, truth))
    sent = (summary["seq"], read, first, summary.get("unread", 0))
    if sent != (max(log), member["read"], member["first_visible"], unread):
        yield f"{client.name}: {room} is said to be at {sent}, the log says {max(log)}, {member}, {unread} unread"


def wrong_presence(
    client: SimClient, users: list[Packet], truth: Truth, clients: list[SimClient]
) -> Iterator[str]:
    """Yield the wrong presence: everybody who is shown is online, as all clients are connected at the end."""
    near = shown_presence(truth, client.user)
    there = {other.user for other in clients if other.ready}
    for row in users:
        online = row["user"] in near and row["user"] in there
        if (row.get("state") == "online") != online:
            yield f"{client.name} is sent {row}, whom they may see: {row['user'] in near}"


def outlived_presence(client: SimClient, last: int, truth: Truth) -> Iterator[str]:
    """Yield users whom a watch of before the end left online although they may not be seen any more.

    `last`: the id of the watch at the end.
    """
    said = client.connection.said  # type: ignore[union-attr]
    watches = {sent.packet["id"] for sent in said.asked if sent.packet["type"] == "watch"}
    told: dict[str, str] = {}
    for received in said.received:
        packet = received.packet
        if packet.get("id") == last:
            break
        if packet["type"] == "presence" or packet.get("id") in watches:
            told |= {row["user"]: row.get("state", "offline") for row in packet.get("users", ())}
    may_see = shown_presence(truth, client.user)
    for user, state in told.items():
        if state != "offline" and user not in may_see:
            yield f"{client.name} was told that {user} is {state}, and never that they may not see them any more"


def wrong_totals(client: SimClient, totals: Packet, truth: Truth) -> Iterator[str]:
    """Yield totals that differ from the sums over the log: rooms in which the user was asked are in none but theirs."""
    rooms = listed(truth, client.user)
    unread = 0
    for room in rooms:
        member = truth.members[room][client.user]
        if not member["hidden"]:
            unread += len(unread_of(client, room, truth))
    people = "people" in client.quirks.words
    asked = len(asked_in(truth, client.user)) if people else 0
    waiting = sum(
        people
        and (row.user, row.section) == (client.user, CONTACTS)
        and (row.value or {}).get("state") == "received"
        for row in truth.rows
    )
    sent = tuple(totals.get(key, 0) for key in ("rooms", "unread", "message_requests", "friend_requests"))
    if sent != (len(rooms), unread, asked, waiting):
        yield f"{client.name}: the totals {totals}, where {(len(rooms), unread, asked, waiting)} are counted"
