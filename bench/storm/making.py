"""The rooms of a storm, made one after the other by those who will write in them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from bench.codec import Packet
from bench.phone import Refused
from bench.storm.sender import Sender


def make_groups(
    author: Sender, clients_of: Sequence[Sequence[int]], rooms: Iterable[int], names: dict[int, str]
) -> None:
    """Begins to make these rooms for their clients; `names` gets each when it is there.

    At most 100 clients each (protocol.md "Rooms and members"). Raises Refused from the pump.
    """
    waiting = deque(rooms)

    def make_next() -> None:
        if not waiting or author.visit is None:
            return
        room = waiting.popleft()

        def answered(reply: Packet) -> None:
            names[room] = _room(reply)
            make_next()

        author.visit.ask(_create(author, clients_of[room], room), answered)

    make_next()


def make_pairs(author: Sender, partners: dict[int, int], names: dict[int, str]) -> None:
    """Begins to make these direct rooms, room -> the other; `names` gets each when it is there.

    Raises Refused from the pump.
    """
    waiting = deque(partners.items())

    def make_next() -> None:
        if not waiting or author.visit is None:
            return
        room, other = waiting.popleft()

        def answered(reply: Packet) -> None:
            names[room] = _room(reply)
            make_next()

        author.visit.ask({"type": "room.direct", "user": author.stage.script.user(other)}, answered)

    make_next()


def make_direct(probe: Sender, rooms: dict[Sender, str]) -> None:
    """Begins to make a room with somebody who is never there. Raises Refused from the pump."""

    def answered(reply: Packet) -> None:
        rooms[probe] = _room(reply)

    if probe.visit is not None:
        probe.visit.ask({"type": "room.direct", "user": probe.stage.script.user(probe.number + 1)}, answered)


def _create(author: Sender, clients: Sequence[int], room: int) -> Packet:
    script = author.stage.script
    return {
        "type": "room.create",
        "key": f"{script.run}-make-{room}",
        "kind": "group",
        "title": f"Room {room}",
        "users": [script.user(client) for client in clients],
    }


def _room(reply: Packet) -> str:
    if reply["type"] != "ok":
        raise Refused(reply)
    return str(reply["summary"]["room"])
