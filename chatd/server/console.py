"""The console's view of a running daemon: figures while somebody watches, its condition, connections, settings, log."""

import asyncio
import logging
import math
import platform
import shutil
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, Protocol, cast

from chatd import __version__
from chatd.auth.console_sessions import ConsoleSessions
from chatd.config.addresses import is_loopback, split_address
from chatd.config.model import Config, several
from chatd.config.origins import Origins
from chatd.core.users import DeviceSeen
from chatd.delivery.hub import Subscriber
from chatd.delivery.outbox_survey import OutboxSurvey
from chatd.env import Env
from chatd.http.console import console_pages
from chatd.http.event_stream import EventStream, encoded
from chatd.media.interface import Condition
from chatd.server.app import App
from chatd.server.watched_files import WatchedFiles
from chatd.session.session import Session
from chatd.telemetry.log_ring import LogLine, LogRing
from chatd.telemetry.process import cpu_s, memory_bytes
from chatd.telemetry.samples import Gauges, Samples
from chatd.telemetry.supervision import supervised
from chatd.web.assets import Asset, NotBuilt, read_built

log = logging.getLogger(__name__)

SAMPLE_S = 1.0
SURVEY_S = 5.0  # a walk over all outboxes costs some 10 ms for 100,000 connections
SESSIONS_SHOWN = 50  # rows of an answer: what a screen shows, and as many reads of the database


@dataclass(frozen=True, slots=True)
class ConsoleSources:
    """The parts of the process that a daemon does not know by itself: the origins of its settings, and its log."""

    origins: Origins = field(default_factory=Origins)
    log: LogRing = field(default_factory=lambda: LogRing(1))


class RunningDaemon(Protocol):
    """The daemon as the console sees it."""

    config: Config
    env: Env
    draining: bool

    @property
    def app(self) -> App: ...

    @property
    def addresses(self) -> list[str]: ...

    @property
    def ops_port(self) -> int: ...

    async def checks(self) -> Mapping[str, str | None]: ...

    def processes(self) -> Mapping[str, str]: ...

    def storage_gauges(self) -> Mapping[str, float]:
        """Return the sizes of the database and of the free disk, by name of their metrics."""
        ...


