"""The number of tests side by side with `-n auto`, their files, and no time limit for an example."""

import gc
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.kit import time_limit
from tests.kit.inprocess import InProcessServer, in_process

GARBAGE = 20_000  # objects between two collections: most tests make none, and a tree of a source file is 10,000 objects
PER_CORE = 2  # some tests wait for a deadline or a process: the core is lent to others meanwhile
MEMORY = Path("/dev/shm")
ROOM = 2 << 30  # bytes; the files of tests that run at once take 0.1 GiB, for each goes when it has passed

os.umask(0o022)  # a daemon refuses a directory that a group may change, as some systems make them


def has_room(place: Path) -> bool:
    """Whether a directory takes the files of the tests, and lets those be run that are programs."""
    if not place.is_dir() or not os.access(place, os.W_OK):
        return False
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize >= ROOM and not found.f_flag & os.ST_NOEXEC


# Files in memory: thousands of databases would wait for the disk at each commit. TMPDIR can name a disk.
if "TMPDIR" not in os.environ and has_room(MEMORY):
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)

# How long an example takes to draw or to run says how busy the machine is.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


@pytest.hookimpl
def pytest_xdist_auto_num_workers() -> int:
    """Workers for the cores this process may use."""
    return PER_CORE * len(os.sched_getaffinity(0))


# In place of what pytest-timeout does, which ends the process, and with it what it knows of the test.
@pytest.hookimpl
def pytest_timeout_set_timer(settings: Any) -> bool:
    time_limit.set_limit(settings.timeout)
    return True


# It asks for this before the teardown of what failed, which may hang, too.
@pytest.hookimpl
def pytest_timeout_cancel_timer() -> bool:
    return True


def pytest_runtest_logfinish() -> None:
    time_limit.lift_limit()


def pytest_enter_pdb() -> None:
    time_limit.lift_limit()


def pytest_sessionstart() -> None:
    gc.disable()


def pytest_collection_finish() -> None:
    """Keep what was collected out of the garbage collector's way: it stays until the end, the little garbage too."""
    gc.freeze()
    gc.set_threshold(GARBAGE)
    gc.enable()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcessServer]:
    """A daemon without sockets."""
    async with in_process(tmp_path, rates={"enabled": False}) as server:
        yield server
