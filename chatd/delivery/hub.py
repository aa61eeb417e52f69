"""Who is connected and listens to what: sessions by user, audiences by room. Bookkeeping only, nothing is sent here."""

from collections.abc import Iterator
from typing import Any, Literal, Protocol

from chatd.core.deadlines import Vitals
from chatd.delivery.recent_commits import Recent
from chatd.protocol import close_codes
from chatd.protocol.objects import Mode

Level = Literal["full", "head", "none"]

NEVER = float("-inf")

VARIANTS = 3  # msgpack, json, msgpack with deflate: one encoding of a push each


class Queue(Protocol):
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


class Rights(Protocol):
    """What the token of a connection says: the words it allows, and the device it is bound to."""

    @property
    def allow(self) -> frozenset[str]: ...

    @property
    def device(self) -> str | None: ...


class Listener(Protocol):
    """One connection, as audiences and the fan-out know it."""

    user: str
    device: str
    variant: int
    mode: Mode
    receipts: bool  # shows own and sees others' receipts
    rooms: "dict[int, Audience]"  # audiences it sits in, by room number
    focus: frozenset[int]  # numbers of the rooms on screen
    muted: dict[int, int]  # muted_until by room number, unmuted rooms left out
    departed: set[int] | None  # rooms left while the connection is being attached, None when it is
    vitals: Vitals
    turn: int  # of its hello among all: the newest connection of a device is the one that stays
    newest: dict[type, Any]  # the newest focus and watch: an older one that took longer must not win

    @property
    def claims(self) -> Rights: ...

    @property
    def outbox(self) -> Queue: ...

    def push(self, packet: Any) -> None:
        """Send a packet, or one encoded for several, that must not be lost while the connection lives."""

    def close(self, code: int, *, retry_after: int | None = None) -> None:
        """`bye`, then the close frame."""


Group = dict[Listener, None]
"""Connections of one level, in the order they came."""

NOBODY: Group = {}  # never written to: what a level is that nobody has, as most are in most rooms


class Audience:
    """The live connections of one room, by delivery level (protocol.md 7.6).

    `full`: those who get every event, by variant.
    """

    __slots__ = ("full", "head", "heads_at", "heads_due", "members", "name", "none", "number")

    def __init__(self, number: int, name: str, members: int) -> None:
        self.number = number
        self.name = name
        self.members = members
        self.full: list[Group] = [NOBODY] * VARIANTS
        self.head = NOBODY
        self.none = NOBODY
        self.heads_at = NEVER  # when the last `head` went out
        self.heads_due = False  # one is scheduled

    @property
    def focused(self) -> list[Listener]:
        """Those who have the room on screen."""
        return [listener for listener in self.listeners() if self.number in listener.focus]

    def seat(self, listener: Listener, level: Level) -> None:
        """Put `listener`, who has no seat here, at `level`."""
        if level == "full":
            self.full[listener.variant] = joined(self.full[listener.variant], listener)
        elif level == "head":
            self.head = joined(self.head, listener)
        else:
            self.none = joined(self.none, listener)

    def unseat(self, listener: Listener) -> None:
        """Take his seat from `listener`, wherever it is."""
        for group in (self.full[listener.variant], self.head, self.none):
            if listener in group:
                del group[listener]
                return

    def listeners(self) -> Iterator[Listener]:
        for group in (*self.full, self.head, self.none):
            yield from group

    @property
    def empty(self) -> bool:
        return not (any(self.full) or self.head or self.none)


def joined(group: Group, listener: Listener) -> Group:
    """`group` with `listener` at its end: a group of its own once it has somebody."""
    if group is NOBODY:
        return {listener: None}
    group[listener] = None
    return group


