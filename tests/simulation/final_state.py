"""The state that clients are sent at the end, compared with the log: unread numbers with its events, presence with
the connections."""

from collections.abc import Iterator

from tests.simulation.client import SimClient
from tests.simulation.history import Packet, Truth


def final_state_findings(client: SimClient, truth: Truth, clients: list[SimClient]) -> Iterator[str]:
    """Return every difference, as a sentence."""
    for request, reply in client.answers:
        if request["type"] == "room.get":
            yield from wrong_summary(client, reply["summary"], truth)
        elif request["type"] == "watch":
            yield from wrong_presence(client, reply["users"], truth, clients)


def wrong_summary(client: SimClient, summary: Packet, truth: Truth) -> Iterator[str]:
    room = summary["room"]
    log, member = truth.rooms[room], truth.members[room][client.user]
    read, first = summary.get("read", 0), summary.get("first_visible", 1)
    unread = sum(
        seq > read and seq >= first and "ordinal" in row.event and row.event["user"] != client.user
        for seq, row in log.items()
    )
    sent = (summary["seq"], read, first, summary.get("unread", 0))
    if sent != (max(log), member["read"], member["first_visible"], unread):
        yield f"{client.name}: {room} is said to be at {sent}, the log says {max(log)}, {member}, {unread} unread"


def wrong_presence(
    client: SimClient, users: list[Packet], truth: Truth, clients: list[SimClient]
) -> Iterator[str]:
    """Yield the wrong presence: every user who shares a room is online, as all clients are connected at the end."""
    near = {user for members in truth.members.values() if client.user in members for user in members}
    there = {other.user for other in clients if other.ready}
    for row in users:
        online = row["user"] in near and row["user"] in there
        if (row.get("state") == "online") != online:
            yield f"{client.name} is sent {row}, who shares a room: {row['user'] in near}"
