"""How much of the machine a measured stretch used: the generator's share, and that of a daemon of our own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.server import Daemon


class Load:
    """Processor seconds and memory over one stretch, and what the daemon logged; `during` says which."""

    def __init__(self, daemon: Daemon | None) -> None:
        self._daemon = daemon
        self._seconds = 0.0
        self._generator_cpu_s = 0.0
        self._daemon_cpu_s = 0.0
        self._daemon_rss_bytes_max = 0
        self._complaints: list[str] = []

    @contextmanager
    def during(self) -> Iterator[None]:
        """Measures until the block ends."""
        started, cpu_s, daemon_cpu_s = time.perf_counter(), time.process_time(), self._daemon_used_s()
        try:
            yield
        finally:
            self._seconds = time.perf_counter() - started
            self._generator_cpu_s = time.process_time() - cpu_s
            self._daemon_cpu_s = self._daemon_used_s() - daemon_cpu_s
            if self._daemon is not None:
                self._daemon_rss_bytes_max = self._daemon.rss_bytes_max()
                self._complaints = self._daemon.complaints()

    def counted(self) -> dict[str, Any]:
        """Shares of one core and the rest, as a result file holds them; `daemon` is null for one at a URL."""
        daemon = None
        if self._daemon is not None:
            share = round(self._daemon_cpu_s / self._seconds, 3)
            daemon = {
                "cpu_share": share,
                "rss_bytes_max": self._daemon_rss_bytes_max,
                "complaints": self._complaints,
            }
        return {"generator": {"cpu_share": round(self._generator_cpu_s / self._seconds, 3)}, "daemon": daemon}

    def _daemon_used_s(self) -> float:
        return self._daemon.cpu_s() if self._daemon is not None else 0.0
