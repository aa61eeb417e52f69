"""The live connections of this process: by user and device, and by room. Nothing is sent here."""

from collections.abc import Collection, Iterator
from typing import Any, Literal, Protocol, TypeGuard

from chatd.core.cursors import Position
from chatd.core.users import Restriction
from chatd.delivery.recent_commits import RecentCommits
from chatd.protocol import close_codes
from chatd.protocol.connection import Mode

Level = Literal["full", "head", "none"]

NEVER = float("-inf")

# msgpack, json, msgpack with deflate.
ENCODINGS = 3


class PushQueue(Protocol):
    """The queue of one connection (delivery/outbox.py has the contract). `now`: monotonic seconds."""

    @property
    def flowing(self) -> bool: ...

    @property
    def queued_bytes(self) -> int: ...

    @property
    def lagging(self) -> bool: ...

    def send(self, frame: bytes, now: float) -> None: ...

    def acked(self, room: str, seq: int, ordinal: int) -> None: ...

    def send_event(self, frame: bytes, room: str, seq: int, ordinal: int, now: float) -> None: ...

    def send_head(self, room: str, seq: int, ordinal: int, now: float) -> None: ...

    def send_ephemeral(self, frame: bytes) -> None: ...

    def cork(self) -> None: ...

    def uncork(self) -> None: ...

    def leave(self, room: str) -> None: ...


class TokenRights(Protocol):
    """The rights in a token: the words it allows, and the device it is bound to."""

    @property
    def allow(self) -> frozenset[str]: ...

    @property
    def device(self) -> str | None: ...


class Subscriber(Protocol):
    """One connection, as the hub and the fan-out know it."""

    @property
    def user(self) -> str: ...

    @property
    def device(self) -> str: ...

    @property
    def turn(self) -> int:
        """The number of its hello among all: the newest connection of a device is the one that stays."""
        ...

    @property
    def claims(self) -> TokenRights: ...

    @property
    def encoding(self) -> int: ...

    @property
    def mode(self) -> Mode: ...

    @property
    def receipts(self) -> bool:
        """Whether the user shows their receipts and sees those of others."""
        ...

    @property
    def subscriptions(self) -> "Subscriptions": ...

    @property
    def outbox(self) -> PushQueue: ...

    def show_receipts(self, shown: bool) -> None:
        """Put the preference of the user for receipts in force."""

    def restrain(self, restriction: Restriction | None) -> None:
        """Put a restriction of the user in force, or none."""

    def push(self, packet: Any) -> None:
        """Send a packet, or an `EncodedPush`, that must not be lost while the connection lives."""

    def close(self, code: int, *, retry_after: int | None = None) -> None:
        """Send `bye`, then the close frame. `retry_after`: milliseconds."""


SubscriberGroup = dict[Subscriber, None]
"""Connections of one level, in the order they came."""

# The group of a level that nobody has, as most are in most rooms. Never written to.
NO_SUBSCRIBERS: SubscriberGroup = {}


class Subscriptions:
    """The rooms of one connection. `Hub` changes them, and keeps the subscribers of each room in step.

    `rooms`: the rooms it is subscribed to, by number. `focus`: numbers of the rooms on screen. `muted`: muted_until
    by room number, unmuted rooms left out. `fully_synced`: a round of `sync` was sent to its end. `sections`: the
    sections of account rows in force, as bits. `badge`: whether its totals have one.
    """

    __slots__ = ("_behind", "_left", "badge", "focus", "fully_synced", "muted", "rooms", "sections")

    def __init__(self) -> None:
        self.rooms: dict[int, RoomSubscribers] = {}
        self.focus: frozenset[int] = frozenset()
        self.muted: dict[int, int] = {}
        self.fully_synced = False
        self.sections, self.badge = 0, False
        self._behind = 0
        # Rooms left during hello; None after it.
        self._left: set[int] | None = set()

    def add(self, subscribers: "RoomSubscribers", muted_until: int) -> None:
        """Add a room."""
        self.rooms[subscribers.number] = subscribers
        if muted_until:
            self.muted[subscribers.number] = muted_until

    def remove(self, number: int) -> "RoomSubscribers | None":
        """Take a room out, also of those on screen; return its subscribers."""
        self.muted.pop(number, None)
        self.focus -= {number}
        return self.rooms.pop(number, None)

    def mute(self, number: int, muted_until: int) -> None:
        """Mute a room until `muted_until`, Unix milliseconds; 0 unmutes it."""
        if muted_until:
            self.muted[number] = muted_until
        else:
            self.muted.pop(number, None)

    def look_at(self, numbers: frozenset[int]) -> frozenset[int]:
        """Replace the rooms on screen; return those that were added or removed."""
        before, self.focus = self.focus, numbers
        return before ^ numbers

    def note_joined(self, number: int) -> None:
        """Note that the user joined a room."""
        if self._left is not None:
            self._left.discard(number)

    def note_left(self, number: int) -> None:
        """Note that the user left a room: memberships read before that must not subscribe the connection."""
        if self._left is not None:
            self._left.add(number)

    @property
    def left(self) -> Collection[int]:
        """The rooms that the user left during hello."""
        return self._left or ()

    def attached(self) -> None:
        """Note that the connection is subscribed to all its rooms, and hello is over."""
        self._left = None

    def cover(self, sections: int, *, badge: bool) -> None:
        """Put sections of account rows in force, as bits, and the badge."""
        self.sections, self.badge = sections, badge

    def fall_behind(self, stamp: int) -> None:
        """Note that the connection only learned that there are `more` account rows of this commit."""
        self._behind = stamp

    def inform(self, reached: Position) -> None:
        """Note that a round of `sync` was sent to its end, which has this position.

        Before that no cursor may be sent: it would stand for rooms and account rows that were never named. The same
        holds after a push that only said that there are `more` account rows.
        """
        if reached.sections == self.sections:
            self.fully_synced = True
            if reached.stamp >= self._behind:
                self._behind = 0

    @property
    def has_cursor(self) -> bool:
        """Whether a cursor may stand for everything that was sent to the connection."""
        return self.fully_synced and not self._behind

    def clear(self) -> None:
        """Forget everything: the connection is over."""
        self.rooms.clear()
        self.muted.clear()
        self.focus = frozenset()


