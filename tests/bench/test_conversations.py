import pytest

from bench.scenarios import conversations
from tests.bench.test_target_rows import GLANCE
from tests.kit.soak import also


@pytest.mark.parametrize("row", ["hello", *also("posts")])
async def test_a_row_has_its_figures(row, monkeypatch):
    """The scenario refuses a hello without the drafts, and waits until everybody listens."""
    for name, value in {"HELLOS": 2, "LISTENERS": 20, "POLL_S": 0.05, "POSTS": 1}.items():
        monkeypatch.setattr(conversations, name, value)
    measured = await conversations.measure(GLANCE, [row])
    assert measured.correct
    assert all(measured.figures[figure.key] for figure in conversations.ROWS[row])
