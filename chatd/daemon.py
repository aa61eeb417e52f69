"""The composition root: builds the adapters, starts, drains and stops them in order. The only file that sees all."""

import asyncio
import gc
import logging
import os
import signal
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chatd import __version__
from chatd.bus.local import LocalBus
from chatd.bus.presence import LocalPresence
from chatd.config import Config
from chatd.core.counters import Counters
from chatd.core.facts import Rules
from chatd.core.live import Live
from chatd.core.registry import Registry
from chatd.core.work import Work
from chatd.edge.admin import admin_app
from chatd.edge.admission import Admission
from chatd.edge.fanout import Fanout
from chatd.edge.gate import Gate
from chatd.edge.machine import Machine
from chatd.edge.server import Listener, Terms
from chatd.edge.session import Session
from chatd.edge.surroundings import surroundings
from chatd.edge.websocket import connection_class
from chatd.handlers.admin import Admin
from chatd.handlers.context import Context
from chatd.handlers.gathering import Gatherer
from chatd.handlers.loading import Rooms
from chatd.handlers.login import Login
from chatd.handlers.upkeep import Upkeep
from chatd.handlers.writer import Writer
from chatd.identity.host import HostIdentity, host_identity
from chatd.identity.passwords import Passwords
from chatd.ports import Env
from chatd.protocol import closes
from chatd.storage.store import SqliteStore

log = logging.getLogger(__name__)


def rules_of(config: Config) -> Rules:
    """The part of the configuration that decisions follow."""
    return Rules(
        body_bytes=config.limits.body_bytes,
        group_members=config.limits.group_members,
        full_members=config.delivery.full_members,
        large_members=config.delivery.large_members,
        delivered_members=config.delivery.delivered_members,
        edit_window_ms=int(config.storage.edit_window_s * 1000),
    )


class Inside:
    """The parts of a daemon behind its listeners: everything but sockets. Made when the store is open."""

    def __init__(self, config: Config, env: Env, store: SqliteStore, identity: HostIdentity) -> None:
        self.counters = Counters()
        self.store = store
        self.identity = identity
        self.passwords = Passwords()
        self.admission: Admission[Any] = Admission(config.limits)
        self.gate = Gate(config.rates, env, self.counters, self.admission)
        self.live = Live(config.delivery.full_members)
        self.fanout = Fanout(config, env, self.live, self.counters)
        self.bus = LocalBus()
        rooms = Rooms(store, env, Registry())
        gatherer = Gatherer(store, env, rooms, rules_of(config))
        self.writer = Writer(store, env, gatherer, self.publish, self.counters)
        self.upkeep = Upkeep(store, env, rooms, self.writer, config.storage, config.delivery)
        self.presence = LocalPresence(
            env,
            self.fanout.presence,
            interval_s=config.delivery.presence_interval_s,
            linger_s=config.delivery.presence_linger_s,
        )
        self.admin = Admin(store, self.writer, self.live, env)
        self.login = Login(store, self.writer, self.passwords, identity, config.auth.login_token_ttl_s)
        self.context = Context(
            config=config,
            env=env,
            store=store,
            identity=identity,
            rooms=rooms,
            writer=self.writer,
            live=self.live,
            presence=self.presence,
            telling=self.fanout,
            counters=self.counters,
        )

    def publish(self, work: Work) -> None:
        """After each commit, in commit order: the connections of this process, the bus, what follows later."""
        self.fanout.publish(work)
        self.bus.publish(work)
        self.upkeep.noticed(work)

    def session(self) -> Session:
        """A receiver for a connection that was just accepted."""
        return Session(self.context, self.gate)


