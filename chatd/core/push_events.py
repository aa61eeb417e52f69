"""The events of a room of which somebody may be told, and the one of several that a notification is about. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from chatd.protocol.messages import EVERYBODY

Topic = Literal["message", "reaction"]


class PushEvent(NamedTuple):
    """One event. `time`: Unix ms. `stamp`: of its commit.

    `users`: whom it is about: the author of the message that was reacted to. `mentions`: for whom a message counted as
    one, or EVERYBODY. `ignored`: those for whom it counted nothing.
    """

    seq: int
    topic: Topic
    author: str
    time: int
    stamp: int
    mentions: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    emoji: str = ""
    is_recalled: bool = False

    def names(self, user: str) -> bool:
        return user in self.mentions

    @property
    def is_for_all(self) -> bool:
        return EVERYBODY in self.mentions

    def concerns(self, user: str) -> bool:
        """Whether `user` may be told of it, as far as the event itself says."""
        if self.author == user or user in self.ignored or self.is_recalled:
            return False
        return self.topic == "message" or user in self.users


class Choice(NamedTuple):
    """The event that a notification is about: the newest that names the user, else one that names everybody, else any.

    `messages`, `named`: how many it stands for, and how many of them name the user, or everybody.
    """

    event: PushEvent
    messages: int
    named: int


def choose(events: Iterable[PushEvent], user: str, after: int) -> Choice | None:
    """Return the event to tell `user` of; None when none behind `after` concerns them."""
    chosen: PushEvent | None = None
    messages = named = 0
    for event in events:
        if event.seq <= after or not event.concerns(user):
            continue
        messages += 1
        named += event.names(user) or event.is_for_all
        if chosen is None or rank(event, user) > rank(chosen, user):
            chosen = event
    return None if chosen is None else Choice(chosen, messages, named)


def rank(event: PushEvent, user: str) -> tuple[bool, bool, int]:
    return event.names(user), event.is_for_all, event.seq


class PlannedEvents:
    """The events of one plan. For hundreds of members, each look costs the same however many events there are."""

    def __init__(self, events: Sequence[PushEvent]) -> None:
        newest_first = sorted(events, key=lambda event: -event.seq)
        self.messages = [event for event in newest_first if event.topic == "message"]
        self._rest: dict[str, list[PushEvent]] = {}
        self._naming: dict[str, list[PushEvent]] = {}
        for event in newest_first:
            for user in event.users:
                self._rest.setdefault(user, []).append(event)
            for user in event.mentions:
                self._naming.setdefault(user, []).append(event)

    @property
    def named(self) -> list[str]:
        """The users whom an event names or is about, in order."""
        return sorted((self._rest.keys() | self._naming.keys()) - {EVERYBODY})

    def of(self, user: str) -> Iterator[PushEvent]:
        """Yield the events to decide about for `user`, each topic by itself: of messages first the newest that names
        them, then the newest that names everybody, then the newest.
        """
        rest = self._rest.get(user, ())
        yield from first(event for event in rest if event.concerns(user))
        named: set[int] = set()
        for name in (user, EVERYBODY):
            for event in first(event for event in self._naming.get(name, ()) if event.concerns(user)):
                named.add(event.seq)
                yield event
        for event in first(event for event in self.messages if event.concerns(user)):
            if event.seq not in named:
                yield event


def first(events: Iterable[PushEvent]) -> Iterator[PushEvent]:
    """Yield the first of some, if there is one."""
    for event in events:
        yield event
        return
