"""The index of messages: its state, and to have it made anew (docs/search.md)."""

from msgspec import Struct

from chatd.http.api.route import Asked, Call, Route
from chatd.search.interface import IndexStatus


class SearchAnswer(Struct, frozen=True, kw_only=True):
    """`complete`: whether it has caught up since it started. `rooms`: those it has seen, `behind`: those of which it
    knows that there is more. `bytes`: on the disk. `problem`: why it does not go on, empty when it does.
    """

    complete: bool
    rooms: int
    behind: int
    bytes: int
    problem: str


def answer_of(status: IndexStatus) -> SearchAnswer:
    return SearchAnswer(
        complete=status.is_complete,
        rooms=status.rooms,
        behind=status.behind,
        bytes=status.bytes,
        problem=status.problem,
    )


async def get_status(call: Call, asked: Asked) -> SearchAnswer:
    return answer_of(call.services.search.status())


async def rebuild(call: Call, asked: Asked) -> SearchAnswer:
    return answer_of(await call.services.search.rebuild(call.audit("search")))


ROUTES = (
    Route("GET", "/v1/search/status", "search", get_status, Asked, SearchAnswer),
    Route("POST", "/v1/search/rebuild", "search", rebuild, Asked, SearchAnswer),
)
