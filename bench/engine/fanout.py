"""The devices of a fan-out: a few authors and many subscribers, all with the same one group on the screen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.client.device import Device
from bench.client.fast_subscriber import FastSubscriber, RoomStream
from bench.client.subscriber import Author
from bench.engine.pacing import pace
from bench.engine.role import Moves, Role
from bench.engine.run_state import Heard, Report, RunState, Said


@dataclass(frozen=True)
class Group:
    """One group: the first `authors` of its members write. Raises ValueError when there are not so many."""

    room: str
    members: int
    authors: int

    def __post_init__(self) -> None:
        if not 1 <= self.authors <= self.members:
            raise ValueError(f"{self.authors} senders are not among {self.members} members")


class Fanout(Role):
    """One process's share of a group."""

    def __init__(self, state: RunState, group: Group) -> None:
        super().__init__(state)
        self._room = room = RoomStream(state, group.room)
        self._turn: list[Author | None] = [None] * group.authors
        for number in state.mine(range(group.authors)):
            self._turn[number] = Author(state, number, group.room)
        self._authors = [author for author in self._turn if author is not None]
        listening = state.mine(range(group.authors, group.members))
        self._members = [FastSubscriber(state, number, room) for number in listening]

    def devices(self) -> Iterable[Device]:
        yield from self._members
        yield from self._authors

    def begin(self, start_ns: int) -> None:
        pace(self.state, self._turn, start_ns)

    def answered(self) -> bool:
        return all(author.sender.done for author in self._authors)

    def said(self) -> list[Said]:
        return [author.said() for author in self._authors]

    def complete(self, said: Sequence[Said]) -> bool:
        if any(author.checker.gap for author in self._authors) or not all(
            one.in_step for one in self._members
        ):
            return False
        hearers = [*self._members[:1], *self._authors]
        return all(hearer.heard().counts[one.author] >= one.acked for hearer in hearers for one in said)

    def moves(self) -> Moves:
        senders = [author.sender for author in self._authors]
        acked = sum(sender.acked for sender in senders)
        return sum(sender.said for sender in senders), acked, self._room.stream.arrivals

    def report(self) -> Report:
        self._room.stream.settle()
        heard: dict[tuple[object, ...], Heard] = {}
        for hearer in (*self._members, *self._authors):
            one = hearer.heard()
            same = heard.setdefault((one.gaps, *sorted(one.counts.items())), one)
            if same is not one:
                same.receivers += 1
        return self.state.report([*heard.values()], self.said())
