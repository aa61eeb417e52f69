"""A store of every kind, and a history that is written into it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatd.storage.interface import Store
from tests.kit.adapters import STORES
from tests.kit.history_builder import HistoryBuilder


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened = await STORES[request.param](tmp_path / "data")
    yield opened
    await opened.close()


@pytest.fixture
def builder(store: Store) -> HistoryBuilder:
    return HistoryBuilder(store)
