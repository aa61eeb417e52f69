"""The checkers of moderation: pure functions over the history. A finding is a sentence."""

from collections.abc import Iterator

from tests.simulation.exchanges import shown
from tests.simulation.history import Conversation, History, Packet, ReceivedPacket, Restricted

Findings = Iterator[str]

# The requests of a group that a mute refuses (protocol.md "Restrictions").
SPEAKS = frozenset(("send", "edit", "pin", "room.create", "room.update", "members.add"))


def muted_is_silent(history: History) -> Findings:
    """What a muted user asks for once the moderators were answered is not carried out, until it may be lifted."""
    for one, said, request, received in held(history, "mute"):
        reply = received.packet
        if request["type"] in SPEAKS and reply["type"] == "ok" and not reply.get("duplicate"):
            yield f"{said.client}: {request} was carried out at {received.written:.4f} under {one}"


def banned_is_out(history: History) -> Findings:
    """Nobody comes in while they are banned, and whoever is in is shown nothing that is committed later."""
    for one, said, request, received in held(history, "ban"):
        if request["type"] == "hello" and received.packet["type"] == "ok":
            yield f"{said.client} came in at {received.written:.4f} under {one}"
    for said, room, event, received, row in shown(history) if history.restrictions else ():
        for one in of(history, "ban", said):
            if (
                row is not None
                and row.stamp > one.stamp
                and said.began < one.at < received.written < one.until
            ):
                yield f"{said.client} was shown {room} {event['seq']} at {received.written:.4f} under {one}"


def held(history: History, what: str) -> Iterator[tuple[Restricted, Conversation, Packet, ReceivedPacket]]:
    """Yield the requests that were asked and answered while their user was restricted so."""
    for said in history.conversations if history.restrictions else ():
        for one in of(history, what, said):
            asked = {
                sent.packet["id"]: sent for sent in said.asked if "id" in sent.packet and sent.at > one.at
            }
            for received in said.received:
                sent = asked.get(received.packet.get("id", 0))
                if sent is not None and received.written < one.until:
                    yield one, said, sent.packet, received


def of(history: History, what: str, said: Conversation) -> list[Restricted]:
    """Return the restrictions of the user of a connection."""
    return [
        one
        for one in history.restrictions
        if (one.user, one.what, one.epoch) == (said.user, what, said.epoch)
    ]


def erased_is_gone(history: History) -> Findings:
    """In the end nothing is left of whom the moderators erased: no text, no membership, no row of an account."""
    truth = history.truths[-1]
    for room, log in truth.rooms.items():
        for seq, row in log.items():
            # What was folded away before, or was purged, is only here.
            is_folded = seq < truth.floors[room] and ("ordinal" not in row.event or seq in truth.gone[room])
            says = "body" in row.event or row.event["kind"] == "reaction"
            if row.event.get("user") in history.erased and says and not is_folded:
                yield f"{room} {seq} is left of an erased person: {row.event}"
        for user in (
            history.erased.keys() & truth.members.get(room, {}).keys() if room not in truth.directs else ()
        ):
            yield f"{user} was erased, and is in {room}"
    for version in truth.rows:
        if version.user in history.erased and version.value is not None:
            yield f"of an erased person there is {version}"


MODERATION_CHECKERS = (muted_is_silent, banned_is_out, erased_is_gone)
