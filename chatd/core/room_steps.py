"""The steps of a room between its events, each of which changes who is sent the next ones."""

from collections.abc import Iterable
from dataclasses import dataclass

from chatd.core.room import Room
from chatd.protocol.rooms import GoneReason


@dataclass(slots=True)
class MemberJoined:
    """`user` is a member from the next event on."""

    room: Room
    user: str


@dataclass(slots=True)
class MemberLeft:
    """`user` is no member from the next event on, and is sent nothing of it."""

    room: Room
    user: str
    reason: GoneReason


@dataclass(slots=True)
class RoomListed:
    """The room is in the list of `user` from the next event on, who was a member before."""

    room: Room
    user: str


@dataclass(slots=True)
class RoomUnlisted:
    """The room is not in the list of `user` from the next event on, who is still a member."""

    room: Room
    user: str


@dataclass(slots=True)
class ChannelDeleted:
    """A channel is deleted for everybody, of whom only the connected ones are told now."""

    room: Room
    user: str = ""
    reason: GoneReason = "deleted"


def outgrown(steps: Iterable[object], size: int) -> Room | None:
    """Return the group of these steps of one room when they took it above `size` members, or back."""
    moves = [step for step in steps if isinstance(step, MemberJoined | MemberLeft)]
    if not moves or moves[0].room.direct or moves[0].room.is_channel:
        return None
    room = moves[0].room
    before = room.size - sum(1 if isinstance(move, MemberJoined) else -1 for move in moves)
    return room if (before <= size) != (room.size <= size) else None
