"""The messages that are about to be forwarded, read for screening.

The host app is shown none that the user does not see. The decision reads them again (core/forwarding.py), and stores
nothing if one has changed.
"""

from msgspec.structs import asdict

from chatd.core.forwarding import JudgedForward, content_of, messages_of, source_of
from chatd.core.maintenance import Barrier
from chatd.core.room import Room
from chatd.protocol.errors import Refused
from chatd.protocol.messages import Body, Forward
from chatd.storage.interface import DecisionStore
from chatd.writer.room_loader import RoomLoader
from chatd.writer.submission import Submit, submit_and_wait


async def looked_up(
    submit: Submit, rooms: RoomLoader, store: DecisionStore, user: str, request: Forward
) -> JudgedForward:
    """Return a forward with the content of its messages. Raises Refused for what the user does not see."""
    try:
        seen = await _content(rooms, store, user, request)
    except Refused:
        # What the writer has may let them in.
        await submit_and_wait(submit, user, Barrier())
        seen = await _content(rooms, store, user, request)
    return JudgedForward(**asdict(request), seen=seen, bodies=seen)


async def _content(rooms: RoomLoader, store: DecisionStore, user: str, request: Forward) -> list[Body]:
    source = source_of(user, request, await known_room(rooms, store, user, request.from_, joins=False))
    events = await store.messages_at([(source[0].number, seq) for seq in request.seqs])
    return [content_of(event.body) for event in messages_of(request, *source, events) if event.body]


async def known_room(
    rooms: RoomLoader, store: DecisionStore, user: str, name: str, *, joins: bool
) -> Room | None:
    """Return a room that the user is or was in, or may join."""
    if rooms.known(user, name) or await store.placed([(user, name, joins)]):
        return await rooms.get(name)
    return None
