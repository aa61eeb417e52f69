"""The questions to one before-hook: gathered into calls, a few at a time, and not asked at all while it is down."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from chatd.env import Env
from chatd.webhooks.interface import Item, Judge, Verdict

log = logging.getLogger(__name__)

# One call holds a place of the back end; what waits meanwhile goes in the next one.
CALLS_MAX = 4
# What is asked while a call is under way waits so long for more of it, unless it fills a call: one costs the daemon as
# much as two messages, and its back end more, which has answered by then if it is fast.
GATHER_S = 0.004
# Calls in a row that gave no verdict: one may be lost, and a restart of a back end takes some.
FAILURES_MAX = 20
# A back end that is up again is found soon, and one that is down costs it nothing.
PROBE_S = 5.0

KeepTask = Callable[[asyncio.Future[None]], object]


@dataclass(slots=True, eq=False)
class _Question:
    """An item that waits. `due`: when it has waited for its call as long as it may, monotonic seconds."""

    item: Item
    due: float
    verdict: asyncio.Future[Verdict | None]


class Judging:
    """The calls to one judge."""

    def __init__(self, judge: Judge, env: Env, keep_task: KeepTask) -> None:
        self.judge = judge
        self._env = env
        self._keep_task = keep_task
        self._questions: deque[_Question] = deque()
        self._calls: set[asyncio.Future[None]] = set()
        # Whether a call was begun that has not taken its items yet.
        self._beginning = False
        self._is_gathering = False
        self._failures = 0
        self._probe_at = 0.0

    @property
    def is_down(self) -> bool:
        """Whether it gave no verdict so often that it is not asked, except for a probe now and then."""
        return self._failures >= FAILURES_MAX

    async def verdict(self, item: Item) -> Verdict | None:
        """Return the verdict on an item; None when there is none."""
        now = self._env.monotonic()
        if self.is_down:
            if now < self._probe_at:
                return None
            self._probe_at = now + PROBE_S
        question = _Question(item, now + self.judge.deadline_s, asyncio.get_running_loop().create_future())
        self._questions.append(question)
        if not self._calls or len(self._questions) >= self.judge.batch:
            self._begin()
        elif not self._is_gathering:
            self._is_gathering = True
            self._env.call_later(GATHER_S, self._end_gathering)
        return await question.verdict

    def _end_gathering(self) -> None:
        self._is_gathering = False
        if self._questions:
            self._begin()

    def _begin(self) -> None:
        """Begin a call, unless one will take what waits."""
        if not self._beginning and len(self._calls) < CALLS_MAX:
            self._beginning = True
            call = asyncio.ensure_future(self._call())
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
            self._keep_task(call)

    async def retire(self) -> None:
        """Close the judge when the calls that are under way have ended."""
        await asyncio.gather(*self._calls, return_exceptions=True)
        await self.judge.close()

    async def _call(self) -> None:
        """Ask about what waits, call after call, until nothing does."""
        # Whatever else was asked in this turn of the loop, as a batch of sends, goes along.
        await asyncio.sleep(0)
        self._beginning = False
        while some := self._due():
            for question, verdict in zip(some, await self._asked(some), strict=True):
                if not question.verdict.done():
                    question.verdict.set_result(verdict)
        # At once: whoever asks before the callbacks of the task waits for nothing.
        self._calls -= {asyncio.current_task()}

    def _due(self) -> list[_Question]:
        """Take the questions of one call; those that waited too long have no verdict.

        One call asks about an item once: the same change that was sent again goes in the next.
        """
        now, some, again = self._env.monotonic(), dict[str, _Question](), list[_Question]()
        while self._questions and len(some) < self.judge.batch:
            question = self._questions.popleft()
            if question.verdict.done():
                continue
            if question.due < now:
                question.verdict.set_result(None)
            elif question.item.id in some:
                again.append(question)
            else:
                some[question.item.id] = question
        self._questions.extendleft(reversed(again))
        return list(some.values())

    async def _asked(self, some: list[_Question]) -> list[Verdict | None]:
        verdicts: list[Verdict | None] = [None] * len(some)
        try:
            async with asyncio.timeout(self.judge.deadline_s):
                given = await self.judge.judge([question.item for question in some])
            if len(given) == len(some):
                verdicts = list(given)
        except TimeoutError:
            pass
        except Exception:
            log.exception("the before-hook %s failed", self.judge.name)
        self._note(is_answered=any(verdict is not None for verdict in verdicts))
        return verdicts

    def _note(self, *, is_answered: bool) -> None:
        """Count a call. At the last failure what waits has no verdict, either."""
        if is_answered:
            if self.is_down:
                log.warning("the before-hook %s answers again", self.judge.name)
            self._failures = 0
            return
        self._failures += 1
        if self._failures == FAILURES_MAX:
            log.error(
                "the before-hook %s is down: %d calls in a row gave no verdict", self.judge.name, FAILURES_MAX
            )
        if self.is_down:
            self._probe_at = self._env.monotonic() + PROBE_S
            for question in self._questions:
                if not question.verdict.done():
                    question.verdict.set_result(None)
            self._questions.clear()
