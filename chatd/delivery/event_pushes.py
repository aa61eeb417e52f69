"""The pushes of a run of events: cut so that each fits a frame, and those whom an event concerns at every level."""

from msgspec import UNSET, Raw

from chatd.core.write_set import NewEvent
from chatd.protocol.messages import EventPush


def concerned_by(new: NewEvent) -> tuple[str, ...]:
    """Return the users who get an event at every level: whom it mentions, its author, and who ignores it.

    The last two take it off their unread number, which follows from the ordinals of heads.
    """
    author = new.event.user
    return (*new.mentions, *new.ignored, *(() if author is UNSET else (author,)))


def event_push(run: list[NewEvent]) -> EventPush:
    return EventPush(run[0].room.name, [Raw(new.blob) for new in run])


def parts(run: list[NewEvent], bytes_max: int) -> list[list[NewEvent]]:
    """Cut `run` so that no push exceeds a server frame.

    >>> parts([], 10)
    []
    """
    if len(run) <= 1 or sum([len(new.blob) for new in run]) <= bytes_max:
        return [run] if run else []
    cut: list[list[NewEvent]] = [[]]
    size = 0
    for new in run:
        if cut[-1] and size + len(new.blob) > bytes_max:
            cut.append([])
            size = 0
        cut[-1].append(new)
        size += len(new.blob)
    return cut
