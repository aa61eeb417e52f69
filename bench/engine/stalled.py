"""A group with members who stop reading: their sockets fill up, and the daemon has to do without them.

What the kernel takes in for a connection is megabytes, minutes of such a room. So whoever is stuck asks for long
pages, evenly over the first half of the run and for more than the kernel can hold; the second half meets a daemon
that had to act. Beside it the same group with the same requests from somebody who does read.
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

ASKED_FOR = 1.5  # times what the kernel holds at most; a fifth of that is for the kernel itself
SEND_BUFFER_BYTES = 4_194_304  # what Linux lets it grow to by default; the system is asked
PAGE_MESSAGES, MESSAGE_BYTES = 18, 12_000  # such a page: 216 kB, below `limits.server_frame_bytes`

RECEIVE_BYTES = (
    4_096  # what the kernel still takes in for him: a real phone out of reach acknowledges nothing at all
)


@dataclass(frozen=True)
class Stalling(Group):
    """A group with so many further members who ask for the page at `page_from`, and read it or never read again.

    `pages`: how often each asks for it.
    """

    page_from: int = 1
    pages: int = 1
    stalled: int = 1
    reads: bool = False


class Asker(Hearer):
    """A further member, who asks for more and more. What he hears is not counted: the others are measured."""

    def __init__(self, pump: Pump, stage: Stage, number: int, group: Stalling) -> None:
        super().__init__(pump, stage, number, group.room)
        self._page_from = group.page_from
        self._pages = group.pages

    def push(self, packet: Packet) -> None:
        """The others hear it, too: one who has long pages to read would be the slowest of them."""

    def begin(self, start_ns: int) -> None:
        """Asks in the first half of the run."""
        pause_ns = int(self.stage.pacing.whole_s * SECOND_NS / 2 / self._pages)
        for place in range(self._pages):
            self.pump.call_at(start_ns + place * pause_ns, self._ask_much)

    def _ask_much(self) -> None:
        if self.alive:
            first = self._page_from
            page = {"type": "log", "room": self.room, "from": first, "to": first + PAGE_MESSAGES - 1}
            self.ask(page, _heard)


class Deaf(Asker):
    """One who stops reading."""

    def connected(self) -> None:
        """Lets the kernel keep little for him."""
        if self._socket is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        super().connected()

    def begin(self, start_ns: int) -> None:
        """From now on whatever comes stays where it is."""
        if self._socket is not None:
            self.pump.watch(self._socket.fileno(), 0)
        super().begin(start_ns)


def pages_to_stall() -> int:
    """How many pages are more than the kernel can hold for a connection."""
    return max(1, round(ASKED_FOR * _send_buffer_bytes() / (PAGE_MESSAGES * MESSAGE_BYTES)))


def _send_buffer_bytes() -> int:
    """The most that the kernel keeps for a connection (tcp(7), tcp_wmem)."""
    try:
        return int(Path("/proc/sys/net/ipv4/tcp_wmem").read_text().split()[2])
    except (OSError, IndexError, ValueError):
        return SEND_BUFFER_BYTES


def _heard(reply: Packet) -> None:
    """Long, and of no interest."""


class StalledFanout(Fanout):
    """A fan-out beside which somebody may be stuck; what he has is not asked for, what the others have is."""

    def __init__(self, pump: Pump, stage: Stage, group: Stalling) -> None:
        super().__init__(pump, stage, group)
        stuck = range(group.members, group.members + group.stalled)
        kind = Asker if group.reads else Deaf
        self._askers = [kind(pump, stage, number, group) for number in stage.mine(stuck)]

    def devices(self) -> Iterable[Device]:
        """Those who may be stuck first."""
        yield from self._askers
        yield from super().devices()

    def begin(self, start_ns: int) -> None:
        """They begin before the first message."""
        for asker in self._askers:
            asker.begin(start_ns)
        super().begin(start_ns)
