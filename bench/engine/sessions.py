"""Devices that come, and those that come and stay: connection rate and idle memory."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from bench.client.device import Device
from bench.codec import Packet
from bench.engine.pacing import Speaker, pace
from bench.engine.role import Moves, Role
from bench.engine.run_state import Report, RunState
from bench.engine.script import MessageId


@dataclass(frozen=True)
class Sessions:
    """How many users come, and how many rooms each must find in their first sync."""

    users: int
    rooms: int


class Newcomer(Device):
    """Says hello and reads the first sync to its end. Without a visit, to stay: it answers pings and nothing else."""

    def __init__(self, state: RunState, number: int, rooms: int) -> None:
        super().__init__(state, state.access.hello(state.script.user(number), state.script.device(number)))
        self.number = number
        self._wanted = rooms
        self._found = 0

    def welcome(self, reply: Packet) -> None:
        self._page(reply["sync"])

    def synchronised(self) -> None:
        if self._found != self._wanted:
            text = f"{self.number} got {self._found} rooms, not {self._wanted}"
            self.state.tally.add("altered", text)

    def _page(self, page: Packet) -> None:
        self._found += len(page["rooms"])
        if "more" in page:
            self.ask({"type": "sync", "more": page["more"]}, self._page)
        else:
            self.synchronised()


class Idle(Role):
    """Users who are there before the clock starts and do nothing until it stops."""

    def __init__(self, state: RunState, sessions: Sessions) -> None:
        super().__init__(state)
        mine = state.mine(range(sessions.users))
        self._devices = [Newcomer(state, number, sessions.rooms) for number in mine]

    def devices(self) -> Iterable[Device]:
        return self._devices

    def begin(self, start_ns: int) -> None:
        """Nothing happens."""

    def answered(self) -> bool:
        return True

    def moves(self) -> Moves:
        return 0, 0, 0

    def report(self) -> Report:
        if gone := sum(not device.alive for device in self._devices):
            self.state.tally.add("unacked", f"{gone} sessions were lost while idle", gone)
        return self.state.report()


class Visitor(Newcomer):
    """One connection from dialling to the end of its first sync; it is closed then."""

    def __init__(self, role: Connecting, message: MessageId) -> None:
        super().__init__(role.state, message.author, role.rooms)
        self._message = message
        self._role = role

    def welcome(self, reply: Packet) -> None:
        self.state.record.acked(self._message, time.perf_counter_ns())
        super().welcome(reply)

    def synchronised(self) -> None:
        super().synchronised()
        self.state.record.resumed(self._message.due_ns, time.perf_counter_ns())
        self.drop()
        self._role.left(self, synced=True)

    def gone(self, reason: str) -> None:
        self._role.left(self, synced=False)


class Connecting(Role, Speaker):
    """One process's share of the visits: one after the other, or at a rate. It is its own speaker for the pace."""

    def __init__(self, state: RunState, sessions: Sessions) -> None:
        super().__init__(state)
        self.rooms = sessions.rooms
        self._users = deque(state.mine(range(sessions.users)))
        self._inside: set[Visitor] = set()
        self._sent = 0
        self._synced = 0

    def devices(self) -> Iterable[Device]:
        return ()

    def begin(self, start_ns: int) -> None:
        """With a rate, each process has its part of the schedule."""
        turn: list[Connecting | None] = [None] * self.state.shares
        turn[self.state.share] = self
        pace(self.state, turn, start_ns)

    def due(self, due_ns: int) -> None:
        user = self._users[0]
        self._users.rotate(-1)
        message = MessageId(user, self._sent, due_ns, time.perf_counter_ns())
        self._sent += 1
        self.state.record.sent(message)
        visitor = Visitor(self, message)
        self._inside.add(visitor)
        visitor.enter(self._sent)

    def left(self, visitor: Visitor, *, synced: bool) -> None:
        self._inside.discard(visitor)
        self._synced += synced
        now_ns = time.perf_counter_ns()
        if self.state.goes_on(now_ns):
            self.due(now_ns)

    def answered(self) -> bool:
        return not self._inside

    def moves(self) -> Moves:
        return self._sent, self._synced, 0

    def report(self) -> Report:
        if missing := self._sent - self._synced:
            self.state.tally.add("unacked", f"{missing} visitors were not let in", missing)
        return self.state.report()
