"""The body of one delivery: the same object that a page of `GET /v1/events` is."""

from collections.abc import Sequence

import msgspec

from chatd.protocol.event_feed import Entry, Events
from chatd.protocol.timestamps import rfc3339


def payload(after: str, next: str, entries: Sequence[Entry], now_ms: int) -> bytes:
    """Return the JSON of entries behind the cursor `after`; whoever has them is at `next`."""
    return msgspec.json.encode(
        Events(timestamp=rfc3339(now_ms), after=after, next=next, events=list(entries))
    )


def delivery_id(entries: Sequence[Entry]) -> str:
    """Return the id of a delivery, which is equal when it is repeated: those of its first and its last entry."""
    first, last = entries[0].id, entries[-1].id
    return first if first == last else f"{first}:{last}"