class Daemon:
    """One daemon: `await start()`, serve, `await drain()`, `await stop()`. Addresses are real once started."""

    def __init__(self, config: Config, env: Env | None = None) -> None:
        self.config = config
        self._env = env or Machine()
        self._inside: Inside | None = None
        self._listeners: list[Listener] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.draining = False

    @property
    def inside(self) -> Inside:
        assert self._inside is not None, "the daemon is not started"
        return self._inside

    @property
    def public_port(self) -> int:
        return self._listeners[0].port

    @property
    def ops_port(self) -> int:
        return self._listeners[1].port

    async def start(self) -> None:
        """Open the store, start the writer, then listen. Raises StoreError, BadKey or ListenError; nothing stays open."""
        identity = host_identity(self.config.auth, self._env)
        store = await SqliteStore.open(self.config.storage, self._env)
        inside = self._inside = Inside(self.config, self._env, store, identity)
        inside.writer.start()
        self._tasks = [
            asyncio.create_task(inside.upkeep.run(), name="upkeep"),
            asyncio.create_task(identity.ring.keep_fresh(), name="keys"),
        ]
        try:
            await self._listen(inside)
        except BaseException:
            await self.stop()
            raise

    async def _listen(self, inside: Inside) -> None:
        listen = self.config.listen
        terms = Terms(listen.request_deadline_s, listen.backlog, listen.tls_cert, listen.tls_key)
        plain = Terms(listen.request_deadline_s, listen.backlog)
        around = surroundings(
            self.config,
            receiver=inside.session,
            env=self._env,
            admission=inside.admission,
            counters=inside.counters,
        )
        socket_path = os.path.join(self.config.storage.directory, "chatd.sock")
        self._listeners = [Listener(listen.address, public_app(), terms, connection_class(around))]
        if listen.ops_address:
            self._listeners.append(Listener(listen.ops_address, ops_app(), plain))
        self._listeners.append(
            Listener(f"unix:{socket_path}", admin_app(inside.admin, self._env.now_ms), plain)
        )
        for listener in self._listeners:
            await listener.start()

    async def fold(self) -> int:
        """Drop old operations now, as the hourly round does; how many rooms were folded."""
        return await self.inside.upkeep.fold()

    async def stop(self) -> None:
        """Tell clients when to come back, finish what was accepted, close everything. Idempotent."""
        self.draining = True
        deadline = self.config.drain.deadline_s
        if self._listeners:
            self._listeners[0].stop_accepting()
        await self._send_away()
        for listener in self._listeners:
            await listener.stop(min(deadline, self.config.drain.window_s + 2))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._inside is not None:
            await self._inside.writer.stop()
            self._inside.passwords.close()
            await self._inside.store.close()
            self._inside = None

    async def _send_away(self) -> None:
        """`bye` `restart` to every connection, over the drain window, each with its own time to come back."""
        inside = self._inside
        if inside is None:
            return
        drain = self.config.drain
        sessions = [session for devices in inside.live.sessions.values() for session in devices.values()]
        spread_ms = 1000 * max(drain.spread_min_s, len(sessions) / drain.reconnects_per_s)
        pause = drain.window_s / max(1, len(sessions))
        for session in sessions:
            session.close(closes.RESTART, retry_after=int(spread_ms * self._env.random()))
            if len(sessions) > 1:
                await asyncio.sleep(min(pause, 0.05))


def public_app() -> Starlette:
    async def health(request: Request) -> Response:
        return Response(b"chatd\n", headers={"Cache-Control": "no-store"})

    return Starlette(routes=[Route("/v1/health", health)])


def ops_app() -> Starlette:
    async def ready(request: Request) -> Response:
        return Response(b"{}")

    return Starlette(routes=[Route("/readyz", ready), Route("/livez", ready)])


def run(config: Config) -> None:
    """Run a daemon until SIGTERM or SIGINT; a second signal ends it at once."""
    logging.basicConfig(level=config.log.level.upper())
    runner = asyncio.Runner(loop_factory=event_loop)
    with runner:
        runner.run(serve(Daemon(config)))


def event_loop() -> asyncio.AbstractEventLoop:
    """uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def serve(daemon: Daemon) -> None:
    """Start, wait for a signal, stop."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    await daemon.start()
    log.info("chatd %s listens on %s", __version__, [listener.address for listener in daemon._listeners])
    gc.freeze()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await stopping.wait()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
    await daemon.stop()
