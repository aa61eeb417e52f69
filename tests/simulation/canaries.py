"""Deliberate breaks of the daemon, by name: a simulator that does not find them proves nothing."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import Any
from unittest.mock import patch

from chatd.commands import hello, sync
from chatd.commands.admin import Admin
from chatd.core.room_summary import complete_room_replies
from chatd.core.write_set import NewEvent
from chatd.delivery.fanout import Fanout
from chatd.delivery.hub import Subscriptions
from chatd.delivery.outbox import Outbox
from chatd.storage.sqlite import backup, commit, pragmas
from chatd.storage.sqlite.store import SqliteStore
from chatd.writer import writer
from chatd.writer.writer import Writer
from tests.simulation.hook_canaries import HOOK_CANARIES
from tests.simulation.inbox_canaries import INBOX_CANARIES
from tests.simulation.media_canaries import MEDIA_CANARIES
from tests.simulation.moderation_canaries import MODERATION_CANARIES
from tests.simulation.people_canaries import PEOPLE_CANARIES
from tests.simulation.push_canaries import PUSH_CANARIES
from tests.simulation.search_canaries import SEARCH_CANARIES
from tests.simulation.sharing_canaries import SHARING_CANARIES
from tests.simulation.sim_env import SimEnv
from tests.simulation.view_canaries import VIEW_CANARIES

Break = Callable[[], AbstractContextManager[Any]]


def ack_before_commit() -> AbstractContextManager[Any]:
    """Answer a request when it is decided, not when it is on the disk."""

    def early(real: Any) -> Any:
        async def store(self: Writer, writes: Any) -> None:
            for steps in writes.steps.values():
                for step in steps:
                    if isinstance(step, NewEvent) and step.origin is not None:
                        step.origin.complete()
            await real(self, writes)

        return store

    return patch.object(Writer, "_commit", early(Writer._commit))


def broadcast_before_commit() -> AbstractContextManager[Any]:
    """Push events while their commit is on its way to the disk."""

    def early(real: Any) -> Any:
        async def store(self: Writer, writes: Any) -> None:
            self._publish(writes)
            with patch.object(self, "_publish", lambda writes: None):
                await real(self, writes)

        return store

    return patch.object(Writer, "_commit", early(Writer._commit))


def unsynced() -> AbstractContextManager[Any]:
    """Set `synchronous=NORMAL`: a commit returns before it is on the disk."""
    return patch.dict(pragmas.WRITER, {"synchronous": 1})


@contextmanager
def dedupe_dropped() -> Iterator[None]:
    """Drop the unique index with the first commit, and never look up keys."""

    def forgetful(real: Any) -> Any:
        def write(connection: Any, batch: Any) -> None:
            connection.execute("DROP INDEX IF EXISTS events_key")
            real(connection, batch)

        return write

    async def unknown(self: Any, keys: Any) -> dict[Any, Any]:
        return {}

    with (
        patch.object(commit, "write", forgetful(commit.write)),
        patch("chatd.storage.sqlite.store.SqliteStore.keyed", unknown),
    ):
        yield


def number_before_await() -> AbstractContextManager[Any]:
    """Carry out batches concurrently: one is numbered before the other is stored."""

    def hasty(real: Any) -> Any:
        async def carry_out(self: Writer, batch: Any, *, known_keys: bool = False) -> None:
            async def later() -> None:
                with suppress(Exception):
                    await real(self, batch, known_keys=known_keys)

            if known_keys:
                await real(self, batch, known_keys=True)
            else:
                self._hasty = asyncio.ensure_future(later())  # type: ignore[attr-defined]

        return carry_out

    return patch.object(Writer, "_run_batch", hasty(Writer._run_batch))


def attach_after_snapshot() -> AbstractContextManager[Any]:
    """Read the snapshot of hello before subscribing to the rooms, and never compare again."""
    real_hello = SqliteStore.hello

    async def slow(self: SqliteStore, device: str, query: Any) -> Any:
        rows = await real_hello(self, device, query)
        # Events pushed now find no subscriber.
        await asyncio.sleep(0.2)
        return rows

    stack = ExitStack()
    stack.enter_context(patch.object(SqliteStore, "hello", slow))
    stack.enter_context(patch.object(hello, "is_current", lambda ctx, query, rows: True))
    return stack


def unbounded_outbox() -> AbstractContextManager[Any]:
    """Never check what waits for a slow connection."""
    return patch.object(Outbox, "_judge", lambda self: None)


def member_for_ever() -> AbstractContextManager[Any]:
    """Keep the subscription of a removed member: membership is what it was at hello."""

    def leave_subscribed(self: Fanout, step: Any) -> None:
        self._hub.resize(step.room.number, len(step.room.members))

    return patch.object(Fanout, "_on_left", leave_subscribed)


def revoked_but_connected() -> AbstractContextManager[Any]:
    """Store a revocation, and leave the open connections as they are."""
    return patch.object(Admin, "_end", lambda self, user, device, code: None)


def wall_clock_limits() -> AbstractContextManager[Any]:
    """Measure limits and timeouts by the wall clock."""
    return patch.object(SimEnv, "monotonic", lambda self: self._wall.now_s())


def reset_without_reason() -> AbstractContextManager[Any]:
    """Answer a known cursor with the whole list."""
    return patch.object(sync, "stored_position", lambda ctx, request: None)


def own_event_twice() -> AbstractContextManager[Any]:
    """Push the event to its author, too, besides the acknowledgement."""

    def twice(real: Any) -> Any:
        def acknowledge(self: Fanout, session: Any, new: Any) -> None:
            real(self, session, new)
            self._push_one(session, [new])

        return acknowledge

    return patch.object(Fanout, "_acknowledge", twice(Fanout._acknowledge))


def first_missed_skipped() -> AbstractContextManager[Any]:
    """Begin a resume one commit too late."""

    def late(real: Any) -> Any:
        def position(ctx: Any, cursor: Any) -> Any:
            known = real(ctx, cursor)
            return None if known is None else known._replace(stamp=known.stamp + 1)

        return position

    return patch.object(sync, "position_in", late(sync.position_in))


def epoch_kept() -> AbstractContextManager[Any]:
    """Keep the epoch of a restored backup, so that clients trust numbers of another history."""

    def keep(real: Any) -> Any:
        def begin(path: Any, random_bytes: Any) -> str:
            import sqlite3
            from contextlib import closing

            with closing(sqlite3.connect(path)) as copy:
                (epoch,) = copy.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()
            real(path, random_bytes)
            with closing(sqlite3.connect(path)) as copy, copy:
                copy.execute("UPDATE meta SET value = ? WHERE key = 'epoch'", (epoch,))
            return str(epoch)

        return begin

    return patch.object(backup, "begin_epoch", keep(backup.begin_epoch))


def cursor_before_the_rooms() -> AbstractContextManager[Any]:
    """Put a cursor into a ping although pages of the first round were not sent: a bug that the simulator found."""
    return patch.object(Subscriptions, "fully_synced", property(lambda self: True, lambda self, value: None))


def covered_unseen() -> AbstractContextManager[Any]:
    """Take a cursor for one that covers every section, whatever its client has seen."""

    def covering(real: Any) -> Any:
        def position(ctx: Any, cursor: Any) -> Any:
            known = real(ctx, cursor)
            return None if known is None else known._replace(sections=0xFFFF)

        return position

    return patch.object(sync, "position_in", covering(sync.position_in))


def cursor_before_the_rows() -> AbstractContextManager[Any]:
    """Put a cursor into a ping although changed account rows were announced, but not sent."""
    return patch.object(Subscriptions, "fall_behind", lambda self, stamp: None)


def counted_too_early() -> AbstractContextManager[Any]:
    """Send a reply with counters as of its decision behind what the batch added since."""

    def early(real: Any) -> Any:
        def decide(submission: Any, writes: Any, reads: Any, decisions: Any) -> None:
            real(submission, writes, reads, decisions)
            complete_room_replies(writes, reads.rules.shown_to)
            writes.room_replies.clear()

        return decide

    return patch.object(writer, "decide", early(writer.decide))


CANARIES: dict[str, Break] = {
    "ack-before-commit": ack_before_commit,
    "broadcast-before-commit": broadcast_before_commit,
    "synchronous-normal": unsynced,
    "dedupe-dropped": dedupe_dropped,
    "number-before-await": number_before_await,
    "attach-after-snapshot": attach_after_snapshot,
    "unbounded-outbox": unbounded_outbox,
    "member-for-ever": member_for_ever,
    "revoked-but-connected": revoked_but_connected,
    "wall-clock-limits": wall_clock_limits,
    "reset-without-reason": reset_without_reason,
    "own-event-twice": own_event_twice,
    "first-missed-skipped": first_missed_skipped,
    "epoch-kept": epoch_kept,
    "cursor-before-the-rooms": cursor_before_the_rooms,
    "counted-too-early": counted_too_early,
    "covered-unseen": covered_unseen,
    "cursor-before-the-rows": cursor_before_the_rows,
    **PEOPLE_CANARIES,
    **HOOK_CANARIES,
    **INBOX_CANARIES,
    **PUSH_CANARIES,
    **MODERATION_CANARIES,
    **MEDIA_CANARIES,
    **SHARING_CANARIES,
    **SEARCH_CANARIES,
    **VIEW_CANARIES,
}
