"""The index of messages in a run: filled by a task of the daemon, at its own pace, and now and then gone.

The index is the product's, as are the reads by which it is filled. Its file lies outside of the simulated disk and
outlives crashes and restores, as it does where nobody deletes it.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chatd.commands.context import Context
from chatd.config.groups import Search
from chatd.core.searches import Alternatives, Span
from chatd.search.feeder import Feeder
from chatd.search.handover import IndexSettings
from chatd.search.interface import Candidates, IndexStatus
from chatd.search.keeper import Keeper

if TYPE_CHECKING:
    from tests.simulation.actions import Actor
    from tests.simulation.world import World

# A step of few events comes after up to a second: some searches find the index behind.
STEP_S, STEPS, STEP_EVENTS = 0.05, 20, 3
# The index is gone, or its process is, before one step in so many; a process is up again after so many steps.
GONE_ONE_IN = 12
DOWN_STEPS = 4
TEXTS = ("hi", "words", "quick", "oth wor", "longer sentence", "again", "type", "nobody")


def settings(place: Path) -> Search:
    """Return the section of a configuration. `place`: where the index lies."""
    return Search(enabled=True, file=str(place / "search.sqlite"))


class SimIndex:
    """The index of one process of the daemon."""

    def __init__(self, world: "World", settings: IndexSettings, context: Context) -> None:
        self._world = world
        self._context = context
        self._lane = world.choices.lane(f"index {world.machine.boots}")
        now_ms = context.env.now_ms
        self.keeper = Keeper(Path(settings.file), settings.epoch, now_ms, singles=settings.singles)
        self._begin()
        self._down = 0
        self._filling = asyncio.create_task(self._fill())

    def _begin(self) -> None:
        """Let another process go on, which knows nothing of what this one was told."""
        now_ms = self._context.env.now_ms
        self.keeper._feeder = Feeder(self.keeper._writing, now_ms, step_events=STEP_EVENTS)

    async def find(self, tokens: Alternatives, spans: Sequence[Span], limit: int) -> Sequence[Candidates]:
        await asyncio.sleep(0)
        if self._down:
            return [Candidates(0, ())] * len(spans)
        self._world.count("search while the index is behind", bool(self.keeper.status.behind))
        return [self.keeper.find(tokens, span, limit) for span in spans]

    def on_commit(self, rooms: Collection[int]) -> None:
        if not self._down:
            self.keeper.note(list(rooms))

    def rebuild(self) -> bool:
        self.keeper.rebuild()
        return True

    @property
    def status(self) -> IndexStatus:
        return self.keeper.status

    async def close(self) -> None:
        self._filling.cancel()
        self.keeper.close()

    async def _fill(self) -> None:
        while True:
            await asyncio.sleep(STEP_S * (1 + self._lane.pick(STEPS)))
            if self._world.scenario.has("index_gone") and self._lane.befalls(GONE_ONE_IN):
                self._break()
            if self._down:
                self._down -= 1
                continue
            self.keeper.mend()
            await self._context.store.read(self.keeper.step)

    def _break(self) -> None:
        """Kill the process of the index, or delete the file."""
        if self._lane.befalls(2):
            self._world.count("the index was deleted")
            self.keeper._path.unlink(missing_ok=True)
        else:
            self._world.count("the process of the index died")
            self._down = DOWN_STEPS
            self._begin()


class SimSearch:
    """Makes the index of each process; that of the process before is closed, as its death does."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._last: SimIndex | None = None

    def __call__(self, settings: IndexSettings, context: Context) -> SimIndex:
        self.close()
        self._last = SimIndex(self._world, settings, context)
        return self._last

    def close(self) -> None:
        """Close the files."""
        if self._last is not None:
            self._last.keeper.close()
            self._last = None


def search_room(actor: "Actor") -> None:
    lane = actor.client.lane
    asked: dict[str, object] = {"text": TEXTS[lane.pick(len(TEXTS))]}
    if lane.befalls(4):
        asked["from"] = actor.someone()
    if lane.befalls(6):
        asked["has"] = ["mention"]
    actor.ask({"type": "search", "room": actor.room(), "limit": 49, **asked})


def search_rooms(actor: "Actor") -> None:
    actor.ask({"type": "search", "text": TEXTS[actor.client.lane.pick(len(TEXTS))], "limit": 49})


SEARCH_ACTIONS: tuple[Callable[["Actor"], None], ...] = (*(search_room,) * 4, *(search_rooms,) * 2)
