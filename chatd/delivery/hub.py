"""Who is connected and listens to what: sessions by user, subscribers by room. Nothing is sent here."""

from collections.abc import Iterator
from typing import Any, Literal, Protocol

from chatd.core.deadlines import Deadlines
from chatd.delivery.recent_commits import RecentCommits
from chatd.protocol import close_codes
from chatd.protocol.objects import Mode

Level = Literal["full", "head", "none"]

NEVER = float("-inf")

ENCODINGS = 3  # msgpack, json, msgpack with deflate: one encoding of a push each


class PushQueue(Protocol):
    """What waits for one connection (delivery/outbox.py has the contract)."""

    @property
    def flowing(self) -> bool: ...

    @property
    def queued_bytes(self) -> int: ...

    def send(self, frame: bytes) -> None: ...

    def acked(self, room: str, seq: int, ordinal: int) -> None: ...

    def send_event(self, frame: bytes, room: str, seq: int, ordinal: int) -> None: ...

    def send_head(self, room: str, seq: int, ordinal: int) -> None: ...

    def send_ephemeral(self, frame: bytes) -> None: ...

    def cork(self) -> None: ...

    def uncork(self) -> None: ...

    def leave(self, room: str) -> None: ...


class TokenRights(Protocol):
    """What the token of a connection says: the words it allows, and the device it is bound to."""

    @property
    def allow(self) -> frozenset[str]: ...

    @property
    def device(self) -> str | None: ...


class Subscriber(Protocol):
    """One connection, as the hub and the fan-out know it."""

    user: str
    device: str
    encoding: int
    mode: Mode
    receipts: bool  # shows own and sees others' receipts
    rooms: "dict[int, RoomSubscribers]"  # the rooms it is subscribed to, by number
    focus: frozenset[int]  # numbers of the rooms on screen
    muted: dict[int, int]  # muted_until by room number, unmuted rooms left out
    left_rooms: set[int] | None  # rooms left while the connection is being attached, None when it is
    deadlines: Deadlines
    turn: int  # of its hello among all: the newest connection of a device is the one that stays
    newest: dict[type, Any]  # the newest focus and watch: an older one that took longer must not win

    @property
    def claims(self) -> TokenRights: ...

    @property
    def outbox(self) -> PushQueue: ...

    def push(self, packet: Any) -> None:
        """Send a packet, or one encoded for several, that must not be lost while the connection lives."""

    def close(self, code: int, *, retry_after: int | None = None) -> None:
        """`bye`, then the close frame."""


SubscriberGroup = dict[Subscriber, None]
"""Connections of one level, in the order they came."""

NO_SUBSCRIBERS: SubscriberGroup = {}  # never written to: what a level is that nobody has, as most are in most rooms


class RoomSubscribers:
    """The live connections of one room, by delivery level (protocol.md "Levels").

    `full`: those who get every event, by variant.
    """

    __slots__ = ("full", "head", "heads_at", "heads_due", "members", "name", "none", "number")

    def __init__(self, number: int, name: str, members: int) -> None:
        self.number = number
        self.name = name
        self.members = members
        self.full: list[SubscriberGroup] = [NO_SUBSCRIBERS] * ENCODINGS
        self.head = NO_SUBSCRIBERS
        self.none = NO_SUBSCRIBERS
        self.heads_at = NEVER  # when the last `head` went out
        self.heads_due = False  # one is scheduled

    @property
    def focused(self) -> list[Subscriber]:
        """Those who have the room on screen."""
        return [subscriber for subscriber in self.connections() if self.number in subscriber.focus]

    def add(self, subscriber: Subscriber, level: Level) -> None:
        """Put `subscriber`, who is not subscribed here, at `level`."""
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

    @property
    def empty(self) -> bool:
        return not (any(self.full) or self.head or self.none)


def with_added(group: SubscriberGroup, subscriber: Subscriber) -> SubscriberGroup:
    """`group` with `subscriber` at its end: a group of its own once it has somebody."""
    if group is NO_SUBSCRIBERS:
        return {subscriber: None}
    group[subscriber] = None
    return group


