"""After the storm: the logs as the server tells them, and everybody's memory held to them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Protocol

from bench.checks import Tally
from bench.codec import Packet
from bench.phone import Refused
from bench.storm.traveller import Traveller, identity
from bench.storm.visit import Guest


def read(reader: Guest, rooms: Iterable[str], logs: dict[str, list[Packet]]) -> None:
    """Begins to read these logs; `logs` gets each when it is whole. Raises Refused from the pump."""
    waiting = deque(rooms)

    def read_next() -> None:
        if waiting:
            ask(waiting.popleft(), 1, [])

    def ask(room: str, first: int, events: list[Packet]) -> None:
        def answered(reply: Packet) -> None:
            if reply["type"] != "ok":
                raise Refused(reply)
            events.extend(reply["events"])
            if "next" in reply:
                ask(room, reply["next"], events)
            else:
                logs[room] = events
                read_next()

        if reader.visit is not None:
            reader.visit.ask({"type": "log", "room": room, "from": first}, answered)

    read_next()


class Author(Protocol):
    """Who wrote, and was told what became of it."""

    acked: dict[str, tuple[str, int]]

    def text(self, key: str) -> str:
        """What the message with this key says."""
        ...


def check_author(author: Author, logs: Iterable[list[Packet]], tally: Tally) -> None:
    """Everything acknowledged is there once, where the ack said, as it was written, in his order."""
    stored: dict[str, Packet] = {}
    for event in (event for log in logs for event in log if "key" in event):
        if event["key"] in stored:
            tally.add("duplicated", f"{event['key']} is in the log again as {event['seq']}")
        stored[event["key"]] = event
    for key, (_, seq) in author.acked.items():
        found = stored.get(key)
        if found is None:
            tally.add("lost", f"{key} was acknowledged as {seq} and is not in the log")
        elif (found["seq"], found.get("body", {}).get("text")) != (seq, author.text(key)):
            tally.add(
                "altered", f"{key} is not where and what it was ({found['seq']}, acknowledged as {seq})"
            )
    check_order(author, tally)


def check_order(author: Author, tally: Tally) -> None:
    """In each room his messages stand in the order in which he said them; keys rise as he speaks."""
    newest: dict[str, int] = {}
    for key in sorted(author.acked):
        room, seq = author.acked[key]
        if seq < newest.get(room, 0):
            tally.add("reordered", f"{key} stands in {room} as {seq}, before an earlier one of his")
        newest[room] = max(seq, newest.get(room, 0))


def check_traveller(traveller: Traveller, logs: Mapping[str, list[Packet]], tally: Tally) -> int:
    """He has what the logs have from his first hello on; how many events that is."""
    delivered = 0
    for room, position in traveller.positions.items():
        events = [event for event in logs[room] if event["seq"] > position.start]
        last = logs[room][-1]["seq"]
        delivered += min(len(events), position.applied - position.start)
        if position.applied < last:
            what = f"{traveller.user} misses {room} from {position.applied + 1} on"
            tally.add("lost", what, last - position.applied)
        elif sum(identity(room, event) for event in events) != position.identity:
            tally.add("altered", f"{traveller.user} has {room} otherwise than the log")
    return delivered
