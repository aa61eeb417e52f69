"""The messages that are about to be forwarded, read for screening.

The host app is shown none that the user does not see. The decision reads them again (core/forwarding.py), and stores
nothing if one has changed.
"""

from msgspec.structs import asdict

from chatd.core.forwarding import JudgedForward, content_of, messages_of, source_of
from chatd.protocol.messages import Forward
from chatd.storage.interface import DecisionStore
from chatd.writer.room_loader import RoomLoader


async def looked_up(rooms: RoomLoader, store: DecisionStore, user: str, request: Forward) -> JudgedForward:
    """Return a forward with the content of its messages. Raises Refused for what the user does not see."""
    source = source_of(user, request, await rooms.of(user, request.from_))
    events = await store.messages_at([(source[0].number, seq) for seq in request.seqs])
    seen = [content_of(event.body) for event in messages_of(request, *source, events) if event.body]
    return JudgedForward(**asdict(request), seen=seen, bodies=seen)