class Live:
    """All live connections of this process. `full_members`: largest room that is told every event unasked."""

    def __init__(self, full_members: int) -> None:
        self.full_members = full_members
        self.sessions: dict[str, dict[str, Listener]] = {}  # by user, then device
        self.audiences: dict[int, Audience] = {}
        self.recent = Recent()
        self._turns = 0

    def next_turn(self) -> int:
        """The number of a hello that begins now; each is higher than all before."""
        self._turns += 1
        return self._turns

    def of(self, user: str) -> list[Listener]:
        """The connections of one user."""
        return list(self.sessions.get(user, {}).values())

    def hearing(self, user: str) -> list[Listener]:
        """Those connections of one user that may be shown anything."""
        return [listener for listener in self.of(user) if "read" in listener.claims.allow]

    def ended_by(self, user: str, device: str, code: int) -> list[tuple[Listener, int]]:
        """The connections that a revocation of `device`, or of all when it is "", ends, each with its close code.

        Whoever came with a token that is bound to no device needs another one: it may be the one that was stolen.
        """
        return [
            (listener, code if device in ("", listener.device) else close_codes.TOKEN_INVALID)
            for listener in self.of(user)
            if device in ("", listener.device) or listener.claims.device is None
        ]

    def enter(self, listener: Listener) -> Listener | None:
        """Make `listener` the connection of its device; the one it replaces is returned."""
        devices = self.sessions.setdefault(listener.user, {})
        before = devices.get(listener.device)
        devices[listener.device] = listener
        return before

    def exit(self, listener: Listener) -> None:
        """Forget a connection and all its seats."""
        devices = self.sessions.get(listener.user)
        if devices is not None and devices.get(listener.device) is listener:
            del devices[listener.device]
            if not devices:
                del self.sessions[listener.user]
        for audience in listener.rooms.values():
            self._unseat(listener, audience)
        listener.rooms.clear()
        listener.muted.clear()
        listener.focus = frozenset()

    def audience(self, number: int, name: str, members: int) -> Audience:
        audience = self.audiences.get(number)
        if audience is None:
            audience = self.audiences[number] = Audience(number, name, members)
        return audience

    def attach(self, listener: Listener, number: int, name: str, members: int, muted_until: int) -> None:
        """Seat a connection in a room it is a member of."""
        if number in listener.rooms:
            self.mute(listener, number, muted_until)
            return
        audience = listener.rooms[number] = self.audience(number, name, members)
        if muted_until:
            listener.muted[number] = muted_until
        audience.seat(listener, self.level(listener, audience))

    def detach(self, listener: Listener, number: int) -> None:
        """Take a connection out of a room; it hears nothing of it from here on."""
        audience = listener.rooms.pop(number, None)
        listener.muted.pop(number, None)
        listener.focus -= {number}
        if audience is not None:
            self._unseat(listener, audience)

    def _unseat(self, listener: Listener, audience: Audience) -> None:
        """Take its seat; an audience without listeners is forgotten."""
        audience.unseat(listener)
        if audience.empty:
            self.audiences.pop(audience.number, None)

    def mute(self, listener: Listener, number: int, muted_until: int) -> None:
        if muted_until:
            listener.muted[number] = muted_until
        else:
            listener.muted.pop(number, None)
        self.reseat(listener, number)

    def refocus(self, listener: Listener, numbers: frozenset[int]) -> None:
        """Replace the set of rooms on screen."""
        before = listener.focus
        listener.focus = numbers
        for number in before ^ numbers:
            if number in listener.rooms:
                self.reseat(listener, number)

    def reseat(self, listener: Listener, number: int) -> None:
        """Bring the seat in step with focus, mode, muting and the size of the room."""
        audience = listener.rooms[number]
        audience.unseat(listener)
        audience.seat(listener, self.level(listener, audience))

    def remode(self, listener: Listener) -> None:
        """Reseat a connection whose mode changed: only muted rooms differ."""
        for number in listener.muted:
            if number in listener.rooms:
                self.reseat(listener, number)

    def resize(self, number: int, members: int) -> None:
        """The room has `members` members now; crossing the mark moves everybody's level."""
        audience = self.audiences.get(number)
        if audience is None:
            return
        before, audience.members = audience.members, members
        if (before <= self.full_members) != (members <= self.full_members):
            for listener in list(audience.listeners()):
                self.reseat(listener, number)

    def level(self, listener: Listener, audience: Audience) -> Level:
        """The table of protocol.md; a mute that has run out is noticed when the mode next changes."""
        if listener.mode == "background" and audience.number in listener.muted:
            return "none"
        if audience.number in listener.focus or audience.members <= self.full_members:
            return "full"
        return "head"
