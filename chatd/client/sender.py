"""The way of the outbox to the server: an entry is stored, sent in its turn, and completed when it is answered.

The decisions are in outbox.py; here are the storage, the connection and the callers who wait for a receipt.
"""

import asyncio
from dataclasses import dataclass
from functools import partial

from .change_feed import ChangeFeed
from .connection import Connection
from .core.account import Account
from .core.acks import event_of
from .core.changes import SendDelayed, SendDone, SendFailed
from .core.codec import Codec, check
from .core.errors import ChatError, Closed, OutboxFull
from .core.limits import HELLO_FRAME_BYTES, Limits
from .core.outbox import Entry, Outbox, State, Window, too_large_error
from .core.packets import Ack, Event, Packet
from .core.records import Record, Tables
from .env import Timer
from .settings import Settings
from .storage import Storage


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof that the server stored a mutation durably. `seq` and `ordinal` are 0 where nothing was logged or
    counted."""

    room: str
    key: str
    seq: int = 0
    ordinal: int = 0
    time: int = 0
    """Unix milliseconds, clock of the server."""
    duplicate: bool = False
    """Whether the server had it already."""


class Sender:
    """The job that sends the outbox of one account."""

    def __init__(
        self, storage: Storage, account: Account, feed: ChangeFeed, codec: Codec, settings: Settings
    ) -> None:
        self.outbox = Outbox(settings.timing.later_s)
        self._storage = storage
        self._account = account
        self._feed = feed
        self._codec = codec
        self._settings = settings
        self._limits = Limits()
        self._connection: Connection | None = None
        self._window = Window(HELLO_FRAME_BYTES)
        self._waiting: dict[str, asyncio.Future[Receipt]] = {}
        self._timer: Timer | None = None

    def restore(self, tables: Tables) -> None:
        """Load the mutations that an earlier run left unsent."""
        records = sorted(tables.get("outbox", {}).values(), key=lambda record: record["order"])
        for record in records:
            self.outbox.add(self.outbox.restored(record, len(self._codec.encode(record["packet"]))))

    async def post(self, packet: Packet) -> str:
        """Put a mutation into the outbox; on return it is stored and survives a power loss.

        Returns its key. Raises `TooLarge` if it fits no frame, `OutboxFull`, ValueError or TypeError if no server
        would take it, OSError if it cannot be stored. Cancelling before it is stored leaves nothing behind.
        """
        if len(self.outbox) >= self._settings.outbox_max:
            raise OutboxFull
        check(packet)
        entry = self.outbox.entry(packet, len(self._codec.encode(packet)))
        if entry.size > self._limits.frame_bytes:
            raise too_large_error(entry.size, self._limits.frame_bytes)
        try:
            await self._storage.save([self._record(entry)])
        except BaseException:
            # Cancelled, or the disk is full: it was not promised, so it must not be sent.
            self._storage.note([Record("outbox", entry.key, None)])
            raise
        self.outbox.add(entry)
        self.flush()
        return entry.key

    async def deliver(self, packet: Packet) -> Receipt:
        """Post a mutation and wait for its acknowledgement.

        Raises the `ChatError` of a final refusal; then the entry is gone, since the caller knows. Cancelling stops
        the waiting, not the sending, and so does `Closed` when the client stops.
        """
        receipt: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._waiting[packet["key"]] = receipt
        try:
            await self.post(packet)
            return await receipt
        finally:
            self._waiting.pop(packet["key"], None)

    def resend(self, key: str) -> bool:
        """Try a failed entry again, with the key it always had. False if there is no such entry."""
        entry = self.outbox.resend(key)
        if entry is not None:
            self._storage.note([self._record(entry)])
            self.flush()
        return entry is not None

    def discard(self, key: str) -> bool:
        """Remove an entry that is not in flight. False if there is no such entry."""
        gone = self.outbox.discard(key) is not None
        if gone:
            self._storage.note([Record("outbox", key, None)])
        return gone

    # The connection.

    def opened(self, connection: Connection) -> None:
        """Send behind the hello as much as fits the small frames allowed there (protocol.md, "States")."""
        self._connection = connection
        self._window = Window(HELLO_FRAME_BYTES)
        self.flush()

    def ready(self, limits: Limits) -> None:
        """Take the limits and send the rest."""
        self._limits = limits
        self._window = Window(limits.frame_bytes, limits.batch, limits.in_flight)
        for entry in self.outbox.too_large(limits.frame_bytes):
            error = too_large_error(entry.size, limits.frame_bytes)
            self.outbox.reject(entry, error)
            self._failed(entry, error)
        self.flush()

    def lost(self) -> None:
        """Forget the connection; it has completed every request whose answer will never come."""
        self._connection = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def stopped(self, closed: Closed) -> None:
        """Complete every waiting caller with `closed`; the outbox stays as it is."""
        for receipt in self._waiting.values():
            if not receipt.done():
                receipt.set_exception(closed)

    def flush(self) -> None:
        """Send everything that may be sent now."""
        if self._connection is None or not self._connection.alive:
            return
        now = self._settings.env.monotonic()
        for frame in self.outbox.take(now, self._window):
            self._connection.ask_together([(entry.packet, partial(self._answered, entry)) for entry in frame])
        self._set_timer(now)

    def own_message(self, event: Event) -> None:
        """Take an own message, wherever it is in the log, as an acknowledgement (protocol.md, "Positions, gaps and
        repair")."""
        entry = self._leave(event.get("key", ""))
        if entry is not None:
            numbers = (event["seq"], event.get("ordinal", 0), event.get("time", 0))
            self._complete(Receipt(entry.room, entry.key, *numbers))
            self.flush()

    # Answers.

    def _answered(self, entry: Entry, answer: Ack | ChatError | None) -> None:
        if answer is None:
            self.outbox.unknown(entry)
        elif isinstance(answer, ChatError):
            self._refused(entry, answer)
        else:
            self._accepted(entry, answer)
        self.flush()

    def _accepted(self, entry: Entry, ack: Ack) -> None:
        was_here = self._leave(entry.key)
        self._apply(entry, ack)
        if was_here:
            numbers = (ack.get("seq", 0), ack.get("ordinal", 0), ack.get("time", 0))
            self._complete(Receipt(entry.room, entry.key, *numbers, ack.get("duplicate", False)))

    def _leave(self, key: str) -> Entry | None:
        entry = self.outbox.done(key)
        if entry is not None:
            self._storage.note([Record("outbox", key, None)])
        return entry

    def _complete(self, receipt: Receipt) -> None:
        self._feed.emit(SendDone(receipt.room, receipt.key, receipt.seq))
        waiting = self._waiting.get(receipt.key)
        if waiting is not None and not waiting.done():
            waiting.set_result(receipt)

    def _apply(self, entry: Entry, ack: Ack) -> None:
        event = event_of(entry.packet, ack, self._account.user)
        if event is not None:
            self._account.take_events(entry.room, [event])
        elif entry.packet["type"] == "react":
            packet, replica = entry.packet, self._account.replica(entry.room)
            replica.take_own_reaction(packet["target"], packet["emoji"], present=packet["set"])

    def _refused(self, entry: Entry, error: ChatError) -> None:
        now = self._settings.env.monotonic()
        if entry.key not in self.outbox:
            return
        entry.until = self._settings.env.time_ms() + error.retry_after if error.retry_after else 0
        if self.outbox.refused(entry, error, now) is State.FAILED:
            self._failed(entry, error)
        else:
            self._feed.emit(SendDelayed(entry.room, entry.key, error))

    def _failed(self, entry: Entry, error: ChatError) -> None:
        self._feed.emit(SendFailed(entry.room, entry.key, error))
        waiting = self._waiting.get(entry.key)
        if waiting is None or waiting.done():
            self._storage.note([self._record(entry)])
            return
        self.discard(entry.key)
        waiting.set_exception(error)

    def _set_timer(self, now: float) -> None:
        at = self.outbox.next_at(now)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if at is not None:
            self._timer = self._settings.env.call_later(at - now, self.flush)

    def _record(self, entry: Entry) -> Record:
        return Record("outbox", entry.key, entry.record())