class Hub:
    """All live connections of this process. `full_members`: largest room that is told every event unasked."""

    def __init__(self, full_members: int) -> None:
        self.full_members = full_members
        self.sessions: dict[str, dict[str, Subscriber]] = {}  # by user, then device
        self.rooms: dict[int, RoomSubscribers] = {}
        self.recent_commits = RecentCommits()
        self._turns = 0

    def next_turn(self) -> int:
        """The number of a hello that begins now; each is higher than all before."""
        self._turns += 1
        return self._turns

    def of(self, user: str) -> list[Subscriber]:
        """The connections of one user."""
        return list(self.sessions.get(user, {}).values())

    def readers_of(self, user: str) -> list[Subscriber]:
        """Those connections of one user that may be shown anything."""
        return [subscriber for subscriber in self.of(user) if "read" in subscriber.claims.allow]

    def ended_by(self, user: str, device: str, code: int) -> list[tuple[Subscriber, int]]:
        """The connections that a revocation of `device`, or of all when it is "", ends, each with its close code.

        Whoever came with a token that is bound to no device needs another one: it may be the one that was stolen.
        """
        return [
            (subscriber, code if device in ("", subscriber.device) else close_codes.TOKEN_INVALID)
            for subscriber in self.of(user)
            if device in ("", subscriber.device) or subscriber.claims.device is None
        ]

    def enter(self, subscriber: Subscriber) -> Subscriber | None:
        """Make `subscriber` the connection of its device; the one it replaces is returned."""
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
        for subscribers in subscriber.rooms.values():
            self._discard(subscriber, subscribers)
        subscriber.rooms.clear()
        subscriber.muted.clear()
        subscriber.focus = frozenset()

    def subscribers_of(self, number: int, name: str, members: int) -> RoomSubscribers:
        subscribers = self.rooms.get(number)
        if subscribers is None:
            subscribers = self.rooms[number] = RoomSubscribers(number, name, members)
        return subscribers

    def subscribe(
        self, subscriber: Subscriber, number: int, name: str, members: int, muted_until: int
    ) -> None:
        """Subscribe a connection to a room it is a member of."""
        if number in subscriber.rooms:
            self.mute(subscriber, number, muted_until)
            return
        subscribers = subscriber.rooms[number] = self.subscribers_of(number, name, members)
        if muted_until:
            subscriber.muted[number] = muted_until
        subscribers.add(subscriber, self.level(subscriber, subscribers))

    def unsubscribe(self, subscriber: Subscriber, number: int) -> None:
        """Take a connection out of a room; it hears nothing of it from here on."""
        subscribers = subscriber.rooms.pop(number, None)
        subscriber.muted.pop(number, None)
        subscriber.focus -= {number}
        if subscribers is not None:
            self._discard(subscriber, subscribers)

    def _discard(self, subscriber: Subscriber, subscribers: RoomSubscribers) -> None:
        """Unsubscribe it; a room without subscribers is forgotten."""
        subscribers.discard(subscriber)
        if subscribers.empty:
            self.rooms.pop(subscribers.number, None)

    def mute(self, subscriber: Subscriber, number: int, muted_until: int) -> None:
        if muted_until:
            subscriber.muted[number] = muted_until
        else:
            subscriber.muted.pop(number, None)
        self.update_level(subscriber, number)

    def set_focus(self, subscriber: Subscriber, numbers: frozenset[int]) -> None:
        """Replace the set of rooms on screen."""
        before = subscriber.focus
        subscriber.focus = numbers
        for number in before ^ numbers:
            if number in subscriber.rooms:
                self.update_level(subscriber, number)

    def update_level(self, subscriber: Subscriber, number: int) -> None:
        """Bring the level in step with focus, mode, muting and the size of the room."""
        subscribers = subscriber.rooms[number]
        subscribers.discard(subscriber)
        subscribers.add(subscriber, self.level(subscriber, subscribers))

    def mode_changed(self, subscriber: Subscriber) -> None:
        """Update the levels of a connection whose mode changed: only muted rooms differ."""
        for number in subscriber.muted:
            if number in subscriber.rooms:
                self.update_level(subscriber, number)

    def resize(self, number: int, members: int) -> None:
        """The room has `members` members now; crossing the mark moves everybody's level."""
        subscribers = self.rooms.get(number)
        if subscribers is None:
            return
        before, subscribers.members = subscribers.members, members
        if (before <= self.full_members) != (members <= self.full_members):
            for subscriber in list(subscribers.connections()):
                self.update_level(subscriber, number)

    def level(self, subscriber: Subscriber, subscribers: RoomSubscribers) -> Level:
        """The table of protocol.md; a mute that has run out is noticed when the mode next changes."""
        if subscriber.mode == "background" and subscribers.number in subscriber.muted:
            return "none"
        if subscribers.number in subscriber.focus or subscribers.members <= self.full_members:
            return "full"
        return "head"
