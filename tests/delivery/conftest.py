"""Wires of these tests are in memory, and know no event loop: in a soak every test runs on both."""

import pytest

from tests.kit.loops import Loops, loops_of


def pytest_asyncio_loop_factories(item: pytest.Item) -> Loops:
    return loops_of(item, ())
