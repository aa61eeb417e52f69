"""How many tests run side by side with `-n auto`."""

import os

import pytest

PER_CORE = 1.5  # some tests wait for a deadline or a process: the core is lent to others meanwhile


@pytest.hookimpl
def pytest_xdist_auto_num_workers() -> int:
    """Workers for the cores this process may use."""
    return max(2, int(PER_CORE * len(os.sched_getaffinity(0))))
