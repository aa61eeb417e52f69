"""The composition of the parts of a daemon behind its listeners: everything but sockets."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Mapping
from functools import partial
from typing import Any

from chatd.auth.interface import Identity
from chatd.auth.passwords import Passwords
from chatd.bus.local import LocalBus
from chatd.commands.context import Context
from chatd.commands.hello_limiter import HelloLimiter
from chatd.commands.login import Login
from chatd.commands.lookups import Lookups
from chatd.commands.media_door import MediaDoor
from chatd.commands.push_door import PushDoor
from chatd.config.model import Config
from chatd.core.allowances import Allowances
from chatd.core.event_feed import note_entries
from chatd.core.maintenance import ForgetKeys
from chatd.core.room_cache import RoomCache
from chatd.core.write_set import WriteSet
from chatd.delivery.event_feed import EventFeed
from chatd.delivery.fanout import Fanout
from chatd.delivery.hub import Hub
from chatd.delivery.presence import LocalPresence
from chatd.delivery.profiles import ProfileChanges
from chatd.delivery.recent_commits import RecentCommits
from chatd.delivery.watch_rights import WatchRights
from chatd.env import Env
from chatd.jobs.contact_expiry import ContactExpiry
from chatd.jobs.event_feed import FeedUpkeep, end_feed
from chatd.jobs.join_expiry import JoinExpiry
from chatd.jobs.last_seen import LastSeenRecorder
from chatd.jobs.maintenance import Maintenance
from chatd.jobs.media import Collector
from chatd.jobs.message_requests import RequestBound
from chatd.jobs.scheduled import ScheduledMessages
from chatd.protocol.codec import Vocabulary
from chatd.protocol.connection import Hello
from chatd.protocol.errors import ChatError
from chatd.push.settings import vapid_public
from chatd.server.accounts import Accounts
from chatd.server.capability import Capability, combined
from chatd.server.host_parts import HostParts
from chatd.server.media import MediaParts
from chatd.server.persons import Persons
from chatd.server.push import MakeSender, PushParts
from chatd.server.rules import (
    allowances_of,
    bounds_of,
    people_rules_of,
    rules_of,
    screening_rules_of,
    screens,
)
from chatd.server.search import MakeIndex, SearchParts, require_library
from chatd.session.rate_limits import RateLimits
from chatd.session.session import Session
from chatd.storage.interface import Store
from chatd.telemetry.counters import Counters
from chatd.websocket.admission import Admission
from chatd.writer.commit_hooks import CommitHooks, Subscribers
from chatd.writer.judged_rooms import JudgedRooms
from chatd.writer.read_set_loader import ReadSetLoader
from chatd.writer.room_loader import RoomLoader
from chatd.writer.screening import Screening
from chatd.writer.sources import Sources
from chatd.writer.submission import Submission, Submit
from chatd.writer.writer import Writer

log = logging.getLogger(__name__)

Work = Callable[[], Coroutine[Any, Any, None]]
NO_KEY = "there is no key to verify a token with"
COMMIT_S = 10.0  # duration of one commit: the longest a client waits for its answer
TROUBLES_INTERVAL_S = 1.0  # soon enough for an operator, and no load


class App:
    """The parts of a daemon behind its listeners: everything but sockets. Made when the store is open.

    `whole`: the chat of this package and the capabilities it was combined with. `login_links`: users by the code of
    their link, on a development server.
    """

    def __init__(
        self,
        config: Config,
        env: Env,
        store: Store,
        identity: Identity,
        whole: Capability | None = None,
        login_links: Mapping[str, str] | None = None,
    ) -> None:
        whole = whole or combined(people=config.people.enabled)
        self.store = store
        self.counters = Counters(troubles=store.troubles.met)
        self.identity = identity
        self.passwords = Passwords()
        self.hello_limiter = HelloLimiter(env, config.limits.hellos_under_way)
        self.admission: Admission[Any] = Admission(config.limits, self._crowded_ms)
        self.rate_limits = RateLimits(config.rates, env, self.counters, self.admission)
        self.hub = Hub(config.delivery.full_members, RecentCommits(whole.of_users))
        self.fanout = Fanout(config, env, self.hub, self.counters, whole.sections)
        people = people_rules_of(config.people)
        self.rooms = RoomLoader(store, env, RoomCache(), people, bots=config.bots.enabled)
        allowances = Allowances()
        allowances.become(allowances_of(config))
        sources = Sources(store, env, self.rooms)
        self.read_set_loader = ReadSetLoader(sources, rules_of(config), allowances, whole.needs)
        self.hooks = CommitHooks(
            committed=Subscribers(self.read_set_loader.charge, self.rooms.committed),
            published=Subscribers(self._publish, LocalBus().publish),
            storing=partial(note_entries, reads=config.events.reads) if config.events.enabled else None,
        )
        self.writer = Writer(store, env, self.read_set_loader, whole.decisions, self.hooks, self.counters)
        judged_rooms = JudgedRooms(self.read_set_loader, store, env, allowances, whole.decisions)
        self.screening = Screening(
            self.writer.submit, judged_rooms, env, self.counters, self.rate_limits.keep_task
        )
        self.media_door = MediaDoor(env, is_on=config.media.enabled)
        self.screening.reconfigure(screening_rules_of(config, env, self.media_door.host_link))
        self.maintenance = Maintenance(store, env, self.rooms, self.writer, config)
        self.event_feed = EventFeed(store.feed, env) if config.events.enabled else None
        self.feed_upkeep = (
            FeedUpkeep(store.feed, env, self.writer, config.events) if self.event_feed else None
        )
        self.presence = LocalPresence(
            env,
            self.fanout.presence,
            interval_s=config.delivery.presence_interval_s,
            linger_s=config.delivery.presence_linger_s,
            on_presence=self.feed_upkeep.on_presence if self.feed_upkeep else None,
        )
        watch_rights = WatchRights(
            store, self.presence, self.rate_limits.keep_task, config.privacy.shown_to, people
        )
        self.request_bound = RequestBound(store, self.writer, self.rate_limits.keep_task, people)
        self.profile_changes = ProfileChanges(
            env, store, self.presence, self.hub, self.rate_limits.keep_task, config.delivery
        )
        self.login = Login(store, self.writer, self.passwords, identity, config.auth.login_token_ttl_s)
        self.accounts = Accounts(self.login, identity, self.rate_limits, self.counters, login_links or {})
        self.context = self._context(config, env, whole, watch_rights)
        self.persons = Persons(store, env, self.writer, self.counters)
        self.persons.reconfigure(config)
        self.scheduled = ScheduledMessages(store.scheduled, env, lambda one: self.context.submit(one))
        self.push = PushParts(store, self.context, self.hooks)
        self.search = SearchParts(store, self.context, self.hooks)
        self.host = HostParts(store, self.context, self.fanout, self.screening, self.event_feed, self.persons)
        self.media = (
            MediaParts(store, self.context, self.host.api_keys, self.hooks) if config.media.enabled else None
        )
        self._subscribe(config, whole)

    def _subscribe(self, config: Config, whole: Capability) -> None:
        """Let the parts follow what is stored, in the order of its effects."""
        committed, published = self.hooks.committed, self.hooks.published
        published.subscribe(self.maintenance.on_commit, self.context.watch_rights.on_commit)
        published.subscribe(self.persons.deleted_channels.on_commit, self.scheduled.on_commit)
        if self.event_feed is not None:
            published.subscribe(self.event_feed.on_commit)
        if config.people.enabled:
            published.subscribe(self.request_bound.on_commit, self.profile_changes.on_commit)
        self.host.subscribe(self.hooks)
        published.subscribe(self.screening.on_commit)
        committed.subscribe(*(partial(hook, self.context) for hook in whole.committed))
        published.subscribe(*(partial(hook, self.context) for hook in whole.published))

    def _context(self, config: Config, env: Env, whole: Capability, watch_rights: WatchRights) -> Context:
        """Return the parts that commands work with."""
        return Context(
            config=config,
            env=env,
            commands=whole.commands,
            vocabulary=Vocabulary((Hello, *whole.commands)),
            sections=whole.sections,
            store=self.store,
            identity=self.identity,
            rooms=self.rooms,
            writer=self.writer,
            submit=self._door(config),
            last_seen=LastSeenRecorder(env, self.writer),
            hub=self.hub,
            presence=self.presence,
            watch_rights=watch_rights,
            typing_sink=self.fanout,
            hello_limiter=self.hello_limiter,
            lookups=Lookups(config.rates, env, self.counters),
            push=PushDoor(env, vapid_public(config) if config.push.enabled else ""),
            media=self.media_door,
            counters=self.counters,
            bounds=bounds_of(config.people),
        )

    def jobs(self, config: Config) -> dict[str, Work]:
        """Return what goes on as long as the daemon runs, by name."""
        clock = self.persons.clock
        found: dict[str, Work] = {
            **self.persons.jobs,
            "maintenance": partial(self.maintenance.run, clock),
            "lag": partial(self.maintenance.watch_lag, self.counters),
            "troubles": self.watch_troubles,
            "scheduled": self.scheduled.run,
            "joins": partial(JoinExpiry(self.store.joining, self.context.env, self.writer).run, clock),
        }
        if self.feed_upkeep is not None:
            found["event feed"] = partial(self.feed_upkeep.run, clock)
        else:
            found["event feed"] = partial(end_feed, self.store.feed, self.writer)
        if self.media is not None:
            collector = Collector(self.store, self.context.env, self.writer, self.media.service.delete)
            found["files"] = partial(collector.run, clock)
        if config.people.enabled:
            found["contacts"] = ContactExpiry(self.store, self.context.env, self.writer).run
        return found

    def adopt(
        self, config: Config, make_sender: MakeSender, make_index: MakeIndex
    ) -> Iterator[tuple[str, Work]]:
        """Put a configuration of push and search in force; return what has to run for it from now on, by name."""
        works = {
            "push": self.push.adopt(config, make_sender),
            "search": self.search.adopt(config, make_index),
        }
        return ((name, work) for name, work in works.items() if work is not None)

    def reconfigure(self, config: Config) -> None:
        """Apply another configuration in every part that keeps some of it (config/reloadable.py lists the keys)."""
        # First, because a secret or a library may be missing; nothing has changed then.
        require_library(config)
        screening = screening_rules_of(config, self.context.env, self.media_door.host_link)
        vapid = vapid_public(config) if config.push.enabled else ""
        people = people_rules_of(config.people)
        self.context.reconfigure(config, people.bounds)
        self.context.push.reconfigure(vapid)
        self.admission.reconfigure(config.limits)
        self.hello_limiter.reconfigure(config.limits.hellos_under_way)
        self.rate_limits.reconfigure(config.rates)
        self.context.lookups.reconfigure(config.rates)
        self.rooms.reconfigure(people)
        self.request_bound.reconfigure(people)
        self.read_set_loader.reconfigure(rules_of(config), allowances_of(config))
        self.fanout.reconfigure(config)
        self.maintenance.reconfigure(config)
        if self.feed_upkeep is not None:
            self.feed_upkeep.reconfigure(config.events)
        self.presence.reconfigure(config.delivery.presence_interval_s, config.delivery.presence_linger_s)
        self.profile_changes.reconfigure(config.delivery)
        self.context.watch_rights.reconfigure(config.privacy.shown_to, people)
        self.login.reconfigure(config.auth.login_token_ttl_s)
        self.persons.reconfigure(config)
        if self.media is not None:
            self.media.reconfigure(config)
        self.host.reconfigure(config)
        self.screening.reconfigure(screening)
        if screens(config):
            # For good, since a request may wait behind which the next one has to stay.
            self.context.use(self.screening.submit)
            self.host.use(self.screening.submit)

    @property
    def media_url(self) -> str:
        """The address of files that clients are told; "" without media."""
        return self.context.media.url if self.media is not None else ""

    @property
    def media_urls(self) -> tuple[str, ...]:
        """The addresses from which pages load files: that of media, and of the bucket that it sends them to."""
        media = self.context.config.media
        return (
            *filter(None, (self.media_url,)),
            *([media.s3.endpoint] if self.media_url and media.engine == "s3" else ()),
        )

    def _door(self, config: Config) -> Submit:
        """Return the door to the writer for what others will read: the writer itself where nothing screens."""
        return self.screening.submit if screens(config) else self.writer.submit

    def _publish(self, writes: WriteSet) -> None:
        """Push a commit to the connections of this process."""
        try:
            self.fanout.publish(writes)
        except Exception:
            # It is stored: clients that may have missed a part reconnect and read the log of events.
            log.exception("commit %d was not pushed to everybody", writes.stamp)
            self.fanout.close_concerned(writes)

    async def watch_troubles(self) -> None:
        """Check for troubles that no request meets, and whether those of the disk have ended; until cancelled."""
        while True:
            self.store.watch()
            self.persons.clock.report()
            for name, why in self.pressures().items():
                if why:
                    self.store.troubles.report(name, why)
                else:
                    self.store.troubles.report_ok(name)
            if self.writer.committing_s > COMMIT_S:
                self.store.troubles.report(
                    "commits", f"the disk has not answered for {self.writer.committing_s:.0f} s"
                )
            elif {"disk", "commits"} & self.store.troubles.now.keys() and not self.writer.depth:
                self.writer.submit(Submission("", ForgetKeys(before=1)))  # an empty change, to try a commit
            await asyncio.sleep(TROUBLES_INTERVAL_S)

    async def store_problem(self) -> str | None:
        """Return the reason why nothing can be read, None where something can."""
        try:
            await self.store.probe()
        except ChatError as error:
            return str(error)
        return None

    def pressures(self) -> dict[str, str | None]:
        """Return, by name of a trouble, None or the limit that was reached."""
        admission, hello_limiter, writer = self.admission, self.hello_limiter, self.writer
        room = min(admission.limits.connections, admission.sockets_max)
        return {
            "queue": f"{writer.depth} changes wait to be stored" if writer.full else None,
            "hellos": f"{hello_limiter.waiting} hellos wait for their turn" if hello_limiter.full else None,
            "keys": None if self.identity.has_keys else NO_KEY,
            "connections": f"there are {admission.total} connections" if admission.total >= room else None,
        }

    def _crowded_ms(self) -> int | None:
        return self.hello_limiter.booked_ms() if self.hello_limiter.full else None

    def session(self) -> Session:
        """Return the session of a connection that was just accepted."""
        return Session(self.context, self.rate_limits)
