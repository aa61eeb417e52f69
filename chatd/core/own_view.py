"""A member's own view of a room: without what they cleared or deleted for themselves (protocol.md "Drafts, scheduled
messages, folders").

Others see no difference: the messages stay, and marks go by where the member began to see the room (`saw_from`).
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from chatd.core.extras import CLEARED, DELETED, SAW_FROM, AnyMember, extra
from chatd.protocol.inbox import Range


class Seeing(AnyMember, Protocol):
    """A member, or their row as a store reads it."""

    @property
    def first_visible(self) -> int: ...


class View(NamedTuple):
    """The part of a room that a member sees: what begins with `first`, without the messages in `deleted`."""

    first: int = 1
    deleted: Sequence[Range] = ()

    def shows(self, seq: int) -> bool:
        return seq >= self.first and not (self.deleted and self.has_deleted(seq))

    def has_deleted(self, seq: int) -> bool:
        return any(low <= seq <= high for low, high in self.deleted)


# The view of a member who sees everything.
WHOLE = View()


def view_of(member: Seeing) -> View:
    deleted = extra(member, DELETED) if member.extras else None
    return View(member.first_visible, [(low, high) for low, high in deleted or ()])


def sees(member: Seeing, seq: int) -> bool:
    """Whether a member sees the message `seq`."""
    return seq >= member.first_visible and not (member.extras and view_of(member).has_deleted(seq))


def saw_from(member: Seeing) -> int:
    """Return the event from which on a member sees the room, or did before they cleared it."""
    return (extra(member, SAW_FROM) if member.extras else None) or member.first_visible


def cleared_before(member: Seeing) -> int:
    """Return the event before which a member cleared everything, in this membership or an earlier one; 0 for none."""
    if not member.extras:
        return 0
    now = member.first_visible if extra(member, SAW_FROM) else 0
    return max(now, extra(member, CLEARED) or 0)
