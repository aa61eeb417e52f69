from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.indoors import Indoors, indoors


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Indoors]:
    async with indoors(tmp_path, rates={"enabled": False}) as house:
        yield house
