"""A directory for a store, and the end of every store a test opened."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.adapters import close_opened


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(autouse=True)
async def left_open() -> AsyncIterator[None]:
    yield
    await close_opened()
