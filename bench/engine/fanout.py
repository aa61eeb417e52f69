"""The devices of a fan-out: a few authors and many members, all with the same one group on the screen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.engine.author import Author
from bench.engine.device import Device
from bench.engine.member import Member, Room
from bench.engine.pacer import pace
from bench.engine.part import Moves, Part
from bench.engine.pump import Pump
from bench.engine.stage import Heard, Report, Stage


@dataclass(frozen=True)
class Group:
    """One group: the first `authors` of its members write."""

    room: str
    members: int
    authors: int


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

    def complete(self) -> bool:
        """All authors are answered, and everybody has everything they said."""
        if not all(author.done for author in self._authors):
            return False
        acked = {author.number: author.acked for author in self._authors}
        hearers = [*self._authors, *self._members[:1]] if self._members else self._authors
        return all(member.in_step for member in self._members) and all(
            hearer.heard().counts[number] >= count for hearer in hearers for number, count in acked.items()
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
        heard: dict[tuple[tuple[int, int], ...], Heard] = {}
        for hearer in (*self._members, *self._authors):
            one = hearer.heard()
            same = heard.setdefault(tuple(sorted(one.counts.items())), one)
            if same is not one:
                same.receivers += 1
        said = [author.said() for author in self._authors]
        return Report(stage.record, stage.tally, list(heard.values()), said, stage.gate.failures)

    def _author(self, number: int) -> Author | None:
        mine = self.stage.mine(range(self._group.authors))
        return self._authors[mine.index(number)] if number in mine else None
