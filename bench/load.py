"""How much of the machine a measured stretch used: the generator's share, and that of a daemon of our own."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from bench import cores
from bench.server import Daemon


class Load:
    """Processor seconds and memory over one stretch, and what the daemon logged; `during` says which."""

    def __init__(self, daemon: Daemon | None) -> None:
        self.daemon = daemon
        self.generator_cpu_share = 0.0  # of one core, by this process; a load of several says it itself
        self._seconds = 0.0
        self._started = 0.0
        self._cpu_s = 0.0
        self._cores: list[int] = []
        self._daemon_cpu_s = 0.0
        self._rss_bytes = 0
        self._earlier_bytes = 0  # the most it held before: starting, and letting everybody in
        self._server: dict[str, Any] | None = None
        self._rss_mib: list[float] = []  # at the beginning, and after every second
        self._next: asyncio.TimerHandle | None = None
        self._connections = 0

    @contextmanager
    def during(self) -> Iterator[None]:
        self.begin()
        try:
            yield
        finally:
            self.end()

    def begin(self) -> None:
        self._started, self._cpu_s = time.perf_counter(), time.process_time()
        self._cores = cores.bound()
        if self.daemon is not None:
            self._earlier_bytes = self.daemon.rss_bytes_max()
            self.daemon.forget_peak()
            self._daemon_cpu_s, self._rss_bytes = self.daemon.cpu_s(), self.daemon.rss_bytes()
            self._look(self.daemon)

    def end(self) -> None:
        if self._next is not None:
            self._next.cancel()
        seconds = time.perf_counter() - self._started
        self.generator_cpu_share = (time.process_time() - self._cpu_s) / seconds
        if self.daemon is not None:
            cpu_s = self.daemon.cpu_s() - self._daemon_cpu_s
            most_bytes = self.daemon.rss_bytes_max()
            self._server = {
                "cpu_s": round(cpu_s, 2),
                "cpu_share": round(cpu_s / seconds, 3),
                "rss_bytes": self.daemon.rss_bytes(),
                "rss_growth_bytes": self.daemon.rss_bytes() - self._rss_bytes,
                "rss_growth_bytes_max": most_bytes - self._rss_bytes,
                "rss_bytes_max": max(most_bytes, self._earlier_bytes),
                "cores": cores.bound(self.daemon.pid),
                "storage": self.daemon.storage(),
                "connections": self._connections,
                "complaints": self.daemon.complaints(),
            }

    def beside(self, rows: Sequence[Mapping[str, Any]], from_s: float = 0.0) -> list[dict[str, Any]]:
        """The rows of a timeline, each with the memory of the daemon when its second was over.

        `from_s` is when its second 0 began, counted from the beginning of the stretch.
        """
        known = dict(enumerate(self._rss_mib))
        ends = [round(from_s + row["second"] + 1) for row in rows]
        memory = ({"rss_mib": known[at_s]} if at_s in known else {} for at_s in ends)
        return [{**row, **more} for row, more in zip(rows, memory, strict=True)]

    def _look(self, daemon: Daemon) -> None:
        self._rss_mib.append(round(daemon.rss_bytes() / 1024**2, 1))
        self._next = asyncio.get_running_loop().call_later(1, self._look, daemon)

    async def count_connections(self) -> None:
        if self.daemon is not None:
            self._connections = int(await self.daemon.metric("chatd_connections"))

    def counted(self) -> dict[str, Any]:
        """Shares of one core and the rest, as a result file holds them; `server` is null for one at a URL."""
        generator = {"cpu_share": round(self.generator_cpu_share, 3), "cores": self._cores}
        return {"generator": generator, "server": self._server}
