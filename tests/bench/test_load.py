"""What a measured stretch costs: its own peak of memory, not that of the start before it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.engine.workers import Load
from bench.server import Daemon

LARGE, SMALL, LITTLE = 64 * 1024**2, 24 * 1024**2, 8 * 1024**2  # bytes
TAKES = "import sys\nfor line in sys.stdin:\n    b'x' * int(line)\n    print(flush=True)"

needs_peaks = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="the system cannot forget a peak"
)


@contextmanager
def taker() -> Iterator[tuple[Daemon, Callable[[int], None]]]:
    """A process that takes as much memory as it is told, and gives it back at once."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", TAKES], **pipes) as process:
        to, back = process.stdin, process.stdout
        assert to is not None
        assert back is not None

        def take(count: int) -> None:
            print(count, file=to, flush=True)
            back.readline()

        take(0)  # it has started
        yield Daemon("", "", process.pid, Path("/dev/null"), 0, {}), take
        to.close()


@needs_peaks
@pytest.mark.parametrize(
    ("taken", "least", "most"), [(0, 0, LITTLE), (SMALL, SMALL - LITTLE, SMALL + LITTLE)]
)
async def test_growth_is_to_the_most_that_was_held_in_the_stretch(taken: int, least: int, most: int) -> None:
    with taker() as (daemon, take):
        take(LARGE)  # before it begins
        measured = Load(daemon)
        with measured.during():
            take(taken)
    server = measured.counted()["server"]
    assert least <= server["rss_growth_bytes_max"] <= most
    assert server["rss_bytes_max"] > LARGE, "of its whole life"
    assert server["rss_growth_bytes"] < LITTLE, "it gave everything back"
