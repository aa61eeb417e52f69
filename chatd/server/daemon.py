"""The composition root: opens the store, starts the parts and the listeners, drains and stops them in order."""

import asyncio
import math
import shutil
import socket
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from chatd.auth.verifier import host_identity
from chatd.config.model import Config, several
from chatd.http.admin import admin_app
from chatd.http.listeners import ARRIVALS_MAX, Application, Listener, Terms
from chatd.http.pending_sockets import Arrivals
from chatd.http.routes import Login, ops_application, public_application
from chatd.ports import Env
from chatd.protocol import close_codes
from chatd.protocol.errors import ChatError
from chatd.server.app import NO_KEY, Inside
from chatd.server.descriptors import ADMIN_SOCKETS, OPS_SOCKETS, needed, raised, shared_out
from chatd.server.system_env import Machine
from chatd.server.systemd import inherited_sockets
from chatd.storage.sqlite.store import SqliteStore
from chatd.telemetry.metrics import MEDIA_TYPE, render
from chatd.telemetry.supervision import supervised
from chatd.telemetry.troubles import TROUBLES
from chatd.websocket.acceptor_config import Surroundings, surroundings
from chatd.websocket.connection import connection_class

ADMIN_SOCKET = "chatd.sock"  # in the data directory: who may open it is who owns the data
DATABASE = "chatd.sqlite"
DRAIN_STEP_S = 0.02  # closes are spread over ticks of this length


