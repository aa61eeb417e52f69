"""Stored events as one member may see them (protocol.md "Event"): with their own reactions, and without text that is
older than their membership.
"""

from collections.abc import Iterable, Mapping

from msgspec import UNSET

from chatd.core.own_view import View
from chatd.core.visibility import text_of
from chatd.protocol.codec import decode_event, encode
from chatd.protocol.messages import MESSAGE, Event

# The key as it appears in a packed event.
REACTIONS_KEY = b"\xa9reactions"


def reacted(blobs: Iterable[bytes]) -> list[int]:
    """Return the numbers of the messages with reactions: no other can have one of the reader."""
    # Not `in`, which begins with an error inside Python when both are bytes.
    events = [decode_event(blob) for blob in blobs if blob.find(REACTIONS_KEY) >= 0]
    return [event.seq for event in events if event.kind == MESSAGE]


def event_view(blob: bytes, own: Mapping[int, list[str]], view: View) -> bytes:
    """Return a stored event as a member sees it; `own`: their reactions by seq.

    Of a message that they deleted for themselves the place is left, since a log has no holes.
    """
    if not own and view.first <= 1 and not view.deleted:
        return blob
    event = decode_event(blob)
    is_message = event.kind == MESSAGE
    target = event.seq if is_message else text_of(event)
    if target is not None and not (is_message or view.shows(target)):
        event.body = UNSET
    elif is_message and view.has_deleted(event.seq):
        event = Event(event.seq, MESSAGE, event.user, event.time, event.ordinal, event.key)
    elif is_message and event.seq in own:
        event.mine = own[event.seq]
    else:
        return blob
    return encode(event)
