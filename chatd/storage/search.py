"""The contract of the reads behind a search: each is as of one commit."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from chatd.core.own_view import View
from chatd.core.searches import Span
from chatd.protocol.messages import Event

Matches = Callable[[Event], bool]


class SearchedRoom(NamedTuple):
    """A room of a user. `span`: the part that they see, less what they deleted there for themself, which `view` says.
    `place`: where the next page of rooms begins.
    """

    name: str
    span: Span
    view: View
    seq: int
    place: tuple[int, ...]


class Look(NamedTuple):
    """A question for messages of a span, as far as its reader sees them. `indexed`, `candidates`: what an index says of
    it (search/interface.py).

    `is_cut`: there may be more candidates below the last. `seq`: the last event of the room. Up to `limit` messages
    and `page_bytes` bytes are wanted, at least one of them.
    """

    span: Span
    view: View
    indexed: int
    candidates: Sequence[int]
    is_cut: bool
    seq: int
    limit: int
    page_bytes: int


class Found(NamedTuple):
    """Messages that match, the newest first: all there are from `reached` on to the end of the span.

    `is_full`: there is no space for more.
    """

    events: list[bytes]
    reached: int
    is_full: bool = False


class SearchViews(Protocol):
    """What a search reads; a part of `Store`."""

    async def searched_rooms(
        self, user: str, before: tuple[int, ...] | None, limit: int, *, everything: bool
    ) -> list[SearchedRoom]:
        """Return the next rooms in the list of `user`, the latest message first, below a place.

        Without `everything` only those that are in their list, as people are switched on.
        """

    async def within(self, spans: Sequence[Span], since: int, until: int | None) -> list[Span]:
        """Return the parts of spans of which the events are of these times, as far as the times ascend."""

    async def look(self, asked: Sequence[Look], matches: Matches) -> list[Found]:
        """Return the messages that match: among candidates, and among what an index has not seen."""
