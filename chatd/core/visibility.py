"""Which marks of whom are shown: how far somebody read and received (protocol.md "Who is shown what of whom")."""

from typing import Literal

ShownTo = Literal["known", "members", "nobody"]
"""The operator's word: who shares a group, or has been answered in a direct room; who shares any room; nobody."""

BOTH = 3  # `Room.written` when both of a direct room have said something


def marks_shown(shown_to: ShownTo, *, direct: bool, written: int) -> bool:
    """Do the members of a room see how far each other is there? `written` is that of the room.

    >>> marks_shown("known", direct=True, written=1)
    False
    """
    return shown_to == "members" or (shown_to == "known" and (not direct or written == BOTH))
