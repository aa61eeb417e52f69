"""Mutations of a phone on their way: kept, with their keys, until they are answered for good."""

from dataclasses import dataclass

from tests.simulation.history import Packet

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
    told: bool = False  # its event came back before its answer
    due: float = 0.0  # not to be asked before


def own_event(user: str, request: Packet, reply: Packet) -> Packet:
    """The event that an acknowledgement stands for (protocol.md 7.7)."""
    event = {"seq": reply["seq"], "kind": KINDS[request["type"]], "user": user, "time": reply["time"]}
    return event | ({"key": request["key"]} if request["type"] == "send" else {})
