"""Bots as the host makes and reads them: their settings, and their updates without a connection."""

from typing import Protocol

from chatd.commands.admin import Writes
from chatd.core.audit import Audit
from chatd.core.bots import Bot, DeleteBot, Hook, PutBot
from chatd.core.users import Account
from chatd.delivery.bot_updates import BotUpdates
from chatd.delivery.event_feed import events_of
from chatd.env import Env
from chatd.protocol.errors import Refused, Unavailable
from chatd.protocol.event_feed import Events
from chatd.storage.interface import DecisionStore, UserStore
from chatd.webhooks.bot_hooks import BotHooks

# Each reads a page when something happens in a room of its bot.
WAITERS_MAX = 64
WAITER_RETRY_MS = 1_000


class HostStore(DecisionStore, UserStore, Protocol):
    """The parts of a store that bots are read from."""


class HostBots:
    """The bots of the host. `updates` and `hooks`: None where bots are switched off."""

    def __init__(
        self,
        store: HostStore,
        writes: Writes,
        updates: BotUpdates | None,
        hooks: BotHooks | None,
        env: Env,
    ) -> None:
        self._store = store
        self._writes = writes
        self._updates = updates
        self._hooks = hooks
        self._env = env
        self._waiting = 0

    async def put(self, user: str, request: PutBot, audit: Audit) -> None:
        """Change the settings of a bot, or make one. Raises Refused."""
        self._require()
        if isinstance(request.hook, Hook) and self._hooks is not None:
            self._hooks.check(user, request.hook)
        await self._writes(user, request, audit)

    async def delete(self, user: str, audit: Audit) -> None:
        """Remove the settings of a bot. Raises Refused("not_found")."""
        self._require()
        await self._writes(user, DeleteBot(), audit)

    async def get(self, user: str) -> tuple[Bot, Account]:
        """Return a bot with its account. Raises Refused("not_found")."""
        self._require()
        found, account = await self._store.bots([user]), await self._store.account(user)
        if not found or account is None:
            raise Refused("not_found", "there is no such bot")
        return found[0], account

    async def listed(self, after: str, limit: int) -> list[tuple[Bot, Account]]:
        """Return up to `limit` bots behind `after` with their accounts, in order of user id."""
        self._require()
        bots = await self._store.bots_behind(after, limit)
        accounts = (await self._store.people([bot.user for bot in bots], ())).accounts
        return [(bot, accounts[bot.user]) for bot in bots]

    async def page(self, user: str, after: str, limit: int, wait_s: float) -> Events:
        """Return a page of the updates of a bot; while there is none behind `after`, wait for it.

        Raises Refused: "not_found", "forbidden" when its account is disabled, "bad_cursor". Raises
        Unavailable("overloaded") when WAITERS_MAX wait already.
        """
        updates = self._require()
        bot, account = await self.get(user)
        if account.disabled:
            raise Refused("forbidden", "the account of this bot is disabled")
        if wait_s and self._waiting >= WAITERS_MAX:
            raise Unavailable(
                "overloaded", f"{WAITERS_MAX} requests wait already", retry_after=WAITER_RETRY_MS
            )
        self._waiting += bool(wait_s)
        try:
            page = await updates.page(bot, after, limit, wait_s=wait_s)
        finally:
            self._waiting -= bool(wait_s)
        return events_of(page, self._env.now_ms())

    def _require(self) -> BotUpdates:
        if self._updates is None:
            raise Refused("not_supported", "bots are switched off here")
        return self._updates