class Console:
    """The answers to the routes of chatd/http/console.py, and their event streams."""

    def __init__(self, daemon: RunningDaemon, sources: ConsoleSources, files: WatchedFiles) -> None:
        config = daemon.config.console
        self._daemon = daemon
        self._files = files
        self._origins, self._log = sources.origins, sources.log
        self._started_at = daemon.env.now_ms()
        self._pages: Mapping[str, Asset] = {}
        self.sessions = ConsoleSessions(daemon.env)
        self._survey = OutboxSurvey(daemon.app.hub)
        self._surveyed_at = -math.inf
        self._samples = Samples(
            daemon.app.counters, self._gauges, daemon.env.monotonic, daemon.env.now_ms, config.history_s
        )
        self._tasks: list[asyncio.Task[None]] = []
        self.figures = EventStream(config.watchers, self._begin, self._end)
        self.log_stream = EventStream(config.watchers)

    def reconfigure(self, config: Config) -> None:
        """Put other settings in force."""
        self.figures.resize(config.console.watchers)
        self.log_stream.resize(config.console.watchers)

    def close(self) -> None:
        """End all streams."""
        self.figures.close()
        self.log_stream.close()

    @property
    def url(self) -> str:
        """The address that operators open, without the key."""
        configured = self._daemon.config.console.url
        return f"{configured or f'http://127.0.0.1:{self._daemon.ops_port}'}/console/"

    @property
    def public_url(self) -> str:
        """The configured origin of the proxy in front; "" without one."""
        return self._daemon.config.console.url

    async def pages(self) -> Mapping[str, Asset]:
        """Return the answers of its built files, made when they are first asked for; none, and a log line, without."""
        if not self._pages:
            try:
                # In a thread: they are read from the disk, and compressed.
                self._pages = await asyncio.to_thread(_built_pages)
            except NotBuilt as error:
                log.error("the console has no pages: %s", error)
        return self._pages

    # --- figures

    def history(self) -> dict[str, list[Any]]:
        """Return the figures of the last minutes, by column."""
        return self._samples.history()

    def _begin(self) -> None:
        self._samples.begin()
        works = {"console figures": self._publish_figures, "console outboxes": self._survey_outboxes}
        self._tasks = [asyncio.create_task(supervised(name, work), name=name) for name, work in works.items()]

    def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    async def _publish_figures(self) -> None:
        while True:
            await asyncio.sleep(SAMPLE_S)
            self.figures.publish(encoded("figures", self._samples.take()))

    async def _survey_outboxes(self) -> None:
        while True:
            await self._take_survey()
            await asyncio.sleep(SURVEY_S)

    async def _take_survey(self) -> None:
        self._surveyed_at = self._daemon.env.monotonic()
        await self._survey.take()

    def _gauges(self) -> Gauges:
        app = self._daemon.app
        return Gauges(
            connections=app.admission.total - app.admission.unauthenticated,
            queue=app.writer.depth,
            outbox_bytes=self._survey.queued_bytes,
            lagging=self._survey.lagging,
            cpu_s=cpu_s(),
            memory_bytes=memory_bytes(),
        )

    # --- the log

    def log_after(self, number: int, count: int) -> list[LogLine]:
        """Return up to `count` lines of the log behind the line `number`."""
        return self._log.after(number, count)

    # --- answers

    async def now(self) -> dict[str, Any]:
        """Return the condition of the daemon: checks, build, sizes, newest backup, end of the certificate."""
        daemon, app = self._daemon, self._daemon.app
        checks = await daemon.checks()
        troubles = {name: trouble.why for name, trouble in app.store.troubles.now.items()}
        return {
            "version": __version__,
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            "started_at": self._started_at,
            "now": daemon.env.now_ms(),
            "addresses": daemon.addresses,
            "ready": not any(checks.values()),
            "checks": [{"name": name, "problem": why} for name, why in {**checks, **troubles}.items()],
            "users": len(app.hub.sessions),
            "rooms": len(app.rooms.cache.rooms),
            "connections_max": daemon.config.limits.connections,
            "storage": self._storage(),
            "media": self._media(),
            "backup": self._backup(),
            "certificate": self._certificate(),
        }

    def _storage(self) -> dict[str, Any]:
        storage = self._daemon.config.storage
        return {
            "directory": str(Path(storage.directory).absolute()),
            "disk_bytes": shutil.disk_usage(storage.directory).total,
            "min_free_bytes": storage.min_free_bytes,
            **self._daemon.storage_gauges(),
        }

    def _media(self) -> dict[str, Any] | None:
        """Return how the process for files is; None where media are off."""
        media, state = self._daemon.app.media, self._daemon.processes().get("media")
        if media is None:
            return None
        now = media.service.condition or Condition()
        return {
            "state": state,
            "url": self._daemon.app.context.media.url,
            "free_bytes": now.free_bytes,
            "connections": now.connections,
            "connections_max": self._daemon.config.media.connections,
            "inspectors": now.inspectors,
            "waiting": now.waiting,
        }

    def _backup(self) -> dict[str, Any] | None:
        """Return the newest backup; None where no directory of backups is configured."""
        directory, newest = self._daemon.config.console.backup_directory, self._files.backup
        if not directory:
            return None
        found: dict[str, Any] = {"directory": directory, "problem": self._files.backup_problem}
        if newest is not None:
            found |= {"name": newest.name, "bytes": newest.size, "at": int(newest.written_at * 1000)}
        return found

    def _certificate(self) -> dict[str, Any] | None:
        """Return the end of the certificate, Unix milliseconds; None without TLS."""
        file, ends_at = self._daemon.config.listen.tls_cert, self._files.certificate_ends_at
        return {"file": file, "ends_at": None if ends_at is None else int(ends_at * 1000)} if file else None

    async def connections(self, user: str) -> list[dict[str, Any]]:
        """Return the connections of a user, or the newest ones when `user` is empty: at most SESSIONS_SHOWN."""
        users = self._daemon.app.hub.sessions
        found: Iterable[Subscriber] = (
            users.get(user, {}).values()
            if user
            else chain.from_iterable(devices.values() for devices in reversed(users.values()))
        )
        return await self._described(tuple(islice(found, SESSIONS_SHOWN)))

    async def slow(self) -> list[dict[str, Any]]:
        """Return the connections with the fullest outboxes, fullest first, as of the last seconds."""
        if self._daemon.env.monotonic() - self._surveyed_at >= SURVEY_S:
            await self._take_survey()
        return await self._described(self._survey.fullest)

    async def _described(self, subscribers: tuple[Subscriber, ...]) -> list[dict[str, Any]]:
        sessions = [
            cast(Session, one) for one in subscribers if cast(Session, one).address
        ]  # those that are open
        store, apps = self._daemon.app.store, dict[tuple[str, str], DeviceSeen]()
        for user in dict.fromkeys(session.user for session in sessions):
            apps |= {(user, seen.device): seen for seen in await store.devices(user)}
        now = self._daemon.env.monotonic()
        return [self._row(session, apps.get((session.user, session.device)), now) for session in sessions]

    def _row(self, session: Session, seen: DeviceSeen | None, now: float) -> dict[str, Any]:
        return {
            "user": session.user,
            "device": session.device,
            "app": seen.app if seen else "",
            "os": seen.os if seen else "",
            "address": session.address,
            "age_s": int(now - session.since),
            "mode": session.mode,
            "encoding": "json" if session.text else "msgpack",
            "rooms": len(session.subscriptions.rooms),
            "queued_bytes": session.outbox.queued_bytes,
            "lagging": session.outbox.lagging,
        }

    def settings(self) -> list[dict[str, Any]]:
        """Return all settings in force with their origins; secrets are asterisks."""
        return self._origins.rows(self._daemon.config)


def _built_pages() -> Mapping[str, Asset]:
    return console_pages(read_built("console").files)


def not_served(config: Config) -> str:
    """Return the reason not to serve the console, as a sentence for operators; "" when it is served.

    Its cookie and its figures must not cross a network in the clear, and this listener has no TLS.
    """
    addresses = several(config.listen.ops_address)
    if not config.console.enabled:
        return "console.enabled is false"
    if not addresses:
        return "there is no listen.ops_address"
    if all(is_loopback(split_address(address)[0]) for address in addresses):
        return ""
    return (
        f"listen.ops_address = {', '.join(addresses)} can be reached from other machines without TLS: "
        "let it be on loopback, and put a proxy with TLS in front (console.url) or use an SSH tunnel"
    )
