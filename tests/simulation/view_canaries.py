"""Deliberate breaks of what chatd promises about channels, and about messages that go or are sent later, by name."""

from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from chatd.commands import history
from chatd.core import removal, room_summary, scheduled
from chatd.core.event_view import event_view
from chatd.core.room import Room
from chatd.delivery.fanout import Fanout
from chatd.jobs.retention import ROOMS_AT_ONCE, Retention
from chatd.storage.sqlite import removal as stored
from chatd.storage.sqlite import retention


def deleted_shown() -> AbstractContextManager[Any]:
    """Show a user in the log what they deleted for themself."""
    return patch.object(
        history, "event_view", lambda blob, own, view: event_view(blob, own, view._replace(deleted=()))
    )


def deletion_untold() -> AbstractContextManager[Any]:
    """Leave out of the summary of a room what its user deleted for themself."""
    return patch.object(room_summary, "DELETED", "nothing")


def purge_still_counts() -> AbstractContextManager[Any]:
    """Let messages that are gone count as unread."""
    return patch.object(removal, "count_purged", lambda *asked: None)


def purge_ends_early() -> AbstractContextManager[Any]:
    """Purge what one commit takes of each room, and no more of it in this round."""

    async def purge(self: Retention) -> int:
        page = await self._store.old_messages(self._env.now_ms(), self._server_s, 0, ROOMS_AT_ONCE)
        for old in page.old:
            await self._writer.submit_and_wait("", old)
        return len(page.old)

    return patch.object(Retention, "purge", purge)


def clock_believed() -> AbstractContextManager[Any]:
    """Judge the age of a log by its first event, although a clock ahead may have dated that."""
    return patch.object(retention, "BELIEVED", retention.BELIEVED.replace("time <= ?", "? AND 0"))


def edit_kept() -> AbstractContextManager[Any]:
    """Keep the text of a message that went in an edit of it."""
    return patch.object(stored, "EDITS_OF_STRETCH", stored.EDITS_OF_STRETCH.replace("WHERE", "WHERE 0 AND"))


def scheduled_row_kept() -> AbstractContextManager[Any]:
    """Send a scheduled message, and leave its row waiting."""
    return patch.object(scheduled, "forget", lambda *asked: None)


def scheduled_forgotten_first() -> AbstractContextManager[Any]:
    """Take a scheduled message away when it is not sent at the first attempt."""
    real = scheduled.end_scheduled

    def end(user: str, request: Any, writes: Any, reads: Any) -> Any:
        return real(user, type(request)(request.room, request.key, request.row), writes, reads)

    return patch.dict("chatd.core.decisions.DECISIONS", {scheduled.EndScheduled: end})


def follower_uncounted() -> AbstractContextManager[Any]:
    """Leave a channel with the number of followers it had when somebody ends that."""
    real = Room.take_out

    def take_out(self: Room, member: Any, reason: Any) -> None:
        before = self.followers
        real(self, member, reason)
        if self.is_channel:
            self.followers = before

    return patch.object(Room, "take_out", take_out)


def follower_for_ever() -> AbstractContextManager[Any]:
    """Keep the subscription of who follows a channel no longer."""
    real = Fanout._on_left

    def leave(self: Fanout, step: Any) -> None:
        if not step.room.is_channel:
            real(self, step)

    return patch.object(Fanout, "_on_left", leave)


VIEW_CANARIES = {
    "deleted-shown": deleted_shown,
    "deletion-untold": deletion_untold,
    "purge-still-counts": purge_still_counts,
    "purge-ends-early": purge_ends_early,
    "clock-believed": clock_believed,
    "edit-kept": edit_kept,
    "scheduled-row-kept": scheduled_row_kept,
    "scheduled-forgotten-first": scheduled_forgotten_first,
    "follower-uncounted": follower_uncounted,
    "follower-for-ever": follower_for_ever,
}
