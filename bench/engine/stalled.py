"""A group with members who stop reading: their sockets fill up, and the daemon has to do without them.

The kernel takes in megabytes for a connection, minutes of such a room. So whoever is stuck asks for long pages, evenly
over the first half of the run and for more than the kernel can hold; the second half meets a daemon that had to act.
Beside it the same group with the same requests from somebody who does read.
"""

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.client.device import Device
from bench.client.subscriber import Subscriber
from bench.codec import Packet
from bench.engine.conversation import Fanout, Group
from bench.engine.record import SECOND_NS
from bench.engine.run_state import RunState

ASKED_FOR = 1.5  # times what the kernel holds at most; a fifth of that is for the kernel itself
SEND_BUFFER_BYTES = 4_194_304  # what Linux lets it grow to by default; the system is asked
PAGE_MESSAGES, MESSAGE_BYTES = 18, 12_000  # such a page: 216 kB, below `limits.server_frame_bytes`
# The kernel still takes in so much; a real phone out of reach acknowledges nothing at all.
RECEIVE_BYTES = 4_096


@dataclass(frozen=True)
class Stalling(Group):
    """A group with so many further members who ask for the page at `page_from`, and read it or never read again.

    `pages`: how often each asks for it.
    """

    page_from: int = 1
    pages: int = 1
    stalled: int = 1
    reads: bool = False


class Asker(Subscriber):
    """A further member, who asks for more and more. What they hear is not counted: the others are measured."""

    def __init__(self, state: RunState, number: int, group: Stalling) -> None:
        super().__init__(state, number, group.room)
        self._group = group

    def push(self, packet: Packet) -> None:
        """The others hear it, too: one who has long pages to read would be the slowest of them."""

    def connected(self) -> None:
        """Let the kernel keep little for one who will not read."""
        if self._socket is not None and not self._group.reads:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        super().connected()

    def begin(self, start_ns: int) -> None:
        """Ask in the first half of the run; whoever does not read leaves from now on everything where it is."""
        if self._socket is not None and not self._group.reads:
            self.poller.watch(self._socket.fileno(), 0)
        pause_ns = int(self.state.pacing.whole_s * SECOND_NS / 2 / self._group.pages)
        for place in range(self._group.pages):
            self.poller.call_at(start_ns + place * pause_ns, self._ask_much)

    def _ask_much(self) -> None:
        if self.alive:
            first = self._group.page_from
            page = {"type": "log", "room": self.room, "from": first, "to": first + PAGE_MESSAGES - 1}
            self.ask(page, lambda reply: None)


def pages_to_stall() -> int:
    """How many pages are more than the kernel keeps for a connection at most (tcp(7), tcp_wmem)."""
    try:
        held_bytes = int(Path("/proc/sys/net/ipv4/tcp_wmem").read_text().split()[2])
    except (OSError, IndexError, ValueError):
        held_bytes = SEND_BUFFER_BYTES
    return max(1, round(ASKED_FOR * held_bytes / (PAGE_MESSAGES * MESSAGE_BYTES)))


class StalledFanout(Fanout):
    """A fan-out beside which somebody may be stuck; what they have is not asked for, what the others have is."""

    def __init__(self, state: RunState, group: Stalling) -> None:
        super().__init__(state, group)
        stuck = range(group.members, group.members + group.stalled)
        self._askers = [Asker(state, number, group) for number in state.mine(stuck)]

    def devices(self) -> Iterable[Device]:
        yield from self._askers
        yield from super().devices()

    def begin(self, start_ns: int) -> None:
        for asker in self._askers:
            asker.begin(start_ns)
        super().begin(start_ns)
