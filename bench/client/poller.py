"""Raw sockets in one epoll set, read into one shared buffer, and timers to the microsecond.

An event loop would cost more than what it carries here: a generator has to keep up with a daemon that writes one
frame to a thousand sockets, from one core.
"""

from __future__ import annotations

import heapq
import select
import socket
import struct
import time
from collections.abc import Callable

from bench.wire import FrameError, HandshakeError

READ_BYTES = 512 * 1024  # two of the largest server frames; a second-level cache holds it
EVENTS_MAX = 64  # between two looks at the timers: what 64 reads take is the most a send can be late
IDLE_NS = 50_000_000  # how often a condition is looked at when nothing happens
AWAKE_NS = 2_000_000  # an answer takes about as long; waking up takes a twentieth to a fifth of it

# What reading bytes raises that are no frames, no encoding, or packets without what a packet has.
UNREADABLE = (FrameError, ValueError, LookupError, TypeError, AttributeError)

_READ = select.EPOLLIN
_WRITE = select.EPOLLOUT
_BROKEN = select.EPOLLERR | select.EPOLLHUP


class Connection:
    """One connection. Subclasses say what to do when it is up, when bytes come, and when it is lost.

    `receive` gets every chunk as a view that is valid during the call only, and may be replaced at any time.
    """

    receive: Callable[[memoryview], None]
    _recv_into: Callable[[bytearray], int]  # of the socket

    def __init__(self, poller: Poller) -> None:
        self.poller = poller
        self.alive = False
        self._socket: socket.socket | None = None
        self._unsent = bytearray()

    def connected(self) -> None:
        """The connection is up."""

    def lost(self, reason: str) -> None:
        """The connection failed or ended; not called after `drop`."""

    def dial(self, host: str, port: int, source: str = "") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = end = socket.socket(family, socket.SOCK_STREAM)
        self._recv_into = end.recv_into
        end.setblocking(False)
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        if source:
            # The port is chosen at connect, per destination, so that each address has a range of its own.
            end.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
            end.bind((source, 0))
        end.connect_ex((host, port))
        self.poller.add(end.fileno(), self)

    def send(self, content: bytes) -> None:
        if self._unsent:
            self._unsent += content
        elif self.alive and self._socket is not None:
            try:
                sent = self._socket.send(content)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                self.end(str(error))
                return
            if sent < len(content):
                self._unsent += content[sent:]
                self.poller.watch(self._socket.fileno(), _READ | _WRITE)

    def drop(self) -> None:
        if self._socket is not None:
            self.poller.remove(self._socket.fileno())
            self._socket.close()
            self._socket = None
            self.alive = False

    def ready(self, event: int) -> None:
        """The kernel has something to say about the socket, and it is not only that there are bytes."""
        if self._socket is None:
            return
        if event & _BROKEN and not event & _READ:
            self.end("refused or reset")
        elif event & _WRITE:  # before reading: some servers speak first
            self._writable(self._socket)
        else:
            self.read()

    def read(self) -> None:
        """Takes what is there. The hot path of a generator: one system call, one comparison."""
        try:
            count = self._recv_into(self.poller.buffer)
        except BlockingIOError:
            return
        except OSError as error:
            self.end(str(error))
            return
        if count:
            self.receive(self.poller.view[:count])
        else:
            self.end("closed")

    def _writable(self, end: socket.socket) -> None:
        if not self.alive:
            self.alive = True
            self.poller.watch(end.fileno(), _READ)
            self.connected()
            return
        unsent, self._unsent = self._unsent, bytearray()
        self.poller.watch(end.fileno(), _READ)
        self.send(bytes(unsent))

    def garbled(self, fault: str) -> None:
        self.end(fault)

    def end(self, reason: str) -> None:
        self.drop()
        self.lost(reason)


