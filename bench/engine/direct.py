"""The devices of direct rooms: pairs of people who write to each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.engine.author import Author
from bench.engine.device import Device
from bench.engine.pacer import pace
from bench.engine.part import Moves, Part
from bench.engine.pump import Pump
from bench.engine.stage import Report, Said, Stage


@dataclass(frozen=True)
class Pairs:
    """The rooms; in room number i talk users 2i and 2i + 1."""

    rooms: tuple[str, ...]


class Direct(Part):
    """One process's share of the pairs; both of a pair are in the same process."""

    def __init__(self, pump: Pump, stage: Stage, pairs: Pairs) -> None:
        super().__init__(pump, stage)
        self._turn: list[Author | None] = []
        mine = set(stage.mine(range(len(pairs.rooms))))
        for place, room in enumerate(pairs.rooms):
            for number in (2 * place, 2 * place + 1):
                self._turn.append(Author(pump, stage, number, room) if place in mine else None)
        self._authors = [author for author in self._turn if author is not None]
        self._partners = list(zip(self._authors[::2], self._authors[1::2], strict=True))

    def devices(self) -> Iterable[Device]:
        """Everybody."""
        return self._authors

    def begin(self, start_ns: int) -> None:
        """All write in turn, or all the time."""
        pace(self.pump, self.stage, self._turn, start_ns)

    def answered(self) -> bool:
        """All are answered."""
        return all(author.done for author in self._authors)

    def said(self) -> list[Said]:
        """What everybody here has said."""
        return [author.said() for author in self._authors]

    def complete(self, said: Sequence[Said]) -> bool:
        """Everybody has what the other said."""
        return not any(author.witness.gap for author in self._authors) and all(
            one.witness.applied == other.witness.applied for one, other in self._partners
        )

    def moves(self) -> Moves:
        """Messages sent, acknowledged and delivered so far."""
        acked = sum(author.acked for author in self._authors)
        delivered = sum(author.received for author in self._authors)
        return sum(author.sent for author in self._authors), acked, delivered

    def report(self) -> Report:
        """What everybody heard and said."""
        stage = self.stage
        heard = [author.heard() for author in self._authors]
        return Report(stage.record, stage.tally, heard, self.said(), stage.gate.failures)
