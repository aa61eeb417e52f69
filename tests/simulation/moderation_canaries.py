"""Deliberate breaks of what chatd promises about moderation, by name."""

from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from chatd.core import removal
from chatd.delivery.restrictions import Restrictions


def restriction_after_reconnect() -> AbstractContextManager[Any]:
    """Restrain only connections that are made later."""
    return patch.object(Restrictions, "on_commit", lambda self, writes: None)


def ban_forgotten() -> AbstractContextManager[Any]:
    """Let a banned user in again as soon as they come back."""
    return patch("chatd.commands.connection.is_banned", lambda restriction, now_ms: False)


def edits_kept() -> AbstractContextManager[Any]:
    """Take the text of an erased person from messages, and not from edits of them."""
    real = removal.SupersededEdits
    return patch.object(removal, "SupersededEdits", lambda room, target, seq: real(room, target, 0))


MODERATION_CANARIES = {
    "restriction-after-reconnect": restriction_after_reconnect,
    "ban-forgotten": ban_forgotten,
    "edits-kept": edits_kept,
}
