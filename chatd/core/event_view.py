"""Stored events as one member may see them (protocol.md "Event"): own reactions in, text from before his time out."""

from collections.abc import Iterable, Mapping

from msgspec import UNSET

from chatd.core.visibility import text_of
from chatd.protocol.codec import decode_event, encode
from chatd.protocol.messages import MESSAGE

REACTIONS_KEY = b"\xa9reactions"  # the key as it stands in a packed event


def reacted(blobs: Iterable[bytes]) -> list[int]:
    """The numbers of the messages that have reactions; only those can have own ones."""
    events = [decode_event(blob) for blob in blobs if REACTIONS_KEY in blob]
    return [event.seq for event in events if event.kind == MESSAGE]


def event_view(blob: bytes, own: Mapping[int, list[str]], first_visible: int) -> bytes:
    """One stored event for a member who sees the room from `first_visible` on; `own`: his reactions by number."""
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
