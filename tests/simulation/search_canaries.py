"""Deliberate breaks of what chatd promises about search, by name."""

from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from chatd.core.searches import Wanted
from chatd.protocol.messages import Event
from chatd.search.feeder import Feeder
from chatd.storage.sqlite import search


def candidate_unchecked() -> AbstractContextManager[Any]:
    """Show what the index proposes without a look at the message."""

    def matches(self: Wanted, event: Event) -> bool:
        return event.recalled is not True

    return patch.object(Wanted, "matches", matches)


def tail_unsearched() -> AbstractContextManager[Any]:
    """Search what is in the index, and nothing behind it."""
    return patch.object(search, "TAIL_MESSAGES", search.TAIL_MESSAGES.replace("kind = 'message'", "0"))


def changes_unheard() -> AbstractContextManager[Any]:
    """Keep in the index what a message said first."""
    real = Feeder._bring

    def bring(self: Feeder, *args: Any) -> Any:
        with patch(
            "chatd.search.source.CHANGED", "SELECT blob FROM events WHERE 0 AND ?1 AND ?2 AND ?3 AND ?4"
        ):
            return real(self, *args)

    return patch.object(Feeder, "_bring", bring)


SEARCH_CANARIES = {
    "candidate-unchecked": candidate_unchecked,
    "tail-unsearched": tail_unsearched,
    "changes-unheard": changes_unheard,
}
