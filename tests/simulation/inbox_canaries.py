"""Deliberate breaks of what chatd promises about the numbers of the inbox, by name."""

from contextlib import AbstractContextManager
from operator import attrgetter
from typing import Any
from unittest.mock import patch

from chatd.storage.sqlite import inbox


def own_named() -> AbstractContextManager[Any]:
    """Name own messages among the unread ones."""
    without = inbox.UNREAD_EVENTS.replace("AND user <> :user ", "")
    assert without != inbox.UNREAD_EVENTS
    return patch.object(inbox, "UNREAD_EVENTS", without)


def unread_left_out() -> AbstractContextManager[Any]:
    """Compute the digest of a list with another number in the place of the unread one."""
    names = ("name", "seq", "ordinal", "read", "ordinal", "mentions", "first_visible", "muted_until")
    return patch.object(inbox, "NUMBERS", attrgetter(*names))


INBOX_CANARIES = {"own-named": own_named, "unread-left-out": unread_left_out}