class Poller:
    """Runs connections and timers until a condition holds. One for each process.

    With a core for itself it is `wakeful`: it does not sleep when something has just happened or is due in a
    moment, so that the time the kernel takes to wake it up is in no latency. `awake_ns` is what it waited so.
    """

    def __init__(self, *, wakeful: bool = False) -> None:
        # Made before any connection: `select` waits to the microsecond, but for descriptors below 1024 only.
        self._epoll = select.epoll()
        self.buffer = bytearray(READ_BYTES)
        self.view = memoryview(self.buffer)
        self._connections: dict[int, Connection] = {}
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._timers_made = 0
        self._wakeful = wakeful
        self._moved_ns = 0  # when something happened last
        self.awake_ns = 0

    def add(self, fd: int, connection: Connection) -> None:
        self._connections[fd] = connection
        self._epoll.register(fd, _READ | _WRITE)

    def watch(self, fd: int, events: int) -> None:
        self._epoll.modify(fd, events)

    def remove(self, fd: int) -> None:
        self._epoll.unregister(fd)
        del self._connections[fd]

    def call_at(self, due_ns: int, callback: Callable[[], None]) -> None:
        """Calls back at a moment of `time.perf_counter_ns`, or as soon as possible after it."""
        self._timers_made += 1
        heapq.heappush(self._timers, (due_ns, self._timers_made, callback))

    @property
    def overdue(self) -> bool:
        """Whether a callback that is due has not been called: somebody was held up."""
        return bool(self._timers) and self._timers[0][0] <= time.perf_counter_ns()

    def run(self, until: Callable[[], bool]) -> None:
        """Turns until the condition holds; it is looked at after every 64 reads and every 50 ms at least."""
        while not until():
            self._turn()

    def settle(
        self, done: Callable[[], bool], moved: Callable[[], object], quiet_ns: int, look_ns: int = 0
    ) -> bool:
        """Turns until `done`; False when `moved` stands still for so long. None: nothing is due to move.

        Conditions are looked at `look_ns` after they were looked at last.
        """
        seen, found = moved(), False
        moved_ns = looked_ns = time.perf_counter_ns()

        def over() -> bool:
            nonlocal seen, moved_ns, looked_ns, found
            if time.perf_counter_ns() < looked_ns + look_ns:
                return False
            found, now = done(), moved()
            looked_ns = time.perf_counter_ns()
            if now is None or now != seen:
                seen, moved_ns = now, looked_ns
            return found or looked_ns - moved_ns > quiet_ns

        self.run(over)
        return found

    def close(self) -> None:
        for connection in list(self._connections.values()):
            connection.drop()
        self._epoll.close()

    def _turn(self) -> None:
        if self._timers and self._timers[0][0] <= time.perf_counter_ns():
            self._fire()
        events = self._epoll.poll(0, EVENTS_MAX) or self._awaited()
        if events:
            self._moved_ns = time.perf_counter_ns()
        connections = self._connections
        for fd, event in events:
            connection = connections.get(fd)
            if connection is None:  # dropped by an event before this one
                continue
            try:
                if event == _READ:
                    connection.read()
                else:
                    connection.ready(event)
            except HandshakeError as refusal:  # one connection ends, the run goes on
                connection.end(str(refusal))
            except UNREADABLE as fault:
                connection.garbled(repr(fault))

    def _fire(self) -> None:
        self._moved_ns = now_ns = time.perf_counter_ns()
        while self._timers and self._timers[0][0] <= now_ns:
            heapq.heappop(self._timers)[2]()

    def _awaited(self) -> list[tuple[int, int]]:
        """The events that come while it is worth staying awake; otherwise nothing, after a sleep."""
        began_ns = now_ns = time.perf_counter_ns()
        due_ns = self._timers[0][0] if self._timers else now_ns + IDLE_NS
        awake_ns = AWAKE_NS if self._wakeful else 0
        if now_ns - self._moved_ns >= awake_ns and due_ns - now_ns > awake_ns:
            select.select((self._epoll.fileno(),), (), (), min(IDLE_NS, due_ns - now_ns - awake_ns) / 1e9)
            return []
        until_ns = min(due_ns, now_ns + awake_ns)
        events: list[tuple[int, int]] = []
        while not events and now_ns < until_ns:
            events = self._epoll.poll(0, EVENTS_MAX)
            now_ns = time.perf_counter_ns()
        self.awake_ns += now_ns - began_ns
        return events


# A reset when we close: thousands of ports in TIME_WAIT would end a long run.
_RESET = struct.pack("ii", 1, 0)
_BIND_ADDRESS_NO_PORT = 24  # Linux, ip(7); the module `socket` knows it from Python 3.12 on
