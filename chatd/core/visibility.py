"""Visibility of read and delivered marks (protocol.md "Who is shown what of whom") and of texts ("Event")."""

from typing import Literal

from msgspec import UNSET

from chatd.protocol.bots import Told
from chatd.protocol.messages import Event

ShownTo = Literal["known", "members", "nobody"]
"""Set by the operator. `known`: users who share a group, or a direct room in which both wrote; `members`: users who
share any room.
"""

# `Room.written` when both users of a direct room have written.
BOTH = 3


def text_of(event: Event | Told) -> int | None:
    """Return the message whose text an edit carries, None for other events.

    A member who does not see that message is not shown the text.
    """
    return event.target if event.kind == "edit" and event.target is not UNSET else None


def seen(mark: int, first_visible: int) -> int:
    """Return a mark as others see it: 0 below `first_visible`, where the marks of a new member begin.

    >>> seen(4, 5), seen(5, 5)
    (0, 5)
    """
    return mark if mark >= first_visible else 0


def marks_shown(shown_to: ShownTo, *, direct: bool, written: int) -> bool:
    """Whether the members of a room see each other's marks there. `written` is that of the room.

    >>> marks_shown("known", direct=True, written=1)
    False
    """
    return shown_to == "members" or (shown_to == "known" and (not direct or written == BOTH))
