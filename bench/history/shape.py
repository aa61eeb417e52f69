"""The content of a made-up database, computed from its size and a seed: rooms, members, messages, read marks. Pure.

Nothing is remembered for each message, so that ten million of them fit, and that any of them can be told again
when it is read back.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from math import gcd

from bench.engine.script import Script, Texts

RUN = "hist"  # of the script: users are hist-0, hist-1, ...
YEAR_MS = 365 * 24 * 3600 * 1000
COMMIT_MS = 100  # what is said within one tick was committed together

HEAVY_USERS = 20  # who are in very many rooms
HEAVY_ROOMS = 500
_DIRECT_PART = 0.4
_SIZES = ((0.55, 3, 10), (0.9, 11, 30), (1.0, 31, 100))  # of groups: up to that part of them, so many members
_LONG_TAIL = 0.8  # exponent of how messages spread: the liveliest hundredth of the rooms has a sixth of them
_BEHIND_MAX = 60  # messages a member has not read


@dataclass(frozen=True)
class Member:
    """One member of a made-up room. `read_ordinal` 0: has read nothing."""

    user: str
    role: str
    read_ordinal: int
    own_unread: int
    own_last: int  # ordinal of their last message, 0 for none


@dataclass(frozen=True)
class Room:
    """A room: its first event made it, all others are messages, so ordinal and seq differ by one."""

    number: int
    kind: str
    users: tuple[str, ...]
    messages: int
    created_at: int
    closed_at: int  # the time of the last message at the latest

    @property
    def name(self) -> str:
        return f"{self.kind[0]}{self.number:011d}"

    def author(self, ordinal: int) -> str:
        return self.users[(ordinal - 1) % len(self.users)]

    def time(self, ordinal: int) -> int:
        """When a message was committed; 0 is the making of the room."""
        return self.created_at + (self.closed_at - self.created_at) * ordinal // (self.messages + 1)

    def key(self, ordinal: int) -> str:
        """The idempotency key of a message: 22 characters that rise with time, as UUIDv7 does."""
        return f"{self.time(ordinal):011x}{self.number * 2_654_435_761 + ordinal & 0xFFFFFFFFFFF:011x}"

    def own(self, place: int, ordinal: int) -> int:
        return (ordinal - place + len(self.users) - 1) // len(self.users)


@dataclass(frozen=True)
class Shape:
    """The size of a database and everything in it. `end_ms`: nothing is younger."""

    messages: int
    rooms: int
    users: int
    end_ms: int
    seed: int = 1

    def __post_init__(self) -> None:
        needed = 2 * self.directs + HEAVY_USERS
        if self.rooms < 2 or self.users < needed or self.messages < 1:
            text = f"{self.rooms:,} rooms need {needed:,} users, two rooms and one message at least"
            raise ValueError(text)

    @property
    def script(self) -> Script:
        return Script(RUN, self.seed)

    @property
    def directs(self) -> int:
        """How many rooms are direct ones; in the i-th of them talk users 2i and 2i + 1."""
        return max(1, int(self.rooms * _DIRECT_PART))

    @property
    def begin_ms(self) -> int:
        return self.end_ms - YEAR_MS

    @cached_property
    def texts(self) -> Texts:
        return self.script.texts()

    def text(self, room: Room, ordinal: int) -> str:
        return self.texts.of(room.number, ordinal)

    def stamp(self, time_ms: int) -> int:
        return (time_ms - self.begin_ms) // COMMIT_MS + 1

    def heavy(self, place: int) -> int:
        """The number of a user who is in up to HEAVY_ROOMS groups."""
        return self.users - 1 - place

    def direct_number(self, place: int) -> int:
        """The room number of the i-th direct room; the first few of them are spread over all rooms already."""
        return 1 + place * self._stride % self.directs * self.rooms // self.directs

    @cached_property
    def _stride(self) -> int:
        """About the golden part of the direct rooms, and coprime to them, so that each is met once."""
        stride = max(1, int(self.directs * 0.618))
        while gcd(stride, self.directs) > 1:
            stride += 1
        return stride

    @cached_property
    def all_rooms(self) -> list[Room]:
        chance = random.Random(self.seed)
        shares = self._shares(chance)
        places = {self.direct_number(place): place for place in range(self.directs)}
        groups = [number for number in range(1, self.rooms + 1) if number not in places]
        heavy = self._heavy_members(groups, chance)
        return [
            self._room(number, places.get(number), shares[number - 1], heavy.get(number, []), chance)
            for number in range(1, self.rooms + 1)
        ]

    def members(self, room: Room) -> Iterator[Member]:
        chance = random.Random(room.number * 31 + self.seed)
        for place, user in enumerate(room.users):
            read = max(0, room.messages - chance.randrange(_BEHIND_MAX))
            own, own_read = room.own(place, room.messages), room.own(place, read)
            role = "owner" if place == 0 and room.kind == "group" else "member"
            last = place + 1 + (own - 1) * len(room.users) if own else 0
            yield Member(user, role, read, own - own_read, last)

    def _room(
        self, number: int, direct: int | None, messages: int, heavy: list[int], chance: random.Random
    ) -> Room:
        created = self.begin_ms + chance.randrange(YEAR_MS // 2)
        closed = self.end_ms - chance.randrange(YEAR_MS // 50)
        if direct is not None:
            numbers = [2 * direct, 2 * direct + 1]
        else:
            numbers = list(dict.fromkeys([*heavy, *self._crowd(chance)]))[:100]
        users = tuple(map(self.script.user, numbers))
        return Room(number, "group" if direct is None else "direct", users, messages, created, closed)

    def _crowd(self, chance: random.Random) -> list[int]:
        kind = chance.random()
        low, high = next((low, high) for part, low, high in _SIZES if kind <= part)
        return [chance.randrange(self.users - HEAVY_USERS) for _ in range(chance.randint(low, high))]

    def _heavy_members(self, groups: list[int], chance: random.Random) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for place in range(HEAVY_USERS):
            for number in chance.sample(groups, min(HEAVY_ROOMS, len(groups))):
                found.setdefault(number, []).append(self.heavy(place))
        return found

    def _shares(self, chance: random.Random) -> list[int]:
        """How many messages each room has; they add up exactly."""
        weights = [(rank + 20) ** -_LONG_TAIL for rank in range(self.rooms)]
        chance.shuffle(weights)
        sums = list(accumulate(weights, initial=0.0))
        ends = [round(self.messages * place / sums[-1]) for place in sums]
        return [end - start for start, end in pairwise(ends)]
