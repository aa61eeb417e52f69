"""Who is in which room, and how much each room says while everybody is away. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cached_property

SIZE_MAX = 20  # members of a room, besides its author: the usual group of people who know each other


@dataclass(frozen=True)
class Crowd:
    """`clients` people with `rooms_each` rooms, who will each have missed about `missed` messages."""

    clients: int
    rooms_each: int
    missed: int
    seed: int = 1

    def __post_init__(self) -> None:
        if self.clients < 1 or self.rooms_each < 1 or self.missed < 0:
            raise ValueError("reconnect needs at least one client and one room each")

    @property
    def size(self) -> int:
        """Clients in each room: the largest number that divides them."""
        return next(size for size in range(min(SIZE_MAX, self.clients), 0, -1) if self.clients % size == 0)

    @property
    def rooms(self) -> int:
        """How many rooms there are."""
        return self.clients * self.rooms_each // self.size

    @cached_property
    def rooms_of(self) -> list[list[int]]:
        """The rooms of each client: everybody is in rooms with different people."""
        chance = random.Random(self.seed)
        found: list[list[int]] = []
        for _ in range(self.size):
            shuffled = list(range(self.rooms))
            chance.shuffle(shuffled)
            found += [shuffled[at : at + self.rooms_each] for at in range(0, self.rooms, self.rooms_each)]
        return found

    @cached_property
    def clients_of(self) -> list[list[int]]:
        """The clients of each room."""
        found: list[list[int]] = [[] for _ in range(self.rooms)]
        for client, rooms in enumerate(self.rooms_of):
            for room in rooms:
                found[room].append(client)
        return found

    def said(self, room: int) -> int:
        """How many messages a room says while its people are away; `missed` for each client on average."""
        place = room % self.rooms_each
        return self.missed * (place + 1) // self.rooms_each - self.missed * place // self.rooms_each
