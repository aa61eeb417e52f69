"""Stored events as one member may see them (protocol.md "Event"): with their own reactions, and without text that is
older than their membership.
"""

from collections.abc import Iterable, Mapping

from msgspec import UNSET

from chatd.core.visibility import text_of
from chatd.protocol.codec import decode_event, encode
from chatd.protocol.messages import MESSAGE

# The key as it appears in a packed event.
REACTIONS_KEY = b"\xa9reactions"


def reacted(blobs: Iterable[bytes]) -> list[int]:
    """Return the numbers of the messages with reactions: no other can have one of the reader."""
    events = [decode_event(blob) for blob in blobs if REACTIONS_KEY in blob]
    return [event.seq for event in events if event.kind == MESSAGE]


def event_view(blob: bytes, own: Mapping[int, list[str]], first_visible: int) -> bytes:
    """Return a stored event for a member who sees the room from `first_visible` on; `own`: their reactions by seq."""
    if not own and first_visible <= 1:
        return blob
    event = decode_event(blob)
    if event.kind == MESSAGE and event.seq in own:
        event.mine = own[event.seq]
    elif (target := text_of(event)) is not None and target < first_visible:
        event.body = UNSET
    else:
        return blob
    return encode(event)
