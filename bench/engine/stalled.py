"""A group with members who stop reading: their sockets fill up, and the daemon has to do without them."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass

from bench.engine.device import Device
from bench.engine.fanout import Fanout, Group
from bench.engine.hearer import Hearer
from bench.engine.pump import Pump
from bench.engine.stage import Stage

RECEIVE_BYTES = (
    4_096  # what the kernel still takes in for him: a real phone out of reach acknowledges nothing at all
)


@dataclass(frozen=True)
class Stalling(Group):
    """A group in which so many further members never read again once the clock starts."""

    stalled: int = 1


class Deaf(Hearer):
    """A member who stops reading."""

    def connected(self) -> None:
        """Lets the kernel keep little for him."""
        if self._socket is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        super().connected()

    def stall(self) -> None:
        """From now on whatever comes stays where it is."""
        if self._socket is not None:
            self.pump.watch(self._socket.fileno(), 0)


class StalledFanout(Fanout):
    """A fan-out beside which somebody is stuck; what he has is not asked for, what the others have is."""

    def __init__(self, pump: Pump, stage: Stage, group: Stalling) -> None:
        super().__init__(pump, stage, group)
        stuck = range(group.members, group.members + group.stalled)
        self._deaf = [Deaf(pump, stage, number, group.room) for number in stage.mine(stuck)]

    def devices(self) -> Iterable[Device]:
        """Those who will be stuck first."""
        yield from self._deaf
        yield from super().devices()

    def begin(self, start_ns: int) -> None:
        """They are stuck before the first message."""
        for deaf in self._deaf:
            deaf.stall()
        super().begin(start_ns)
