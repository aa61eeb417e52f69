"""The numbers of the inbox at the end: `unread` names what the log counts, and `verify` finds a whole list equal."""

from collections.abc import Iterator
from hashlib import sha256

from tests.simulation.client import SimClient
from tests.simulation.history import Packet, Truth
from tests.simulation.people_state import listed, unread_of

# As protocol.md "The inbox" has them, with their defaults.
NUMBERS = {
    "seq": 0,
    "ordinal": 0,
    "read": 0,
    "unread": 0,
    "unread_mentions": 0,
    "first_visible": 1,
    "muted_until": 0,
}


def verification(client: SimClient, truth: Truth) -> Iterator[Packet]:
    """Yield the request of a client that believes the summaries it was just sent; none where a connection ended before
    it had them all.
    """
    rooms = set(listed(truth, client.user))
    shown = [reply["summary"] for request, reply in client.answers if request["type"] == "room.get"]
    summaries = {summary["room"]: summary for summary in shown if summary["room"] in rooms}
    digest = sum(digest_of(summary) for summary in summaries.values()) % 2**48
    if summaries.keys() == rooms:
        yield {"type": "verify", "rooms": len(summaries), "digest": digest}


def digest_of(summary: Packet) -> int:
    numbers = [str(summary.get(name, default)) for name, default in NUMBERS.items()]
    return int.from_bytes(sha256(" ".join([summary["room"], *numbers]).encode()).digest()[:6], "big")


def wrong_inbox(client: SimClient, truth: Truth) -> Iterator[str]:
    """Return every difference, as a sentence."""
    for request, reply in client.answers:
        if request["type"] == "unread":
            yield from wrong_unread(client, request["room"], reply, truth)
        elif request["type"] == "verify" and not reply["equal"]:
            yield f"{client.name}: its list of {request['rooms']} rooms is said not to be the server's"


def wrong_unread(client: SimClient, room: str, reply: Packet, truth: Truth) -> Iterator[str]:
    counted = sorted(unread_of(client, room, truth))
    if (reply["seqs"], reply["unread"]) != (counted, len(counted)):
        yield f"{client.name}: {reply} is said to be unread in {room}, where the log has {counted}"
    if len(reply["mentions"]) != reply["unread_mentions"]:
        yield f"{client.name}: not all mentions are named in {reply} of {room}"