class Daemon:
    """One daemon: `await start()`, serve, `await stop()`. Addresses are real once started."""

    def __init__(self, config: Config, env: Env | None = None) -> None:
        self.config = config
        self.draining = False
        self.env = env or Machine()
        self._inside: Inside | None = None
        self.descriptors = shared_out(needed(config.limits.connections))
        self._around: Surroundings | None = None
        self._listeners: list[Listener] = []
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def inside(self) -> Inside:
        assert self._inside is not None, "the daemon is not started"
        return self._inside

    @property
    def addresses(self) -> list[str]:
        """Where it listens: public, ops when there is one, the admin socket."""
        return [address for listener in self._listeners for address in listener.addresses]

    @property
    def public_port(self) -> int:
        return self._listeners[0].port

    @property
    def ops_port(self) -> int:
        return self._listeners[1].port

    async def start(self) -> None:
        """Open the store, start the writer, then listen.

        Raises StoreError, BadKey or ListenError, each with what to do about it; nothing stays open then.
        """
        identity = host_identity(self.config.auth, self.env, self.config.storage.directory)
        store = await SqliteStore.open(self.config.storage, self.env)
        inside = self._inside = Inside(self.config, self.env, store, identity)
        inside.writer.start()
        self._reserve(inside, self.config)
        self._keep_running("upkeep", inside.upkeep.run)
        self._keep_running("lag", partial(inside.upkeep.watch_lag, inside.counters))
        self._keep_running("troubles", inside.watch_troubles)
        self._keep_running("keys", identity.ring.keep_fresh)
        try:
            await self._listen(inside)
        except BaseException:
            await self.stop()
            raise

    def _keep_running(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `work` until the daemon stops, in place of what ran under that name."""
        if name in self._tasks:
            self._tasks[name].cancel()
        self._tasks[name] = asyncio.create_task(supervised(name, work), name=name)

    def reconfigure(self, config: Config) -> list[str]:
        """Put another configuration in force, in which nothing differs that needs a restart (settings.py).

        What it is that files hold something else now, in words, whether or not a setting names another file.
        Raises BadKey or ListenError when its keys or its certificate cannot be used; nothing has changed then.
        """
        inside, listen = self.inside, config.listen
        identity = host_identity(config.auth, self.env, config.storage.directory)
        renewed = []
        if listen.tls_cert and self._listeners[0].renew_certificate(listen.tls_cert, listen.tls_key):
            renewed.append("the certificate")
        if inside.identity.adopt(identity):
            renewed.append("the keys of tokens")
        self._keep_running("keys", identity.ring.keep_fresh)
        inside.reconfigure(config)
        self._reserve(inside, config)
        if self._around is not None:
            self._around.reconfigure(config)
        self.config = config
        return renewed

    def _reserve(self, inside: Inside, config: Config) -> None:
        """See that there are descriptors for as many connections as may be, and refuse those there are none for."""
        self.descriptors = shared_out(raised(needed(config.limits.connections)))
        inside.admission.sockets_max = self.descriptors.connections

    async def _listen(self, inside: Inside) -> None:
        listen = self.config.listen
        around = self._around = surroundings(
            self.config, inside.session, env=self.env, admission=inside.admission, counters=inside.counters
        )
        arrivals = Arrivals(
            min(ARRIVALS_MAX, self.descriptors.http),
            self.descriptors.http_per_address,
            shared=around.is_trusted,
            cut=around.arrival_cut,
        )
        deadline_s, backlog = listen.request_deadline_s, listen.backlog
        public = Terms(deadline_s, backlog, listen.tls_cert, listen.tls_key, arrivals)
        application = public_application(self._login, around)
        handed = [bound for sockets in inherited_sockets().values() for bound in sockets]
        await self._open(several(listen.address), application, public, connection_class(around), handed)
        if several(listen.ops_address):
            operations = Terms(deadline_s, backlog, arrivals=Arrivals(OPS_SOCKETS))
            await self._open(
                several(listen.ops_address), ops_application(self.checks, self.metrics), operations
            )
        path = Path(self.config.storage.directory, ADMIN_SOCKET)
        administration = Terms(deadline_s, backlog, arrivals=Arrivals(ADMIN_SOCKETS))
        await self._open(f"unix:{path}", admin_app(inside.admin), administration)

    async def _open(
        self,
        address: str | Sequence[str],
        application: Application,
        terms: Terms,
        connections: type[asyncio.Protocol] | None = None,
        sockets: Sequence[socket.socket] = (),
    ) -> None:
        listener = Listener(address, application, terms, connections)
        await listener.start(sockets)
        self._listeners.append(listener)

    def _login(self) -> Login | None:
        """How to log in, while there are built-in accounts and a secret to sign their tokens with."""
        inside = self.inside
        return inside.log_in if self.config.auth.accounts and inside.identity.tokens.can_mint else None

    async def fold(self) -> int:
        """Drop old operations now, as the hourly round does; how many rooms were folded."""
        return await self.inside.upkeep.fold()

    # --- what operators see

    async def checks(self) -> Mapping[str, str | None]:
        """What must be true to serve, by name: None, or what is wrong."""
        self.inside.store.watch()
        return {
            "draining": "the daemon is leaving" if self.draining else None,
            "store": await self._store_check(),
            **self.inside.troubles.unready(),
            "keys": None if self.inside.identity.has_keys else NO_KEY,
        }

    async def _store_check(self) -> str | None:
        try:
            await self.inside.store.account("readiness")
        except ChatError as error:
            return str(error)
        return None

    def metrics(self) -> tuple[bytes, str]:
        """Everything counted, for Prometheus, and its media type."""
        inside = self.inside
        sessions = [session for devices in inside.live.sessions.values() for session in devices.values()]
        directory = Path(self.config.storage.directory)
        gauges: dict[str, float | Mapping[str, float]] = {
            "connections": {
                "ready": len(sessions),
                "unauthenticated": inside.admission.unauthenticated,
            },
            "hellos_now": {
                "under_way": inside.turnstile.under_way,
                "waiting": inside.turnstile.waiting,
            },
            "users": len(inside.live.sessions),
            "rooms": len(inside.rooms.registry.rooms),
            "writer_queue": inside.writer.depth,
            "send_queue_bytes": sum(session.outbox.queued_bytes for session in sessions),
            "database_bytes": size_of(directory / DATABASE),
            "wal_bytes": size_of(directory / f"{DATABASE}-wal"),
            "free_bytes": self._free_bytes(),
            "draining": int(self.draining),
            "key_set_age_seconds": inside.identity.ring.age_s,
            "trouble": {name: int(name in inside.troubles.now) for name in TROUBLES},
        }
        return render(inside.counters, gauges), MEDIA_TYPE

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self.config.storage.directory).free

    # --- the end

    async def wait_lost(self) -> None:
        """Return when the store must not be asked again (ports.StoreLost): `abandon`, and end the process."""
        await self.inside.writer.lost.wait()

    async def abandon(self) -> None:
        """Tell clients when to come back, and nothing else: the store is left as it is, for closing writes to it."""
        self.draining = True
        self.inside.admission.drain()
        self._listeners[0].stop_accepting()
        await self._send_away(self.inside, window_s=0)

    async def stop(self) -> None:
        """Tell clients when to come back, finish what was accepted, close everything. Idempotent.

        Takes about `drain.pre_stop_s` and `drain.window_s`, and at most `drain.deadline_s` more. TimeoutError when
        the store did not answer by then: it is not closed, and whatever was acknowledged is on the disk.
        """
        if self._inside is None:
            return
        inside, drain = self._inside, self.config.drain
        self.draining = True
        await asyncio.sleep(drain.pre_stop_s if self._listeners else 0)
        inside.admission.drain()
        for listener in self._listeners[:1]:
            listener.stop_accepting()
        await self._send_away(inside, drain.window_s)
        async with asyncio.timeout(drain.deadline_s):
            await self._close(inside, drain.deadline_s / 2)
        self._inside = None

    async def _close(self, inside: Inside, deadline_s: float) -> None:
        """Close listeners, politely for at most `deadline_s` the public one, then the parts, the store last."""
        for listener in self._listeners[:1]:
            await listener.stop(deadline_s)
        for listener in self._listeners[1:]:
            await listener.stop(deadline_s / 8)
        self._listeners.clear()
        under_way = (*self._tasks.values(), *inside.gate.tasks)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        inside.sightings.flush()
        await inside.writer.stop()
        inside.passwords.close()
        await inside.store.close()

    async def _send_away(self, inside: Inside, window_s: float) -> None:
        """`bye` `restart` to every connection, over `window_s`, each with its own time to come back."""
        drain = self.config.drain
        sessions = [session for devices in inside.live.sessions.values() for session in devices.values()]
        spread_ms = 1000 * max(drain.spread_min_s, len(sessions) / drain.reconnects_per_s)
        ticks = max(1, min(len(sessions), int(window_s / DRAIN_STEP_S)))
        share = math.ceil(len(sessions) / ticks)
        for first in range(0, len(sessions), share or 1):
            for session in sessions[first : first + share]:
                session.close(close_codes.RESTART, retry_after=int(spread_ms * self.env.random()))
            if first + share < len(sessions):
                await asyncio.sleep(window_s / ticks)


def size_of(path: Path) -> int:
    """Bytes of a file; 0 when there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
