"""The parts of a daemon that serve the back end of the host app: its API, what it is told, and its bots."""

from collections.abc import Callable, Collection, Sequence
from functools import partial

from chatd.commands.admin import Admin, Writes
from chatd.commands.api_keys import ApiKeys
from chatd.commands.context import Context
from chatd.commands.event_feed import FeedPages
from chatd.commands.filters import FilterLists
from chatd.commands.graph import Graph
from chatd.commands.host_bots import HostBots
from chatd.commands.host_media import HostMedia
from chatd.commands.host_push import HostPush
from chatd.commands.host_rooms import HostRooms
from chatd.commands.host_search import HostSearch
from chatd.commands.host_stats import StatsReader
from chatd.commands.imports import Imports
from chatd.commands.webhooks import Webhooks
from chatd.config.model import Config
from chatd.core.read_set import PeopleRules
from chatd.delivery.bot_updates import BotUpdates
from chatd.delivery.event_feed import EventFeed
from chatd.delivery.fanout import Fanout
from chatd.delivery.moderation import count_reports
from chatd.delivery.restrictions import Restrictions
from chatd.http.api.route import Route, Services
from chatd.moderation.compiling import compiled
from chatd.server.persons import Persons
from chatd.server.rules import people_rules_of
from chatd.storage.interface import Store
from chatd.webhooks.bot_hooks import BotHooks
from chatd.webhooks.deliveries import Deliveries
from chatd.webhooks.settings import Receiver
from chatd.writer.commit_hooks import CommitHooks
from chatd.writer.screening import Screening
from chatd.writer.submission import Submit, submit_and_wait


class HostParts:
    """The parts, each on the same path to the store as a request of a phone.

    `bot_updates`, `bot_hooks`: None where bots are switched off.
    """

    def __init__(
        self,
        store: Store,
        context: Context,
        fanout: Fanout,
        screening: Screening,
        event_feed: EventFeed | None,
        persons: Persons,
    ) -> None:
        config = context.config
        self._store = store
        self._context = context
        self._persons = persons
        self._event_feed = event_feed
        self._endpoints: Sequence[Receiver] = ()
        self.writes = Writes(context.submit, context.writer.submit, config.api.writes_waiting)
        self.admin = Admin(store, self.writes, context.hub, context.identity, context.env, self._actor)
        self.graph = Graph(store, self.writes, self._people_rules, fanout.tell_imported)
        self.rooms = HostRooms(context, self.writes)
        self.feed_pages = FeedPages(event_feed, context.env)
        self.webhooks = Webhooks(store, self.writes)
        self.bot_updates = BotUpdates(store.feed, context.env) if config.bots.enabled else None
        self.bot_hooks = (
            None if self.bot_updates is None else BotHooks(store, self.bot_updates, self._on_bot_hooks)
        )
        self.bots = HostBots(store, self.writes, self.bot_updates, self.bot_hooks, context.env)
        self.push = HostPush(
            store, context.push, self.admin, self.writes, lambda: context.config.push.members_all
        )
        self.search = HostSearch(self.admin, lambda: context.search)
        self.media = HostMedia(store, context.media, self.admin, self.writes, context.env)
        self.imports = Imports(store, self.writes)
        self.stats = StatsReader(context)
        self.api_keys = ApiKeys(store, self.writes, context.env)
        self.filters = FilterLists(
            store, self.writes, compiled, screening.adopt, lambda: context.config.moderation
        )

    def subscribe(self, hooks: CommitHooks) -> None:
        """Follow what is stored."""
        hooks.committed.subscribe(self.api_keys.on_commit)
        restrictions = Restrictions(self._context.env, self._context.hub)
        # They are done when the host is answered.
        hooks.published.subscribe(restrictions.on_commit, partial(count_reports, self._context.counters))
        if self.bot_hooks is not None:
            hooks.committed.subscribe(self.bot_hooks.on_commit)
        if self.bot_updates is not None:
            hooks.published.subscribe(self.bot_updates.on_commit)

    async def load(self) -> None:
        """Read the keys and the hooks of bots; before anybody is let in."""
        if self.bot_hooks is not None:
            await self.bot_hooks.load()
        await self.api_keys.load()

    def services(
        self, console_link: Callable[[str, Collection[str]], str], table: tuple[Route, ...]
    ) -> Services:
        """Return the parts that routes of the host's API use. `table`: all routes."""
        return Services(
            self.admin,
            self.graph,
            self.rooms,
            self.feed_pages,
            self.bots,
            self.stats,
            self.webhooks,
            self.api_keys,
            self.filters,
            self.imports,
            self._persons.privacy(self.writes, self._context.hub),
            self.push,
            self.media,
            self.search,
            console_link,
            table,
        )

    def deliver(self, receivers: Sequence[Receiver], config: Config) -> Deliveries | None:
        """Have events delivered to these endpoints; return what has to run for it, None while there never was one."""
        deliveries, self._endpoints = self.webhooks.deliveries, receivers
        if deliveries is None and (receivers or self.bot_hooks is not None) and self._event_feed is not None:
            context = self._context
            save = partial(submit_and_wait, context.writer.submit, "")
            writer = context.writer
            deliveries = Deliveries(
                self._event_feed, self._store, context.env, context.counters, save, lambda: writer.is_busy
            )
            self.webhooks.direct(deliveries)
        if deliveries is not None:
            bots = () if self.bot_hooks is None else self.bot_hooks.receivers(config.egress.allow)
            deliveries.reconfigure((*receivers, *bots))
        return deliveries

    def reconfigure(self, config: Config) -> None:
        """Put other settings in force; those of deliveries by `deliver`."""
        self.writes.reconfigure(config.api.writes_waiting)

    def use(self, submit: Submit) -> None:
        """Submit what others will read by another door from now on."""
        self.writes.use(submit)

    def close(self) -> None:
        """Answer the requests that wait for updates of bots."""
        if self.bot_updates is not None:
            self.bot_updates.close()

    def _on_bot_hooks(self, gone: Collection[str]) -> None:
        """Deliver to the hooks that bots have now. `gone`: receivers that there are no more."""
        if self.webhooks.deliveries is not None:
            self.webhooks.deliveries.forget(gone)
        self.deliver(self._endpoints, self._context.config)

    def _actor(self) -> str:
        return self._context.config.moderation.actor

    def _people_rules(self) -> PeopleRules:
        return people_rules_of(self._context.config.people)
