"""The messages that are about to be forwarded, read for screening.

The host app is shown none that the user does not see. The decision reads them again (core/forwarding.py), and stores
nothing if one has changed.
"""

from msgspec.structs import asdict

from chatd.core.forwarding import JudgedForward, content_of, messages_of, source_of
from chatd.core.room import Room
from chatd.protocol.messages import Forward
from chatd.storage.interface import DecisionStore
from chatd.writer.room_loader import RoomLoader


async def looked_up(rooms: RoomLoader, store: DecisionStore, user: str, request: Forward) -> JudgedForward:
    """Return a forward with the content of its messages. Raises Refused for what the user does not see."""
    source = source_of(user, request, await known_room(rooms, store, user, request.from_, joins=False))
    events = await store.messages_at([(source[0].number, seq) for seq in request.seqs])
    seen = [content_of(event.body) for event in messages_of(request, *source, events) if event.body]
    return JudgedForward(**asdict(request), seen=seen, bodies=seen)


async def known_room(
    rooms: RoomLoader, store: DecisionStore, user: str, name: str, *, joins: bool
) -> Room | None:
    """Return a room that the user is or was in, or may join."""
    if rooms.known(user, name) or await store.placed([(user, name, joins)]):
        return await rooms.get(name)
    return None
