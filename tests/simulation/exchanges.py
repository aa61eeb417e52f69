"""The packets of a run as the checkers look at them: requests with their replies, events with their rows."""

from collections.abc import Iterator

from tests.simulation.history import Conversation, History, Packet, ReceivedPacket, Row, Truth


def since(history: History, epoch: str) -> list[Truth]:
    """Return the truths from this epoch on."""
    epochs = [truth.epoch for truth in history.truths]
    return history.truths[epochs.index(epoch) :]


def replies(history: History) -> Iterator[tuple[Conversation, Packet, ReceivedPacket]]:
    """Yield every reply with its request."""
    for said in history.conversations:
        requests = {asked.packet["id"]: asked.packet for asked in said.asked if "id" in asked.packet}
        for received in said.received:
            if "id" in received.packet and received.packet["id"] in requests:
                yield said, requests[received.packet["id"]], received


def shown(history: History) -> Iterator[tuple[Conversation, str, Packet, ReceivedPacket, Row | None]]:
    """Yield every event that a client was sent, with the row of the log it should be."""
    truths = {truth.epoch: truth.rooms for truth in history.truths}
    for said in history.conversations:
        rooms = truths.get(said.epoch, {})
        requests = {asked.packet["id"]: asked.packet for asked in said.asked if "id" in asked.packet}
        for received in said.received:
            for room, event in events_of(received.packet, requests):
                yield said, room, event, received, rooms.get(room, {}).get(event["seq"])


def events_of(packet: Packet, requests: dict[int, Packet]) -> Iterator[tuple[str, Packet]]:
    """Yield the events in a packet, each with its room."""
    if packet["type"] == "event":
        for event in packet["events"]:
            yield packet["room"], event
    elif packet["type"] == "head":
        for head in packet["rooms"]:
            if "preview" in head:
                yield head["room"], head["preview"]
    elif "id" in packet and "events" in packet:
        for event in packet["events"]:
            yield requests[packet["id"]]["room"], event
    elif "id" in packet and "hits" in packet:
        for hit in packet["hits"]:
            yield hit.get("room") or requests[packet["id"]]["room"], hit["event"]
    elif packet["type"] == "ok":
        for summary in packet.get("sync", packet).get("rooms", ()):
            for event in (
                *summary.get("events", ()),
                *([summary["preview"]] if "preview" in summary else ()),
            ):
                yield summary["room"], event


def same(event: Packet, stored: Packet) -> bool:
    """Whether two forms of an event are one: its keys that never change are equal. A reaction may have been erased."""
    if (event["kind"], stored.get("kind")) == ("reaction", "erased"):
        return all(event[name] == stored.get(name) for name in ("seq", "user", "time"))
    return all(
        event[name] == stored.get(name) for name in ("seq", "kind", "user", "time", "key") if name in event
    )
