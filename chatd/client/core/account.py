"""The local copy of one account: its rooms, its position in the change feed, the presence of others; pure.

It takes the replies and pushes of the server, moves the replicas and tells its delegate what changed and what has to
be fetched; rows to be stored are collected for `records`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from .account_rows import AccountRows
from .changes import AccountChanged, Change, PresenceChanged, RoomGone
from .packets import (
    Decoded,
    Event,
    HelloReply,
    Packet,
    PresenceEntry,
    RoomSummary,
    SyncPage,
)
from .pushes import (
    AccountPush,
    CursorPush,
    EventPush,
    GonePush,
    HeadPush,
    PositionPush,
    PresencePush,
    ReceiptsPush,
    RoomPush,
    TypingPush,
)
from .records import Record, Tables
from .replica import EVERYBODY_MEMBERS_MAX, Owner, Replica


class AccountDelegate(Protocol):
    """The rest of the client, as an account sees it. All calls are synchronous and in the order of events."""

    def on_change(self, change: Change) -> None:
        """Hand a change to the app."""
        ...

    def on_typing(self, room: str, user: str, what: str) -> None:
        """Show that a user writes a `text`, or speaks a `voice` note."""
        ...

    def on_voice(self, room: str, user: str, file: str, state: str) -> None:
        """Take the state of a voice note that is spoken."""
        ...

    def on_gap(self, replica: Replica) -> None:
        """Repair the hole before the early events of a room."""
        ...

    def on_behind(self, replica: Replica) -> None:
        """Fetch what a room has beyond what was applied, if it is wanted."""
        ...

    def on_synced(self) -> None:
        """Go on, as the last page of a sync was taken."""
        ...

    def on_more_rows(self) -> None:
        """Begin a sync: more account rows changed than were sent."""
        ...

    def on_own_message(self, event: Event) -> None:
        """Take an own message, wherever in the log, as the acknowledgement of its entry in the outbox."""
        ...


PRESENCES = frozenset({"online", "away"})
"""The states of a user that are not `offline`, as which any other is taken (protocol.md, "Forward compatibility")."""

GONE_REASONS = frozenset({"left", "banned", "deleted"})
"""The reasons of a `gone` that are not `removed`, as which any other is taken."""


@dataclass(frozen=True, slots=True)
class Presence:
    """The state of a watched user; `last_seen` in Unix milliseconds, 0 if unknown."""

    state: str = "offline"
    last_seen: int = 0


class Account:
    """The local copy of one account, without people (people.py)."""

    asked: tuple[str, ...] = ("account",)
    """Feature words that hold in both encodings (protocol.md, "hello")."""

    def __init__(self, delegate: AccountDelegate, messages_kept: int) -> None:
        self.owner = Owner()
        self.epoch = ""
        self.cursor = ""
        self.replicas: dict[str, Replica] = {}
        self.presence: dict[str, Presence] = {}
        self.focused: tuple[str, ...] = ()
        self.totals: Mapping[str, int] = {}
        self.rows = AccountRows()
        self._delegate = delegate
        self._kept = messages_kept
        self._unstored: dict[tuple[str, str], None] = {}
        self._listed: set[str] | None = None

    # Packets of the server.

    def take_hello(self, reply: HelloReply) -> None:
        """Take the hello reply except for its sync page; another epoch resets everything that is numbered
        (protocol.md, "Identifiers and counters")."""
        self.owner.user = reply["user"]
        limits = reply.get("limits", {})
        self.owner.everybody_max = limits.get("full_delivery_members", EVERYBODY_MEMBERS_MAX)
        self._store("account", "user")
        if reply["epoch"] != self.epoch:
            self.cursor = ""
            self.epoch = reply["epoch"]
            for replica in self.replicas.values():
                replica.reset()
            self._changed_rows(self.rows.clear())
            self._store("account", "epoch")
            self._store_rooms()

    def take_sync(self, page: SyncPage) -> str:
        """Take one page of a sync; return the `more` to ask next, empty after the last page (protocol.md, "sync")."""
        if page.get("full") and self._listed is None:
            self._listed = set()
        for summary in page.get("rooms", ()):
            self._summary(summary)
        for room in page.get("gone", ()):
            self._lose(room, "removed")
        self.totals = page.get("totals", self.totals)
        self._changed_rows(self.rows.take(page.get("sections", {})))
        more = page.get("more", "")
        if not more:
            self._end_round(page.get("cursor", ""))
            self._changed_rows(self.rows.end_round(page.get("full_sections", ())))
            self._delegate.on_synced()
        return more

    def begin_round(self) -> None:
        """Begin a sync; an unfinished one before it is void."""
        self._listed = None
        self.rows.begin_round()

    def take_push(self, packet: Packet) -> None:
        """Take a push; unknown types are ignored (protocol.md, "Forward compatibility")."""
        act = PUSHES.get(packet.get("type", ""))
        if act is not None:
            act(self, packet)

    def take_events(self, room: str, events: Iterable[Event]) -> None:
        """Take events of a room, pushed or acknowledged."""
        replica = self.replica(room)
        self.match_own(events)
        self.publish(replica, replica.feed(events))
        if replica.timeline.buffer:
            self._delegate.on_gap(replica)

    def take_summary(self, summary: RoomSummary) -> Replica:
        """Take the summary of a reply."""
        return self._summary(summary)

    def take_head(self, room: str, seq: int, ordinal: int = 0, preview: Event | None = None) -> None:
        """Take the head of a room that moved; its content was not sent."""
        replica = self.replica(room)
        self.publish(replica, replica.take_head(seq, ordinal, preview))
        self._check(replica)

    def take_presence(self, users: Iterable[PresenceEntry]) -> None:
        """Take the presence of users."""
        for entry in users:
            state = entry.get("state", "offline")
            now = Presence(state if state in PRESENCES else "offline", entry.get("last_seen", 0))
            self.presence[entry["user"]] = now
            self._delegate.on_change(PresenceChanged(entry["user"], now.state, now.last_seen))

    # For the rest of the client.

    @property
    def user(self) -> str:
        """The user of this account, empty before the first hello."""
        return self.owner.user

    def replica(self, room: str) -> Replica:
        """Return the replica of a room; a push may name a room before any page listed it (protocol.md, "sync")."""
        replica = self.replicas.get(room)
        if replica is None:
            replica = self.replicas[room] = Replica(room, self.owner)
        return replica

    def peek(self, room: str) -> Replica:
        """Return the replica of a room for reading; an unknown room is not added."""
        return self.replicas.get(room) or Replica(room, self.owner)

    def publish(self, replica: Replica, changes: Iterable[Change]) -> None:
        """Publish what changed in a room and have its new position stored."""
        for change in replica.without_deleted(changes):
            self._delegate.on_change(change)
        if replica.room not in self.focused:
            replica.trim(self._kept)
        self._store("rooms", replica.room)

    def match_own(self, events: Iterable[Event]) -> None:
        """Report the own messages among `events`, whatever their position (protocol.md, "Positions, gaps and
        repair")."""
        for event in events:
            if event.get("user") == self.user and event.get("kind") == "message":
                self._delegate.on_own_message(event)

    def lose(self, room: str, reason: str) -> None:
        """Remove a room that this user is no longer in."""
        self._lose(room, reason)

    def drop_cursor(self) -> None:
        """Drop the cursor, so that the next sync is a full one (4005)."""
        self.cursor = ""
        self._store("account", "cursor")

    # Storing.

    def restore(self, tables: Tables) -> None:
        """Load what an earlier run stored."""
        account = tables.get("account", {})
        self.owner.user, self.epoch = account.get("user", ""), account.get("epoch", "")
        self.cursor = account.get("cursor", "")
        for room, record in tables.get("rooms", {}).items():
            self.replica(room).restore(record)
        for place, row in tables.get("account_rows", {}).items():
            self.rows.take({place.partition(" ")[0]: [row]})

    @property
    def unstored(self) -> bool:
        """Whether `records` has anything to give."""
        return bool(self._unstored)

    def records(self) -> list[Record]:
        """Return the rows that changed since the last call: the cursor last, so that it is never ahead of the others
        (protocol.md, "sync")."""
        unstored, self._unstored = self._unstored, {}
        ordered = sorted(unstored, key=lambda place: place[0] == "account")
        return [Record(table, key, self._value(table, key)) for table, key in ordered]

    def _value(self, table: str, key: str) -> object:
        if table == "account":
            return getattr(self, key) or None
        if table == "account_rows":
            section, _, name = key.partition(" ")
            return self.rows.row(section, name)
        replica = self.replicas.get(key)
        return replica.record() if replica else None

    def _changed_rows(self, places: Iterable[tuple[str, str]]) -> None:
        for section, name in places:
            self._store("account_rows", f"{section} {name}")
            self._delegate.on_change(AccountChanged(section, name))

    def _store(self, table: str, key: str) -> None:
        self._unstored[table, key] = None

    def _store_rooms(self) -> None:
        for room in self.replicas:
            self._store("rooms", room)

    # One method for each push.

    def _on_event(self, push: EventPush) -> None:
        self.take_events(push["room"], push.get("events", ()))

    def _on_head(self, push: HeadPush) -> None:
        for entry in push.get("rooms", ()):
            self.take_head(entry["room"], entry["seq"], entry.get("ordinal", 0), entry.get("preview"))

    def _on_room(self, push: RoomPush) -> None:
        self._summary(push["summary"])

    def _on_gone(self, push: GonePush) -> None:
        reason = push.get("reason", "removed")
        self._lose(push["room"], reason if reason in GONE_REASONS else "removed")

    def _on_position(self, push: PositionPush) -> None:
        replica = self.replica(push["room"])
        self.publish(replica, replica.take_position(push))

    def _on_receipts(self, push: ReceiptsPush) -> None:
        replica = self.replica(push["room"])
        self.publish(replica, replica.take_receipts(push.get("receipts", ())))

    def _on_typing(self, push: TypingPush) -> None:
        self._delegate.on_typing(push["room"], push.get("user", ""), push.get("what", "text"))

    def _on_voice(self, push: dict[str, str]) -> None:
        names = ("room", "user", "file", "state")
        self._delegate.on_voice(*(push.get(name, "") for name in names))

    def _on_presence(self, push: PresencePush) -> None:
        self.take_presence(push.get("users", ()))

    def _on_account(self, push: AccountPush) -> None:
        self._changed_rows(self.rows.take(push.get("sections", {})))
        if push.get("more"):
            self._delegate.on_more_rows()

    def _on_cursor(self, push: CursorPush) -> None:
        # Valid only on top of a finished round: before that, pages are still missing.
        if "cursor" in push and self.cursor:
            self.cursor = push["cursor"]
            self._store("account", "cursor")

    # Rooms.

    def _summary(self, packet: RoomSummary) -> Replica:
        replica = self.replica(packet["room"])
        if self._listed is not None:
            self._listed.add(packet["room"])
        self.match_own(packet.get("events", ()))
        self.publish(replica, replica.take_summary(packet))
        self._check(replica)
        return replica

    def _check(self, replica: Replica) -> None:
        if replica.timeline.buffer:
            self._delegate.on_gap(replica)
        elif replica.timeline.behind:
            self._delegate.on_behind(replica)

    def _lose(self, room: str, reason: str) -> None:
        if self.replicas.pop(room, None) is not None:
            self._store("rooms", room)
            self._delegate.on_change(RoomGone(room, reason))

    def _end_round(self, cursor: str) -> None:
        listed, self._listed = self._listed, None
        if listed is not None:
            for room in [room for room in self.replicas if room not in listed]:
                self._lose(room, "forgotten")
        if cursor:
            self.cursor = cursor
            self._store("account", "cursor")


PUSHES: dict[str, Callable[[Account, Decoded], None]] = {
    "event": Account._on_event,
    "head": Account._on_head,
    "room": Account._on_room,
    "gone": Account._on_gone,
    "position": Account._on_position,
    "receipts": Account._on_receipts,
    "typing": Account._on_typing,
    "voice": Account._on_voice,
    "presence": Account._on_presence,
    "account": Account._on_account,
    "ping": Account._on_cursor,
    "bye": Account._on_cursor,
}
"""The method of every push that moves the account."""
