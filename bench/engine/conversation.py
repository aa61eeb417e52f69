"""The devices of rooms in which people write: pairs of them, and a group of few authors and many subscribers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.client.device import Device
from bench.client.fast_subscriber import FastSubscriber, RoomStream
from bench.client.subscriber import Author
from bench.engine.pacing import pace
from bench.engine.role import Moves, Role
from bench.engine.run_state import Heard, Report, RunState, Said


class Conversation(Role):
    """One process's share of the authors. `rooms` has the room of each author of all processes."""

    def __init__(self, state: RunState, rooms: Sequence[str], mine: Iterable[int]) -> None:
        super().__init__(state)
        self.authors = {number: Author(state, number, rooms[number]) for number in mine}
        self._count = len(rooms)

    def begin(self, start_ns: int) -> None:
        pace(self.state, list(map(self.authors.get, range(self._count))), start_ns)

    def answered(self) -> bool:
        return all(author.sender.done for author in self.authors.values())

    def said(self) -> list[Said]:
        return [author.said() for author in self.authors.values()]

    def delivered(self) -> int:
        return sum(author.received for author in self.authors.values())

    def moves(self) -> Moves:
        said = self.said()
        return sum(one.sent for one in said), sum(one.acked for one in said), self.delivered()


@dataclass(frozen=True)
class Pairs:
    """The rooms; in room number i talk users 2i and 2i + 1."""

    rooms: tuple[str, ...]


class Direct(Conversation):
    """One process's share of the pairs; both of a pair are in the same process."""

    def __init__(self, state: RunState, pairs: Pairs) -> None:
        mine = state.mine(range(len(pairs.rooms)))
        numbers = (number for place in mine for number in (2 * place, 2 * place + 1))
        super().__init__(state, [room for room in pairs.rooms for _ in range(2)], numbers)
        self._partners = [(self.authors[2 * place], self.authors[2 * place + 1]) for place in mine]

    def devices(self) -> Iterable[Device]:
        return self.authors.values()

    def complete(self, said: Sequence[Said]) -> bool:
        return not any(author.checker.gap for author in self.authors.values()) and all(
            one.checker.applied == other.checker.applied for one, other in self._partners
        )

    def report(self) -> Report:
        return self.state.report([author.heard() for author in self.authors.values()], self.said())


@dataclass(frozen=True)
class Group:
    """One group: the first `authors` of its members write. Raises ValueError when there are not so many."""

    room: str
    members: int
    authors: int

    def __post_init__(self) -> None:
        if not 1 <= self.authors <= self.members:
            raise ValueError(f"{self.authors} senders are not among {self.members} members")


class Fanout(Conversation):
    """One process's share of a group."""

    def __init__(self, state: RunState, group: Group) -> None:
        super().__init__(state, [group.room] * group.authors, state.mine(range(group.authors)))
        self._room = room = RoomStream(state, group.room)
        listening = state.mine(range(group.authors, group.members))
        self._members = [FastSubscriber(state, number, room) for number in listening]

    def devices(self) -> Iterable[Device]:
        """Return the members first: an author's hello is the last thing before the clock."""
        return [*self._members, *self.authors.values()]

    def complete(self, said: Sequence[Said]) -> bool:
        authors = self.authors.values()
        if any(author.checker.gap for author in authors) or not all(one.in_step for one in self._members):
            return False
        receivers = [*self._members[:1], *authors]
        return all(one.heard().counts[author.author] >= author.acked for one in receivers for author in said)

    def delivered(self) -> int:
        return self._room.stream.arrivals

    def report(self) -> Report:
        self._room.stream.settle()
        heard: dict[tuple[object, ...], Heard] = {}
        for receiver in (*self._members, *self.authors.values()):
            one = receiver.heard()
            same = heard.setdefault((one.gaps, *sorted(one.counts.items())), one)
            if same is not one:
                same.receivers += 1
        return self.state.report([*heard.values()], self.said())
