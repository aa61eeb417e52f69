"""Mutations of a phone on their way: kept, with their keys, until they are answered for good."""

from dataclasses import dataclass

from tests.simulation.frames import encode
from tests.simulation.history import Packet

FRAME_BYTES = 65536  # protocol.md "Size limits", unless the hello reply says otherwise
BATCH = 64
ID_BYTES = 12  # of a request, in either encoding

KINDS = {  # of the event that a mutation makes
    "send": "message",
    "edit": "edit",
    "recall": "recall",
    "react": "reaction",
    "pin": "pin",
    "room.update": "settings",
    "room.join": "joined",
    "room.leave": "left",
    "members.add": "joined",
    "members.remove": "removed",
    "members.role": "role",
}


@dataclass(slots=True, eq=False)
class Pending:
    """A mutation that waits."""

    packet: Packet
    asked: bool = False
    due: float = 0.0  # not to be asked before


def first_frame(waiting: list[Pending], text: bool, frame_bytes: int) -> list[Pending]:
    """The first of those that wait, as many as one frame may hold."""
    size = 0
    for count, pending in enumerate(waiting[:BATCH]):
        size += len(encode(pending.packet, text)) + ID_BYTES
        if size > frame_bytes:
            return waiting[:count]
    return waiting[:BATCH]


def own_event(user: str, request: Packet, reply: Packet) -> Packet:
    """The event that an acknowledgement stands for (protocol.md "Positions, gaps and repair")."""
    event = {"seq": reply["seq"], "kind": KINDS[request["type"]], "user": user, "time": reply["time"]}
    return event | ({"key": request["key"]} if request["type"] == "send" else {})