class RoomSubscribers:
    """The live connections of one room, by delivery level (protocol.md "Levels").

    `full`: those who get every event, by encoding. `heads_at`: when the last `head` push went out, monotonic seconds.
    `heads_due`: one is scheduled. `is_channel`: by the first letter of its name.
    """

    __slots__ = ("full", "head", "heads_at", "heads_due", "is_channel", "members", "name", "none", "number")

    def __init__(self, number: int, name: str, members: int) -> None:
        self.number = number
        self.name, self.is_channel = name, name[0] == "c"
        self.members = members
        self.full: list[SubscriberGroup] = [NO_SUBSCRIBERS] * ENCODINGS
        self.head = NO_SUBSCRIBERS
        self.none = NO_SUBSCRIBERS
        self.heads_at = NEVER
        self.heads_due = False

    @property
    def focused(self) -> list[Subscriber]:
        """The connections that have the room on screen."""
        return [
            subscriber for subscriber in self.connections() if self.number in subscriber.subscriptions.focus
        ]

    def add(self, subscriber: Subscriber, level: Level) -> None:
        """Put `subscriber`, which is not subscribed here, at `level`."""
        if level == "full":
            self.full[subscriber.encoding] = with_added(self.full[subscriber.encoding], subscriber)
        elif level == "head":
            self.head = with_added(self.head, subscriber)
        else:
            self.none = with_added(self.none, subscriber)

    def discard(self, subscriber: Subscriber) -> None:
        """Remove `subscriber` from its level."""
        for group in (self.full[subscriber.encoding], self.head, self.none):
            if subscriber in group:
                del group[subscriber]
                return

    def connections(self) -> Iterator[Subscriber]:
        for group in (*self.full, self.head, self.none):
            yield from group

    def resize(self, members: int) -> int:
        """Set the number of members; return the one before."""
        before, self.members = self.members, members
        return before

    def mark_heads_due(self) -> None:
        """Note that a `head` push is scheduled."""
        self.heads_due = True

    def mark_heads_sent(self, now: float) -> None:
        """Note that a `head` push goes out now."""
        self.heads_at, self.heads_due = now, False

    def receives_all(self, connection: object) -> TypeGuard[Subscriber]:
        """Whether this is one of the subscribers at level full."""
        one, other, third = self.full
        return connection in one or connection in other or connection in third

    @property
    def empty(self) -> bool:
        return not (any(self.full) or self.head or self.none)


def with_added(group: SubscriberGroup, subscriber: Subscriber) -> SubscriberGroup:
    """Return `group` with `subscriber` at its end; a new one in place of `NO_SUBSCRIBERS`."""
    if group is NO_SUBSCRIBERS:
        return {subscriber: None}
    group[subscriber] = None
    return group


