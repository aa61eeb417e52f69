"""Deliberate breaks of what chatd promises about people, by name."""

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from chatd.core import friends, pairs, privacy
from chatd.core.contacts import State
from chatd.delivery.watch_rights import WatchRights
from chatd.storage.sqlite import privacy as stored_privacy
from chatd.storage.sqlite import sync
from chatd.writer import room_loader


def half_friend() -> AbstractContextManager[Any]:
    """Store a new friendship on the side of the one who acts only."""
    real = friends.moved

    def one_sided(contact: Any, state: Any, action: Any, *rest: Any) -> Any:
        # The other side moves as by `cancel`, whatever was asked for.
        return contact if (state, action) == (State.FRIEND, "cancel") else real(contact, state, action, *rest)

    return patch.object(friends, "moved", one_sided)


def gate_kept() -> AbstractContextManager[Any]:
    """Keep the gates of a room in memory, whatever becomes of the contacts and the privacy of its users."""
    return patch.object(room_loader, "outdate", lambda rooms: None)


def presence_kept() -> AbstractContextManager[Any]:
    """Let whoever watched somebody go on, whatever becomes of contacts and privacy."""
    return patch.object(WatchRights, "_on_people", lambda self, writes: None)


def ignored_counted() -> AbstractContextManager[Any]:
    """Count messages also for members who block their author."""
    return patch.object(stored_privacy, "blocks_inside", lambda connection, room: {})


def request_counted() -> AbstractContextManager[Any]:
    """Count rooms in which a stranger asked among all others."""
    real = sync.totals_of
    return patch.object(sync, "totals_of", lambda listed, query: real(listed, replace(query, people=None)))


def decline_told() -> AbstractContextManager[Any]:
    """End a declined request for both, so that the one who asked sees it."""
    cells = tuple("N" if cell == "E" else cell for cell in pairs.CELLS["decline"])
    return patch.dict(pairs.CELLS, {"decline": cells})


def refused_says_why() -> AbstractContextManager[Any]:
    """Answer somebody who is blocked otherwise than somebody whose friend has no account any more."""
    real = privacy.gate_of

    def telling(author: Any, owner: Any, **rest: Any) -> Any:
        return "blocked" if owner.tie.blocked else real(author, owner, **rest)

    return patch.object(privacy, "gate_of", telling)


PEOPLE_CANARIES = {
    "half-friend": half_friend,
    "gate-kept": gate_kept,
    "presence-kept": presence_kept,
    "ignored-counted": ignored_counted,
    "request-counted": request_counted,
    "decline-told": decline_told,
    "refused-says-why": refused_says_why,
}
