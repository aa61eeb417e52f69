"""The limit of hellos under way: so many at once, the next ones in order of arrival, the others told to retry."""

import asyncio
from collections import OrderedDict

from chatd.core.rates import retry_after_ms
from chatd.core.retry_schedule import RetrySchedule
from chatd.env import Env
from chatd.protocol.errors import Unavailable

# The longest wait of a hello for its turn. A client gives up after 10, and should learn sooner that it has to retry.
WAIT_S = 2.0


class HelloLimiter:
    """The queue of hellos. Call `wait_turn` and, when it returned, `done` exactly once.

    As many wait as are served in WAIT_S, by the rate measured last; so a storm neither fills memory with hellos
    whose clients gave up, nor keeps the loop from connections that are ready.
    """

    def __init__(self, env: Env, at_once: int) -> None:
        self.at_once = at_once
        self.under_way = 0
        self._env = env
        self._retry_schedule = RetrySchedule()
        self._waiting: OrderedDict[asyncio.Future[None], None] = OrderedDict()

    def reconfigure(self, at_once: int) -> None:
        """Let so many be under way at once from now on."""
        self.at_once = at_once

    @property
    def waiting(self) -> int:
        """The number of hellos that wait for their turn."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether nobody else may wait."""
        return len(self._waiting) >= max(self.at_once, self._retry_schedule.per_s * WAIT_S)

    async def wait_turn(self) -> None:
        """Return when it is the caller's turn; raise Unavailable("overloaded", retry_after=ms) when it is full."""
        if self.under_way < self.at_once and not self._waiting:
            self.under_way += 1
            return
        if self.full:
            raise Unavailable("overloaded", "too many come at once", retry_after=self.booked_ms())
        turn = asyncio.get_running_loop().create_future()
        self._waiting[turn] = None
        try:
            await turn
        except asyncio.CancelledError:
            # Its turn had come already.
            if self._waiting.pop(turn, self) is self:
                self.done()
            raise

    def done(self) -> None:
        """Note that a hello is over, however it ended, and give the next ones their turn."""
        self.under_way -= 1
        if self._waiting:
            self._retry_schedule.served(self._env.monotonic())
        else:
            self._retry_schedule.rest()
        while self._waiting and self.under_way < self.at_once:
            turn, _ = self._waiting.popitem(last=False)
            self.under_way += 1
            turn.set_result(None)

    def booked_ms(self) -> int:
        """Reserve a time for a hello that is refused; return the milliseconds until then."""
        return retry_after_ms(self._retry_schedule.book(self._env.monotonic(), self._env.random()))
