"""The hooks of bots: receivers like the endpoints of the configuration, each of the updates of its bot.

They are set by the API, so their addresses are public, or in `egress.allow`.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from chatd.config.hooks import Endpoint
from chatd.config.secret import Secret
from chatd.core.bots import Bot, DeletedBot, Hook, consumer_of
from chatd.core.users import Account
from chatd.core.write_set import WriteSet
from chatd.egress.guard import EgressRefused, target_of
from chatd.egress.signing import key_of
from chatd.protocol.errors import Refused
from chatd.storage.interface import DecisionStore
from chatd.storage.views import FeedPage
from chatd.webhooks.settings import Receiver

# Each is a task that reads once a minute, and a connection: more bots ask for their updates.
HOOKS_MAX = 500


class Updates(Protocol):
    """The updates of all bots."""

    async def page(self, bot: Bot, after: str, limit: int, *, wait_s: float) -> FeedPage: ...


@dataclass(slots=True, frozen=True)
class BotFeed:
    """The updates of one bot, as a feed. Two are equal when they tell the same."""

    bot: Bot
    updates: Updates = field(compare=False)

    async def page(
        self, after: str = "", limit: int = 1, types: Collection[str] = (), *, wait_s: float = 0
    ) -> FeedPage:
        return await self.updates.page(self.bot, after, limit, wait_s=wait_s)


class BotHooks:
    """The hooks of all bots. `changed` is called when there are others, with the names of receivers that are gone."""

    def __init__(
        self, store: DecisionStore, updates: Updates, changed: Callable[[Collection[str]], None]
    ) -> None:
        self._store = store
        self._updates = updates
        self._changed = changed
        self._bots: dict[str, Bot] = {}
        self._disabled: set[str] = set()

    async def load(self) -> None:
        """Read the hooks, before anything is delivered."""
        self._bots = {bot.user: bot for bot in await self._store.bots_with_hooks()}
        known = await self._store.people(self._bots.keys(), ())
        self._disabled = {account.user for account in known.accounts.values() if account.disabled}

    def receivers(self, allow: Sequence[str]) -> tuple[Receiver, ...]:
        """Return the receivers of today. `allow`: the networks that they may be in besides public ones."""
        return tuple(
            self._receiver(bot, bot.hook, tuple(allow))
            for bot in self._bots.values()
            if bot.hook is not None and bot.user not in self._disabled
        )

    def check(self, user: str, hook: Hook) -> None:
        """Raise Refused for a hook that nothing can be sent to."""
        if user not in self._bots and len(self._bots) >= HOOKS_MAX:
            raise Refused("too_large", f"at most {HOOKS_MAX} bots have hooks", field="hook")
        try:
            target_of(hook.url)
        except EgressRefused as error:
            raise Refused("bad_request", str(error), field="hook.url") from error
        try:
            key_of(Secret(hook.secret))
        except ValueError as error:
            message = "the secret is whsec_ and 24 to 64 bytes in base64"
            raise Refused("bad_request", message, field="hook.secret") from error

    def on_commit(self, writes: WriteSet) -> None:
        """Take the hooks that a commit changed. A commit hook."""
        if not writes.records:
            return
        before = dict(self._bots), set(self._disabled)
        for bot in writes.records_of(Bot):
            self._bots[bot.user] = bot
            if bot.hook is None:
                del self._bots[bot.user]
        gone = [deleted.user for deleted in writes.records_of(DeletedBot)]
        for user in gone:
            self._bots.pop(user, None)
        for account in writes.records_of(Account):
            if account.is_automated:
                (self._disabled.add if account.disabled else self._disabled.discard)(account.user)
        if gone or before != (self._bots, self._disabled):
            self._changed([consumer_of(user) for user in gone])

    def _receiver(self, bot: Bot, hook: Hook, allow: tuple[str, ...]) -> Receiver:
        settings = Endpoint(consumer_of(bot.user), hook.url, secret_file="")
        feed = BotFeed(Bot(bot.user, sees=bot.sees), self._updates)
        return Receiver(settings, (Secret(hook.secret),), allow, feed=feed, configured=False)
