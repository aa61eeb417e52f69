"""Every test with a connection runs on both event loops."""

from tests.kit.loops import pytest_asyncio_loop_factories as pytest_asyncio_loop_factories
