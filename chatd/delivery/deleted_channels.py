"""The `gone` pushes of a deleted channel, in slices like its heads (delivery/heads.py)."""

from chatd.core.room import Room
from chatd.delivery.encoding import EncodedPush
from chatd.delivery.heads import SLICE
from chatd.delivery.hub import Hub
from chatd.env import Env
from chatd.protocol.rooms import GonePush


def push_deleted(env: Env, hub: Hub, room: Room, deflate_min: int) -> None:
    """Unsubscribe all connections from a deleted channel, and push that it is gone."""
    subscribers = hub.rooms.get(room.number)
    waiting = [] if subscribers is None else list(subscribers.connections())
    push = EncodedPush(GonePush(room.name, "deleted"), deflate_min)

    def push_slice() -> None:
        for session in waiting[:SLICE]:
            if room.number in session.subscriptions.rooms:
                hub.unsubscribe(session, room.number)
                session.outbox.leave(room.name)
                session.push(push)
        del waiting[:SLICE]
        if waiting:
            env.call_later(0, push_slice)

    push_slice()
