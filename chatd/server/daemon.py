"""The composition root: opens the store, starts the parts and the listeners, drains and stops them in order."""

import asyncio
import logging
import math
import socket
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from chatd.auth.interface import Identity
from chatd.auth.verifier import token_verifier
from chatd.config.model import Auth, Config, Storage, several
from chatd.config.origins import Origins
from chatd.env import Env
from chatd.http.api.access import Access
from chatd.http.api.application import TABLE, Api
from chatd.http.console import console_routes
from chatd.http.console_access import caller_of
from chatd.http.listeners import PENDING_SOCKETS_MAX, Listener, ListenerOptions
from chatd.http.pending_sockets import PendingSockets
from chatd.http.routes import Routes, ops_application, public_application
from chatd.protocol import close_codes
from chatd.protocol.errors import Refused
from chatd.server.accounts import Accounts
from chatd.server.app import NO_KEY, App
from chatd.server.capability import Capability, combined
from chatd.server.children import Children
from chatd.server.console import Console, ConsoleSources, not_served
from chatd.server.descriptors import ADMIN_SOCKETS, API_SOCKETS, OPS_SOCKETS, needed, raised, shared_out
from chatd.server.gauges import gauges_of, gauges_of_storage
from chatd.server.media import MakeProcess
from chatd.server.push import MakeSender
from chatd.server.search import MakeIndex, require_library
from chatd.server.system_env import SystemEnv
from chatd.server.systemd import inherited_sockets
from chatd.server.watched_files import WatchedFiles
from chatd.storage.interface import Store
from chatd.storage.sqlite.chapters import Chapter
from chatd.storage.sqlite.store import SqliteStore
from chatd.telemetry.metrics import MEDIA_TYPE, render
from chatd.telemetry.supervision import supervised
from chatd.web.site import Website
from chatd.webhooks.settings import Receiver, receivers_of
from chatd.websocket.acceptor_config import AcceptorConfig, acceptor_config
from chatd.websocket.connection import connection_class

ADMIN_SOCKET = "chatd.sock"  # in the data directory, for the owner of the data
PUBLIC, OPERATIONS, API, ADMINISTRATION = "public", "operations", "api", "administration"  # the listeners
DRAIN_STEP_S = 0.02  # closes are spread over ticks of this length

log = logging.getLogger(__name__)

OpenStore = Callable[[Storage, Env, Chapter], Awaitable[Store]]

# The identity adapter of a configuration; it keeps files for the next start in the directory.
MakeIdentity = Callable[[Auth, Env, str], Identity]


