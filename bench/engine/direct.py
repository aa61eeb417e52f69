"""The devices of direct rooms: pairs of people who write to each other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.client.device import Device
from bench.client.subscriber import Author
from bench.engine.pacing import pace
from bench.engine.role import Moves, Role
from bench.engine.run_state import Report, RunState, Said


@dataclass(frozen=True)
class Pairs:
    """The rooms; in room number i talk users 2i and 2i + 1."""

    rooms: tuple[str, ...]


class Direct(Role):
    """One process's share of the pairs; both of a pair are in the same process."""

    def __init__(self, state: RunState, pairs: Pairs) -> None:
        super().__init__(state)
        self._turn: list[Author | None] = [None] * (2 * len(pairs.rooms))
        for place in state.mine(range(len(pairs.rooms))):
            for number in (2 * place, 2 * place + 1):
                self._turn[number] = Author(state, number, pairs.rooms[place])
        self._authors = [author for author in self._turn if author is not None]
        self._partners = list(zip(self._authors[::2], self._authors[1::2], strict=True))

    def devices(self) -> Iterable[Device]:
        return self._authors

    def begin(self, start_ns: int) -> None:
        pace(self.state, self._turn, start_ns)

    def answered(self) -> bool:
        return all(author.sender.done for author in self._authors)

    def said(self) -> list[Said]:
        return [author.said() for author in self._authors]

    def complete(self, said: Sequence[Said]) -> bool:
        return not any(author.checker.gap for author in self._authors) and all(
            one.checker.applied == other.checker.applied for one, other in self._partners
        )

    def moves(self) -> Moves:
        senders = [author.sender for author in self._authors]
        acked, delivered = sum(one.acked for one in senders), sum(one.received for one in self._authors)
        return sum(sender.said for sender in senders), acked, delivered

    def report(self) -> Report:
        return self.state.report([author.heard() for author in self._authors], self.said())
