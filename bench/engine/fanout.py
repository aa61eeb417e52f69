"""The devices of a fan-out: a few authors and many members, all with the same one group on the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.engine.author import Author
from bench.engine.device import Device
from bench.engine.member import Member, Room
from bench.engine.pacer import pace
from bench.engine.part import Moves, Part
from bench.engine.pump import Pump
from bench.engine.stage import Heard, Report, Said, Stage


@dataclass(frozen=True)
class Group:
    """One group: the first `authors` of its members write. Raises ValueError when there are not so many."""

    room: str
    members: int
    authors: int

    def __post_init__(self) -> None:
        if not 1 <= self.authors <= self.members:
            raise ValueError(f"{self.authors} senders are not among {self.members} members")


class Fanout(Part):
    """One process's share of a group."""

    def __init__(self, pump: Pump, stage: Stage, group: Group) -> None:
        super().__init__(pump, stage)
        self._group = group
        self._room = Room(stage, group.room)
        writing, listening = range(group.authors), range(group.authors, group.members)
        self._authors = [Author(pump, stage, number, group.room) for number in stage.mine(writing)]
        self._members = [Member(pump, stage, number, self._room) for number in stage.mine(listening)]

    def devices(self) -> Iterable[Device]:
        """Members first: an author's hello is the last thing before the clock."""
        yield from self._members
        yield from self._authors

    def begin(self, start_ns: int) -> None:
        """Authors write in turn, or all the time."""
        everybody = [self._author(number) for number in range(self._group.authors)]
        pace(self.pump, self.stage, everybody, start_ns)

    def answered(self) -> bool:
        """All authors are answered."""
        return all(author.done for author in self._authors)

    def said(self) -> list[Said]:
        """What the authors here have said."""
        return [author.said() for author in self._authors]

    def complete(self, said: Sequence[Said]) -> bool:
        """Everybody has everything that was acknowledged."""
        hearers = [*self._members[:1], *self._authors]
        whole = all(member.in_step for member in self._members) and not any(
            author.witness.gap for author in self._authors
        )
        return whole and all(
            hearer.heard().counts[one.author] >= one.acked for hearer in hearers for one in said
        )

    def moves(self) -> Moves:
        """Messages sent, acknowledged and delivered so far."""
        stream = self._room.stream
        sent = sum(author.sent for author in self._authors)
        acked = sum(author.acked for author in self._authors)
        return sent, acked, stream.arrivals

    def report(self) -> Report:
        """Members who have the same are told as one."""
        self._room.stream.settle()
        stage = self.stage
        heard: dict[tuple[object, ...], Heard] = {}
        for hearer in (*self._members, *self._authors):
            one = hearer.heard()
            same = heard.setdefault((one.gaps, *sorted(one.counts.items())), one)
            if same is not one:
                same.receivers += 1
        return Report(stage.record, stage.tally, list(heard.values()), self.said(), stage.gate.failures)

    def _author(self, number: int) -> Author | None:
        mine = self.stage.mine(range(self._group.authors))
        return self._authors[mine.index(number)] if number in mine else None
