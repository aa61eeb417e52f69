"""The event feed: what happened, page by page."""

from typing import Annotated

from msgspec import Meta

from chatd.http.api.route import Asked, Call, More, Route
from chatd.protocol.event_feed import Events


class EventsQuery(Asked, frozen=True, kw_only=True):
    """`after`: a cursor; without one the oldest entry that is kept is the first, and `latest` is behind all of them.

    `types`: types, or their first words, with commas between them. `wait`: the seconds to wait for an entry.
    """

    after: More = ""
    limit: Annotated[int, Meta(ge=1, le=500)] = 500
    types: Annotated[str, Meta(max_length=1024)] = ""
    wait: Annotated[float, Meta(ge=0, le=30)] = 0


async def get_events(call: Call, asked: EventsQuery) -> Events:
    types = [one for one in asked.types.split(",") if one]
    return await call.services.feed.page(asked.after, asked.limit, types, asked.wait)


ROUTES = (Route("GET", "/v1/events", "events", get_events, EventsQuery, Events, waits=True),)
