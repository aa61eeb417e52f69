"""Devices that come, and those that come and stay: connection rate and idle memory."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from bench.codec import Packet
from bench.engine.device import Device
from bench.engine.pacer import pace
from bench.engine.part import Moves, Part
from bench.engine.pump import Pump
from bench.engine.script import Letter
from bench.engine.stage import Report, Stage


class Newcomer(Device):
    """Says hello and reads his first sync to its end."""

    def __init__(self, pump: Pump, stage: Stage, number: int) -> None:
        user, device = stage.script.user(number), stage.script.device(number)
        super().__init__(pump, stage.access, stage.gate, stage.access.hello(user, device))
        self._rooms = 0

    def welcome(self, reply: Packet) -> None:
        """The hello is answered; its sync may have more pages."""
        self._page(reply["sync"])

    def synchronised(self, rooms: int) -> None:
        """All pages are read; so many rooms were on them."""

    def _page(self, page: Packet) -> None:
        self._rooms += len(page["rooms"])
        if "more" in page:
            self.ask({"type": "sync", "more": page["more"]}, self._page)
        else:
            self.synchronised(self._rooms)


@dataclass(frozen=True)
class Sessions:
    """How many stay, and how many rooms each must find."""

    count: int
    rooms: int


class Idler(Newcomer):
    """Comes in and stays; answers pings and says nothing else."""

    def __init__(self, pump: Pump, part: Idle, number: int) -> None:
        super().__init__(pump, part.stage, number)
        self._number = number
        self._part = part

    def synchronised(self, rooms: int) -> None:
        """In, with what a session of that many rooms costs."""
        if rooms != self._part.rooms:
            self._part.stage.tally.add("altered", f"{self._number} got {rooms} rooms, not {self._part.rooms}")


class Idle(Part):
    """A crowd that is there before the clock starts and does nothing until it stops."""

    def __init__(self, pump: Pump, stage: Stage, sessions: Sessions) -> None:
        super().__init__(pump, stage)
        self.rooms = sessions.rooms
        self._idlers = [Idler(pump, self, number) for number in stage.mine(range(sessions.count))]

    def devices(self) -> Iterable[Device]:
        """Everybody."""
        return self._idlers

    def begin(self, start_ns: int) -> None:
        """Nothing happens."""

    def answered(self) -> bool:
        """Nothing is missing."""
        return True

    def moves(self) -> Moves:
        """Nothing is sent."""
        return 0, 0, 0

    def report(self) -> Report:
        """Who was lost meanwhile is unacknowledged."""
        gone = sum(not idler.alive for idler in self._idlers)
        if gone:
            self.stage.tally.add("unacked", f"{gone} sessions were lost while idle", gone)
        return Report(self.stage.record, self.stage.tally, failures=self.stage.gate.failures)


@dataclass(frozen=True)
class Visits:
    """Who comes in turn, and how many rooms each must find in his first sync."""

    users: int
    rooms: int


class Visitor(Newcomer):
    """One connection from dialling to the end of its first sync; it is closed then."""

    def __init__(self, pump: Pump, part: Connecting, letter: Letter) -> None:
        super().__init__(pump, part.stage, letter.author)
        self.letter = letter
        self._part = part

    def welcome(self, reply: Packet) -> None:
        """The hello is answered."""
        self._part.stage.record.acked(self.letter, time.perf_counter_ns())
        super().welcome(reply)

    def synchronised(self, rooms: int) -> None:
        """He has seen everything."""
        stage = self._part.stage
        if rooms != self._part.rooms:
            stage.tally.add("altered", f"{self.letter.author} got {rooms} rooms, not {self._part.rooms}")
        stage.record.resumed(self.letter.due_ns, time.perf_counter_ns())
        self.drop()
        self._part.left(self, synced=True)

    def gone(self, reason: str) -> None:
        """Not let in."""
        self._part.left(self, synced=False)


class Turnstile:
    """Lets one visitor in after the other, or at a rate: a speaker for the pacer."""

    def __init__(self, part: Connecting) -> None:
        self._part = part

    def begin_closed(self, in_flight: int) -> None:
        """Keeps that many on the way."""
        for _ in range(in_flight):
            self._part.visit(time.perf_counter_ns())

    def due(self, due_ns: int) -> None:
        """One visitor is due."""
        self._part.visit(due_ns)


class Connecting(Part):
    """One process's share of the visits."""

    def __init__(self, pump: Pump, stage: Stage, visits: Visits) -> None:
        super().__init__(pump, stage)
        self.rooms = visits.rooms
        self._users = deque(stage.mine(range(visits.users)))
        self._inside: set[Visitor] = set()
        self._sent = 0
        self._synced = 0

    def devices(self) -> Iterable[Device]:
        """Nobody comes before the clock starts."""
        return ()

    def begin(self, start_ns: int) -> None:
        """Opens the doors; with a rate, each process has its part of the schedule."""
        stage = self.stage
        turn: list[Turnstile | None] = [None] * stage.shares
        turn[stage.share] = Turnstile(self)
        pace(self.pump, stage, turn, start_ns)

    def visit(self, due_ns: int) -> None:
        """The next user comes."""
        user = self._users[0]
        self._users.rotate(-1)
        letter = Letter(user, self._sent, due_ns, time.perf_counter_ns())
        self._sent += 1
        self.stage.record.sent(letter)
        visitor = Visitor(self.pump, self, letter)
        self._inside.add(visitor)
        visitor.enter(self._sent)

    def left(self, visitor: Visitor, *, synced: bool) -> None:
        """A visitor is gone; in a closed loop the next one comes."""
        self._inside.discard(visitor)
        self._synced += synced
        now_ns = time.perf_counter_ns()
        if not self.stage.pacing.rate and now_ns < self.stage.stop_ns:
            self.visit(now_ns)

    def answered(self) -> bool:
        """Nobody is on the way."""
        return not self._inside

    def moves(self) -> Moves:
        """Dialled and synchronised."""
        return self._sent, self._synced, 0

    def report(self) -> Report:
        """Who was not let in is unacknowledged."""
        if missing := self._sent - self._synced:
            self.stage.tally.add("unacked", f"{missing} visitors were not let in", missing)
        return Report(self.stage.record, self.stage.tally, failures=self.stage.gate.failures)
