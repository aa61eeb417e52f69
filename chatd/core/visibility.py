"""Which marks of whom are shown (protocol.md "Who is shown what of whom"), and the text of which messages ("Event")."""

from typing import Literal

from msgspec import UNSET

from chatd.protocol.messages import Event

ShownTo = Literal["known", "members", "nobody"]
"""The operator's word: who shares a group, or has been answered in a direct room; who shares any room; nobody."""

BOTH = 3  # `Room.written` when both of a direct room have said something


def text_of(event: Event) -> int | None:
    """The message whose text an event of another number carries, when it is an edit.

    A member who sees the room from a later message on is not shown that text.
    """
    return event.target if event.kind == "edit" and event.target is not UNSET else None


def seen(mark: int, first_visible: int) -> int:
    """How far a mark got in what its member could see; 0: nowhere. The marks of a new member begin below it.

    >>> seen(4, 5), seen(5, 5)
    (0, 5)
    """
    return mark if mark >= first_visible else 0


def marks_shown(shown_to: ShownTo, *, direct: bool, written: int) -> bool:
    """Do the members of a room see how far each other is there? `written` is that of the room.

    >>> marks_shown("known", direct=True, written=1)
    False
    """
    return shown_to == "members" or (shown_to == "known" and (not direct or written == BOTH))
