"""The updates of bots: the part of the event feed that each is told, and waiting for more of it.

A bot that waits is woken by commits in its own rooms alone (`Room.bots`): thousands may wait beside a busy chat.
"""

import asyncio
from dataclasses import replace

from msgspec import UNSET, structs

from chatd.core.bots import Bot
from chatd.core.room_steps import MemberLeft
from chatd.core.write_set import WriteSet
from chatd.delivery.event_feed import ENTRIES_MAX, PACE_S, PAGE_BYTES_MAX
from chatd.env import Env
from chatd.storage.feeds import FeedStore
from chatd.storage.views import FeedPage, FeedQuery


class BotUpdates:
    """The updates of all bots of one daemon."""

    def __init__(self, store: FeedStore, env: Env) -> None:
        self._store = store
        self._env = env
        # By bot: set at the next commit that concerns it, and dropped then.
        self._concerned: dict[str, asyncio.Event] = {}
        self._closed = False

    async def page(
        self,
        bot: Bot,
        after: str = "",
        limit: int = ENTRIES_MAX,
        *,
        wait_s: float = 0,
        bytes_max: int = PAGE_BYTES_MAX,
    ) -> FeedPage:
        """Return up to `limit` entries that `bot` is told behind the cursor `after`, as `EventFeed.page` does."""
        deadline = self._env.monotonic() + wait_s
        env = self._env
        query = FeedQuery(after, limit, bytes_max, frozenset(), env.now_ms(), env.thread_cpu_s)
        concerned = self._next(bot.user)
        page = first = await self._store.bot_page(query, bot)
        cpu_s = page.cpu_s
        while not page.entries:
            if page.at_end:
                if not await self._is_woken(concerned, deadline):
                    break
                # Most of a busy group is not for a bot: it is not read commit by commit.
                await asyncio.sleep(max(0.0, min(PACE_S, deadline - self._env.monotonic())))
                concerned = self._next(bot.user)
            query = replace(query, after=page.next, now=self._env.now_ms())
            page = await self._store.bot_page(query, bot)
            cpu_s += page.cpu_s
        # Which key did it and what screening thought of it is for the host alone.
        entries = [
            structs.replace(entry, by=UNSET, unscreened=False, flagged=False) for entry in page.entries
        ]
        return replace(page, after=first.after, entries=entries, cpu_s=cpu_s)

    def on_commit(self, writes: WriteSet) -> None:
        """Wake the bots that a commit concerns. A commit hook."""
        if not self._concerned:
            return
        for steps in writes.steps.values():
            for bot in steps[0].room.bots:
                self._wake(bot)
            for step in steps if writes.moves else ():
                if isinstance(step, MemberLeft):
                    self._wake(step.user)
        for pair in writes.ties or ():
            for user in pair:
                self._wake(user)

    def close(self) -> None:
        """Let no bot wait any more."""
        self._closed = True
        for bot in [*self._concerned]:
            self._wake(bot)

    def _next(self, bot: str) -> asyncio.Event:
        return self._concerned.setdefault(bot, asyncio.Event())

    def _wake(self, user: str) -> None:
        if event := self._concerned.pop(user, None):
            event.set()

    async def _is_woken(self, concerned: asyncio.Event, deadline: float) -> bool:
        """Wait for a commit; return False when there was none in time, or when the daemon stops."""
        left = deadline - self._env.monotonic()
        if left <= 0 or self._closed:
            return False
        try:
            async with asyncio.timeout(left):
                await concerned.wait()
        except TimeoutError:
            return False
        return not self._closed
