"""A judge for tests: it answers when it is told to, as it is told to."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from chatd.core.screening import On
from chatd.webhooks.interface import Item, Verdict

PASS = Verdict("pass")
EVERYTHING: tuple[On, ...] = ("message", "edit", "room", "member", "friend", "profile")

Opinion = Callable[[Item], Verdict | None]


class ManualJudge:
    """A before-hook in memory. `opinion`: its verdict on an item. `calls`: all of them, in order.

    A call waits until `answer`, or is answered at once where `waits` is False.
    """

    name, deadline_s = "manual", 60.0

    def __init__(
        self,
        opinion: Opinion = lambda item: PASS,
        *,
        on: Iterable[On] = EVERYTHING,
        open: bool = False,
        waits: bool = False,
        batch: int = 64,
    ) -> None:
        self.opinion = opinion
        self.on = frozenset(on)
        self.fails_open = open
        self.batch = batch
        self.waits = waits
        self.calls: list[list[Item]] = []
        self.is_closed = False
        self._open: list[asyncio.Future[None]] = []

    @property
    def items(self) -> list[Item]:
        """The items of all calls."""
        return [item for call in self.calls for item in call]

    @property
    def under_way(self) -> int:
        """The calls that wait for their answer."""
        return sum(not one.done() for one in self._open)

    async def judge(self, items: Sequence[Item]) -> Sequence[Verdict | None]:
        self.calls.append(list(items))
        if self.waits:
            waiting = asyncio.get_running_loop().create_future()
            self._open.append(waiting)
            await waiting
        return [self.opinion(item) for item in items]

    def answer(self, place: int = 0) -> None:
        """Let one of the calls under way answer, the oldest unless said."""
        [one for one in self._open if not one.done()][place].set_result(None)

    async def close(self) -> None:
        self.is_closed = True
