"""The devices of direct rooms: pairs of people who write to each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.engine.author import Author
from bench.engine.device import Device
from bench.engine.pacer import pace
from bench.engine.part import Moves, Part
from bench.engine.pump import Pump
from bench.engine.stage import Report, Stage


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

    def complete(self) -> bool:
        """All are answered, and everybody has what the other said."""
        return all(
            author.done and partner.done and author.witness.applied == partner.witness.applied
            for author, partner in self._partners
        )

    def moves(self) -> Moves:
        """Messages sent, acknowledged and delivered so far."""
        acked = sum(author.acked for author in self._authors)
        delivered = sum(author.received for author in self._authors)
        return sum(author.sent for author in self._authors), acked, delivered

    def report(self) -> Report:
        """What everybody heard and said."""
        stage, authors = self.stage, self._authors
        heard = [author.heard() for author in authors]
        return Report(
            stage.record, stage.tally, heard, [author.said() for author in authors], stage.gate.failures
        )