class Hub:
    """All live connections of this process. `full_members`: the largest room whose members all get every event."""

    def __init__(self, full_members: int, recent_commits: RecentCommits | None = None) -> None:
        self.full_members = full_members
        self.sessions: dict[str, dict[str, Subscriber]] = {}  # by user, then device
        self.rooms: dict[int, RoomSubscribers] = {}
        self.recent_commits = recent_commits or RecentCommits()
        self._turns = 0

    def next_turn(self) -> int:
        """Return the number of a hello that begins now; each is higher than all before."""
        self._turns += 1
        return self._turns

    def of(self, user: str) -> list[Subscriber]:
        """Return the connections of one user."""
        return list(self.sessions.get(user, {}).values())

    def readers_of(self, user: str) -> list[Subscriber]:
        """Return the connections of one user whose token allows to read."""
        return [subscriber for subscriber in self.of(user) if "read" in subscriber.claims.allow]

    def ended_by(self, user: str, device: str, code: int) -> list[tuple[Subscriber, int]]:
        """Return the connections that a revocation of `device`, "" for all, ends, each with its close code.

        A token that is bound to no device is refused on every device, because it may be the one that was stolen.
        """
        return [
            (subscriber, code if device in ("", subscriber.device) else close_codes.TOKEN_INVALID)
            for subscriber in self.of(user)
            if device in ("", subscriber.device) or subscriber.claims.device is None
        ]

    def enter(self, subscriber: Subscriber) -> Subscriber | None:
        """Make `subscriber` the connection of its device; return the one it replaces."""
        devices = self.sessions.setdefault(subscriber.user, {})
        before = devices.get(subscriber.device)
        devices[subscriber.device] = subscriber
        return before

    def exit(self, subscriber: Subscriber) -> None:
        """Forget a connection and all its subscriptions."""
        devices = self.sessions.get(subscriber.user)
        if devices is not None and devices.get(subscriber.device) is subscriber:
            del devices[subscriber.device]
            if not devices:
                del self.sessions[subscriber.user]
        for subscribers in subscriber.subscriptions.rooms.values():
            self._discard(subscriber, subscribers)
        subscriber.subscriptions.clear()

    def subscribe(
        self, subscriber: Subscriber, number: int, name: str, members: int, muted_until: int
    ) -> None:
        """Subscribe a connection to a room it is a member of."""
        subscriptions = subscriber.subscriptions
        if number in subscriptions.rooms:
            self.mute(subscriber, number, muted_until)
            return
        subscribers = self.rooms.get(number)
        if subscribers is None:
            subscribers = self.rooms[number] = RoomSubscribers(number, name, members)
        subscriptions.add(subscribers, muted_until)
        subscribers.add(subscriber, self.level(subscriber, subscribers))

    def unsubscribe(self, subscriber: Subscriber, number: int) -> None:
        """Take a connection out of a room: it gets no further pushes of it."""
        subscribers = subscriber.subscriptions.remove(number)
        if subscribers is not None:
            self._discard(subscriber, subscribers)

    def _discard(self, subscriber: Subscriber, subscribers: RoomSubscribers) -> None:
        """Take `subscriber` out; a room without subscribers is forgotten."""
        subscribers.discard(subscriber)
        if subscribers.empty:
            self.rooms.pop(subscribers.number, None)

    def mute(self, subscriber: Subscriber, number: int, muted_until: int) -> None:
        subscriber.subscriptions.mute(number, muted_until)
        self.update_level(subscriber, number)

    def set_focus(self, subscriber: Subscriber, numbers: frozenset[int]) -> None:
        """Replace the set of rooms on screen."""
        for number in subscriber.subscriptions.look_at(numbers):
            if number in subscriber.subscriptions.rooms:
                self.update_level(subscriber, number)

    def update_level(self, subscriber: Subscriber, number: int) -> None:
        """Bring the level in step with focus, mode, muting and the size of the room."""
        subscribers = subscriber.subscriptions.rooms[number]
        subscribers.discard(subscriber)
        subscribers.add(subscriber, self.level(subscriber, subscribers))

    def mode_changed(self, subscriber: Subscriber) -> None:
        """Update the levels of a connection whose mode changed. Only those of muted rooms can differ."""
        for number in subscriber.subscriptions.muted:
            if number in subscriber.subscriptions.rooms:
                self.update_level(subscriber, number)

    def resize(self, number: int, members: int) -> None:
        """Set the number of members of a room; crossing `full_members` changes the levels of its subscribers."""
        subscribers = self.rooms.get(number)
        if subscribers is None:
            return
        before = subscribers.resize(members)
        if (before <= self.full_members) != (members <= self.full_members) and not subscribers.is_channel:
            for subscriber in list(subscribers.connections()):
                self.update_level(subscriber, number)

    def level(self, subscriber: Subscriber, subscribers: RoomSubscribers) -> Level:
        """Return the level (protocol.md "Levels"). A mute that ran out counts until the next change of mode."""
        number, subscriptions = subscribers.number, subscriber.subscriptions
        if number in subscriptions.muted and subscriber.mode == "background":
            return "none"
        everything = subscribers.members <= self.full_members or number in subscriptions.focus
        return "full" if everything and not subscribers.is_channel else "head"
