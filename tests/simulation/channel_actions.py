"""The actions of users in channels, and of those who choose how long messages are kept."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.simulation.people_actions import other

if TYPE_CHECKING:
    from tests.simulation.actions import Actor

# The shortest that a room may choose, and none.
RETAINED_S = (3600, 3600, 7200, 0)


def make(actor: "Actor") -> None:
    fields = {"kind": "channel", "title": "c", "users": [other(actor)]}
    actor.client.post({"type": "room.create", "key": actor.key(), **fields})


def in_channel(kind: str, **fields: Any) -> Callable[["Actor"], None]:
    """Return an action in one of the channels, whether or not the user follows it."""

    def act(actor: "Actor") -> None:
        channels = actor.client.environment.channels
        if channels:
            actor.post(kind, channels[actor.client.lane.pick(len(channels))], **fields)

    return act


def on_somebody(kind: str, **fields: Any) -> Callable[["Actor"], None]:
    """Return an action on another user in a channel."""

    def act(actor: "Actor") -> None:
        in_channel(kind, users=[actor.someone()], **fields)(actor)

    return act


def staff(actor: "Actor") -> None:
    role = ("admin", "admin", "member", "owner")[actor.client.lane.pick(4)]
    in_channel("members.role", users=[{"user": actor.someone(), "role": role}])(actor)


def retain(actor: "Actor") -> None:
    """Choose how long messages are kept, in a direct room as well."""
    lane = actor.client.lane
    rooms = [*actor.client.storage.directs.values()] if lane.befalls(3) else []
    room = rooms[lane.pick(len(rooms))] if rooms else actor.room()
    actor.post("room.update", room, policy={"retain_s": RETAINED_S[lane.pick(len(RETAINED_S))]})


def open_direct(actor: "Actor") -> None:
    actor.ask({"type": "room.direct", "user": other(actor)})


def write_direct(actor: "Actor") -> None:
    for room in [*actor.client.storage.directs.values()][:1]:
        actor.post("send", room, body={"text": "words between us"})


CHANNEL_ACTIONS: tuple[Callable[["Actor"], None], ...] = (
    make,
    *(in_channel("room.join"),) * 4,
    *(in_channel("send", body={"text": "words of a channel"}),) * 8,
    *(in_channel("room.leave"),) * 2,
    on_somebody("members.remove", ban=True),
    on_somebody("members.remove"),
    on_somebody("members.unban"),
    *(on_somebody("members.add"),) * 2,
    staff,
    staff,
    in_channel("room.delete"),
)
RETENTION_ACTIONS: tuple[Callable[["Actor"], None], ...] = (*(retain,) * 3, open_direct, *(write_direct,) * 3)
