"""The actions of users for themselves: drafts, messages sent later, folders, unread marks, deletions."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.kit.env import START_MS
from tests.simulation.history import Packet

if TYPE_CHECKING:
    from tests.simulation.actions import Actor

# Few keys, so that one is replaced, cancelled, or sent in between.
KEYS = 4
# The most events that are deleted at once, and those behind them.
WIDTH = 4
# Many runs are over by then.
SOON_S = 30


def draft(actor: "Actor") -> None:
    """Keep what is typed, or drop it."""
    body: Packet = {} if actor._lane.befalls(4) else {"body": {"text": "I could br"}}
    key = f"draft-{actor.client.user}-{actor._lane.pick(KEYS)}"
    actor.ask({"type": "draft", "room": actor.room(), "key": key, **body})


def schedule(actor: "Actor") -> None:
    """Have a message sent at once, by the daemon, or take one back that waits."""
    key = f"later-{actor.client.device.rstrip('_')}-{actor._lane.pick(KEYS)}"
    at = START_MS + 1000 * actor._lane.pick(SOON_S)
    body: Packet = {} if actor._lane.befalls(5) else {"at": at, "body": {"text": f"later {key}"}}
    actor.ask({"type": "schedule", "room": actor.room(), "key": key, **body})


def keep(actor: "Actor") -> None:
    choice: tuple[Packet, ...] = ({"unread_mark": True}, {"folder": 1}, {"folder": 0}, {"folder": 3})
    actor.ask({"type": "preferences", "room": actor.room(), **choice[actor._lane.pick(len(choice))]})


def delete(actor: "Actor") -> None:
    """Take some of the last events out of the own view, of a room that was read."""
    room = actor.room()
    timeline = actor.client.storage.timelines.get(room)
    if timeline is not None and timeline.applied > 0:
        high = max(1, timeline.applied - actor._lane.pick(WIDTH))
        actor.ask({"type": "read", "room": room, "seq": high})
        actor.ask(
            {"type": "delete", "room": room, "ranges": [[max(1, high - actor._lane.pick(WIDTH)), high]]}
        )


def clear(actor: "Actor") -> None:
    """Take everything up to an event out of the own view."""
    room = actor.room()
    timeline = actor.client.storage.timelines.get(room)
    if timeline is not None and timeline.applied > 0:
        actor.ask({"type": "clear", "room": room, "seq": max(1, timeline.applied - actor._lane.pick(WIDTH))})


COMFORTS_ACTIONS: tuple[Callable[["Actor"], None], ...] = (
    draft,
    *(schedule,) * 3,
    keep,
    *(delete,) * 3,
    clear,
)