class Daemon:
    """One daemon: `await start()`, serve, `await stop()`. Addresses are real once started.

    `capabilities` are added to the chat of this package. `login_links`: users by the code that logs in as them, from
    loopback only; for a development server.
    """

    def __init__(
        self,
        config: Config,
        env: Env | None = None,
        make_identity: MakeIdentity = token_verifier,
        capabilities: Sequence[Capability] = (),
        open_store: OpenStore = SqliteStore.open,
        login_links: Mapping[str, str] | None = None,
    ) -> None:
        self.config = config
        self.draining = False
        self.env = env or SystemEnv()
        self._make_identity = make_identity
        self._whole = combined(capabilities, people=config.people.enabled)
        self._open_store = open_store
        self._sources = ConsoleSources()
        self._files = WatchedFiles()
        self._console: Console | None = None
        self._console_problem = ""  # the reason why there is none
        self._login_links = login_links
        self.children = Children()
        self.make_sender: MakeSender = self.children.sender
        self.make_media: MakeProcess = self.children.media
        self.make_index: MakeIndex = self.children.search
        self._website: Website | None = None
        self._access: Access | None = None
        self._app: App | None = None
        self.descriptors = shared_out(needed(config.limits.connections))
        self._acceptor: AcceptorConfig | None = None
        self._listeners: dict[str, Listener] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def app(self) -> App:
        assert self._app is not None, "the daemon is not started"
        return self._app

    def adopt(self, sources: ConsoleSources) -> None:
        """Take what only its process knows, for the console; before `start`."""
        self._sources = sources

    @property
    def origins(self) -> Origins:
        """The origins of its settings."""
        return self._sources.origins

    @property
    def addresses(self) -> list[str]:
        """The addresses it listens on: public, operations and API when there are any, the admin socket, media."""
        media = self._app.media.address if self._app is not None and self._app.media is not None else ""
        found = [address for listener in self._listeners.values() for address in listener.addresses]
        return [*found, *filter(None, (media,))]

    @property
    def public_port(self) -> int:
        return self._listeners[PUBLIC].port

    @property
    def api_port(self) -> int:
        return self._listeners[API].port

    @property
    def ops_port(self) -> int:
        return self._listeners[OPERATIONS].port

    async def start(self) -> None:
        """Open the store, start the writer, then listen.

        Raises StoreError, BadKey, ConfigError or ListenError, whose texts name the remedy; nothing stays open then.
        """
        receivers = receivers_of(self.config)
        require_library(self.config)
        identity = self._make_identity(self.config.auth, self.env, self.config.storage.directory)
        store = await self._open_store(self.config.storage, self.env, self._whole.sqlite)
        app = self._app = App(self.config, self.env, store, identity, self._whole, self._login_links)
        await app.rooms.start()
        app.writer.start()
        await app.host.load()
        await app.persons.begin()
        self._reserve(app, self.config)
        if app.feed_upkeep is not None:
            await app.feed_upkeep.begin()
        for name, work in app.jobs(self.config).items():
            self._keep_running(name, work)
        self._deliver(receivers, self.config)
        self._keep_running("keys", app.identity.keep_fresh)
        self._keep_running("files", partial(self._files.watch, self.config))
        try:
            if app.media is not None:
                await app.media.begin()
            await app.host.filters.load()
            await self._listen(app)
        except BaseException:
            await self.stop()
            raise

    def _keep_running(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `work` until the daemon stops, in place of an earlier task of that name."""
        if name in self._tasks:
            self._tasks[name].cancel()
        self._tasks[name] = asyncio.create_task(supervised(name, work), name=name)

    def _deliver(self, receivers: Sequence[Receiver], config: Config) -> None:
        """Deliver events to these endpoints, and notifications to devices where they are switched on."""
        is_first = self.app.host.webhooks.deliveries is None
        if (deliveries := self.app.host.deliver(receivers, config)) is not None and is_first:
            self._keep_running("webhooks", deliveries.run)
        for name, work in self.app.adopt(config, self.make_sender, self.make_index):
            self._keep_running(name, work)

    def reconfigure(self, config: Config) -> list[str]:
        """Apply another configuration, which differs in no key that needs a restart (config/reloadable.py).

        Return descriptions of the files whose content changed, whether or not a setting names another file.
        Raises BadKey, ConfigError or ListenError when keys, secrets or certificate cannot be used; nothing has changed
        then.
        """
        app, listen, receivers = self.app, config.listen, receivers_of(config)
        identity = self._make_identity(config.auth, self.env, config.storage.directory)
        renewed = []
        encrypted = [
            self._listeners[name] for name in (PUBLIC, API) if name in self._listeners and listen.tls_cert
        ]
        if True in [one.renew_certificate(listen.tls_cert, listen.tls_key) for one in encrypted]:
            renewed.append("the certificate")
        if app.identity.adopt(identity):
            renewed.append("the keys of tokens")
        self._keep_running("keys", app.identity.keep_fresh)
        self._keep_running("files", partial(self._files.watch, config))
        app.reconfigure(config)
        self._deliver(receivers, config)
        if self._console is not None:
            self._console.reconfigure(config)
        self._reserve(app, config)
        if self._acceptor is not None:
            self._acceptor.reconfigure(config)
        if self._access is not None:
            self._access.reconfigure(config)
        if self._website is not None:
            self._website.reconfigure(config.web, app.media_urls, config.cards.image_hosts)
        self.config = config
        return renewed

    def _reserve(self, app: App, config: Config) -> None:
        """Raise the limit of descriptors for all allowed connections, and admit only as many as there are for."""
        self.descriptors = shared_out(raised(needed(config.limits.connections)))
        app.admission.reserve(self.descriptors.connections)

    async def _listen(self, app: App) -> None:
        listen = self.config.listen
        acceptor = self._acceptor = acceptor_config(
            self.config, app.session, env=self.env, admission=app.admission, counters=app.counters
        )
        pending_sockets = PendingSockets(
            min(PENDING_SOCKETS_MAX, self.descriptors.http),
            self.descriptors.http_per_address,
            shared=acceptor.is_trusted,
            cut=acceptor.on_socket_cut,
        )
        deadline_s, backlog = listen.request_deadline_s, listen.backlog
        public = ListenerOptions(deadline_s, backlog, listen.tls_cert, listen.tls_key, pending_sockets)
        if app.media is not None:
            app.media.listen(self.config)
            self._keep_running("media", partial(app.media.run, self.make_media))
        site = self._website = Website(self.config.web, None, app.media_urls, self.config.cards.image_hosts)
        application = public_application(self._accounts, acceptor, site)
        handed = [bound for sockets in inherited_sockets().values() for bound in sockets]
        listener = Listener(several(listen.address), application, public, connection_class(acceptor))
        await self._open(PUBLIC, listener, handed)
        await self._listen_for_operators(app)

    async def _listen_for_operators(self, app: App) -> None:
        """Listen for operators and for the back end of the host app."""
        listen = self.config.listen
        deadline_s, backlog = listen.request_deadline_s, listen.backlog
        access = self._access = Access(app.host.api_keys, self.env, self.config)
        services = app.host.services(self._console_link, TABLE)
        api = Api(services, access, self.env, app.counters)
        if several(listen.ops_address):
            operations = ListenerOptions(deadline_s, backlog, pending_sockets=PendingSockets(OPS_SOCKETS))
            console = self._console_routes(api)
            application = ops_application(
                self.checks, self.metrics, console, api.application(), self.processes
            )
            await self._open(OPERATIONS, Listener(several(listen.ops_address), application, operations))
        if several(listen.api_address):
            options = ListenerOptions(
                deadline_s, backlog, listen.tls_cert, listen.tls_key, PendingSockets(API_SOCKETS)
            )
            await self._open(API, Listener(several(listen.api_address), api.application(), options))
        path = Path(self.config.storage.directory, ADMIN_SOCKET)
        administration = ListenerOptions(deadline_s, backlog, pending_sockets=PendingSockets(ADMIN_SOCKETS))
        application = api.application(on_socket=True)
        await self._open(ADMINISTRATION, Listener(f"unix:{path}", application, administration))

    def _console_routes(self, api: Api) -> Routes:
        """Return the routes of the console; none where it may not be served, which is logged."""
        self._console_problem = not_served(self.config)
        if self._console_problem:
            if self.config.console.enabled:
                log.warning("the console is not served: %s", self._console_problem)
            return ()
        console = self._console = Console(self, self._sources, self._files)
        return console_routes(console, api.application_for(partial(caller_of, console)))

    def _console_link(self, name: str, scopes: Collection[str]) -> str:
        """Return a link that opens the console once, for a visitor of this name with these scopes.

        Raises Refused, with the reason, when it is not served.
        """
        if self._console is None:
            raise Refused("not_supported", f"the console is not served: {self._console_problem}")
        return f"{self._console.url}#key={self._console.sessions.new_key(name, scopes)}"

    async def _open(self, name: str, listener: Listener, sockets: Sequence[socket.socket] = ()) -> None:
        await listener.start(sockets)
        self._listeners[name] = listener

    def _accounts(self) -> Accounts | None:
        """Return the built-in accounts; None without them or a secret to sign their tokens with."""
        app = self.app
        return app.accounts if self.config.auth.accounts and app.identity.can_mint else None

    async def compact(self) -> int:
        """Drop old operations now, as the hourly round does; return how many logs were compacted."""
        return await self.app.maintenance.compact()

    # --- for operators

    async def checks(self) -> Mapping[str, str | None]:
        """Return the conditions of readiness by name: None, or the problem."""
        self.app.store.watch()
        return {
            "draining": "the daemon is stopping" if self.draining else None,
            "store": await self.app.store_problem(),
            **self.app.store.troubles.unready(),
            "keys": None if self.app.identity.has_keys else NO_KEY,
        }

    def processes(self) -> Mapping[str, str]:
        """Return the state of each process beside the daemon, as operators are shown it."""
        states: dict[str, str] = dict(self.children.states())
        if self.app.media is not None and "media" in states:
            states["media"] = self.app.media.shown(states["media"])
        return states

    def metrics(self) -> tuple[bytes, str]:
        """Return all metrics in the format of Prometheus, and its media type."""
        gauges = {
            **gauges_of(self.app),
            **self.storage_gauges(),
            **self._files.gauges(),
            **self.children.gauges(),
            "draining": int(self.draining),
        }
        return render(self.app.counters, gauges), MEDIA_TYPE

    def storage_gauges(self) -> Mapping[str, float]:
        """Return the bytes of the database and its log, and those free on their disk, by name of the metric."""
        return gauges_of_storage(Path(self.config.storage.directory))

    # --- the end

    async def wait_lost(self) -> None:
        """Return when the store is lost (StoreLost); then call `abandon` and end the process."""
        await self.app.writer.lost.wait()

    async def abandon(self) -> None:
        """Disconnect clients with a time to come back; leave the store open, because closing writes to it."""
        self.draining = True
        self.app.admission.drain()
        self._listeners[PUBLIC].stop_accepting()
        await self._disconnect_all(self.app, window_s=0)

    async def stop(self) -> None:
        """Disconnect clients with a time to come back, finish accepted writes, close everything. Idempotent.

        Takes about `drain.pre_stop_s` and `drain.window_s`, and at most `drain.deadline_s` more. TimeoutError when
        the store did not answer by then: it is not closed, and all acknowledged writes are on the disk.
        """
        if self._app is None:
            return
        app, drain = self._app, self.config.drain
        self.draining = True
        await asyncio.sleep(drain.pre_stop_s if self._listeners else 0)
        app.admission.drain()
        if PUBLIC in self._listeners:
            self._listeners[PUBLIC].stop_accepting()
        await self._disconnect_all(app, drain.window_s)
        async with asyncio.timeout(drain.deadline_s):
            await self._close(app, drain.deadline_s / 2)
        self._app = None

    async def _close(self, app: App, deadline_s: float) -> None:
        """Close the listeners, the public one within `deadline_s` seconds, then the parts, the store last."""
        if self._console is not None:
            self._console.close()
        if app.event_feed is not None:
            app.event_feed.close()
        app.host.close()
        for name, listener in self._listeners.items():
            await listener.stop(deadline_s if name == PUBLIC else deadline_s / 8)
        self._listeners.clear()
        tasks = (*self._tasks.values(), *app.rate_limits.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if app.media is not None:
            app.media.close()
        app.context.last_seen.flush()
        await app.writer.stop()
        await app.screening.close()
        app.passwords.close()
        await app.store.close()

    async def _disconnect_all(self, app: App, window_s: float) -> None:
        """Send `bye` `restart` to every connection, over `window_s`, each with its own time to come back."""
        drain = self.config.drain
        sessions = [session for devices in app.hub.sessions.values() for session in devices.values()]
        spread_ms = 1000 * max(drain.spread_min_s, len(sessions) / drain.reconnects_per_s)
        ticks = max(1, min(len(sessions), int(window_s / DRAIN_STEP_S)))
        share = math.ceil(len(sessions) / ticks)
        for first in range(0, len(sessions), share or 1):
            for session in sessions[first : first + share]:
                session.close(close_codes.RESTART, retry_after=int(spread_ms * self.env.random()))
            if first + share < len(sessions):
                await asyncio.sleep(window_s / ticks)
