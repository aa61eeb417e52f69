"""An index of messages without a process: it is filled when a test says so, or by a task of the loop."""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from chatd.core.searches import Alternatives, Span
from chatd.search.interface import Candidates, IndexStatus
from chatd.search.keeper import Keeper
from chatd.server.app import App
from chatd.storage.sqlite.connection import readable


class LocalIndex:
    """A `Search` that reads the database of a store in this process."""

    def __init__(
        self,
        database: Path,
        file: Path,
        epoch: str,
        *,
        now_ms: Callable[[], int] = lambda: 1,
        singles: bool = True,
    ) -> None:
        self.keeper = Keeper(file, epoch, now_ms, singles=singles)
        self.source: sqlite3.Connection = readable(database)
        self.is_up = True
        self.asked: list[Span] = []

    async def find(self, tokens: Alternatives, spans: Sequence[Span], limit: int) -> Sequence[Candidates]:
        self.asked += spans
        if not self.is_up:
            return [Candidates(0, ())] * len(spans)
        return [self.keeper.find(tokens, span, limit) for span in spans]

    def on_commit(self, rooms: Collection[int]) -> None:
        self.keeper.note(list(rooms))

    def step(self) -> bool:
        """Do a little; return whether there is more."""
        return self.keeper.mend() or self.keeper.step(self.source)

    def catch_up(self) -> None:
        """Fill the index with all there is."""
        while self.step():
            pass

    @property
    def status(self) -> IndexStatus:
        return self.keeper.status

    def rebuild(self) -> bool:
        self.keeper.rebuild()
        return True

    async def close(self) -> None:
        self.source.close()
        self.keeper.close()


def local_index(app: App, directory: Path) -> LocalIndex:
    """Return an empty index of the messages of an app, whose database lies in this directory."""
    files = directory / "chatd.sqlite", directory / "search.sqlite"
    return LocalIndex(*files, app.store.epoch, now_ms=app.context.env.now_ms)
