"""A group with members who stop reading: their sockets fill up, and the daemon has to do without them.

What the kernel takes in for a connection is megabytes, minutes of such a room. So whoever is stuck asks for long
pages until the kernel should be full, evenly over the first half of the run; the second half meets a full socket.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.codec import Packet
from bench.engine.device import Device
from bench.engine.fanout import Fanout, Group
from bench.engine.hearer import Hearer
from bench.engine.pump import Pump
from bench.engine.record import SECOND_NS
from bench.engine.stage import Stage

KERNEL_PART = (
    0.78  # of the send buffer is content when it is full, the rest is what the kernel needs for itself
)
SEND_BUFFER_BYTES = 4_194_304  # what Linux lets it grow to by default; the system is asked
PAGE_MESSAGES, MESSAGE_BYTES = 18, 12_000  # such a page: 216 kB, below `limits.server_frame_bytes`

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

    def stall(self, start_ns: int) -> None:
        """From now on whatever comes stays where it is, and more and more comes."""
        if self._socket is not None:
            self.pump.watch(self._socket.fileno(), 0)
        asks = round(_send_buffer_bytes() * KERNEL_PART / (PAGE_MESSAGES * MESSAGE_BYTES))
        pause_ns = int(self.stage.pacing.whole_s * SECOND_NS / 2 / asks)
        for place in range(asks):
            self.pump.call_at(start_ns + place * pause_ns, self._ask_much)

    def _ask_much(self) -> None:
        if self.alive:
            self.ask({"type": "log", "room": self.room, "from": 1, "to": PAGE_MESSAGES + 1}, _unheard)


def _send_buffer_bytes() -> int:
    """The most that the kernel keeps for a connection (tcp(7), tcp_wmem)."""
    try:
        return int(Path("/proc/sys/net/ipv4/tcp_wmem").read_text().split()[2])
    except (OSError, IndexError, ValueError):
        return SEND_BUFFER_BYTES


def _unheard(reply: Packet) -> None:
    """It never comes."""


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
            deaf.stall(start_ns)
        super().begin(start_ns)
