"""The machine of the daemon: the real composition on a simulated network and a watched disk, started, killed,
stopped, restored. Nothing of the daemon is rebuilt here; only the system around it is replaced."""

import asyncio
import contextvars
import logging
import shutil
import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from chatd.config.model import Config
from chatd.core.maintenance import Barrier
from chatd.protocol.errors import ChatError
from chatd.server.app import App
from chatd.server.daemon import Daemon
from chatd.server.gauges import DATABASE
from chatd.storage.sqlite.backup import backup, restore
from chatd.storage.sqlite.store import SqliteStore
from tests.kit.consistency import contradictions
from tests.kit.disk import Disk, lay
from tests.kit.notes import NOTES
from tests.kit.simulated_disk import Kind
from tests.simulation.choices import Lane
from tests.simulation.history import Commit, History, Row, RowVersion, Truth, ViewVersion
from tests.simulation.inline_threads import Threads
from tests.simulation.loop import PROCESS, SimLoop
from tests.simulation.media import SimMedia
from tests.simulation.network import Network
from tests.simulation.people_record import contacts_since, rows_since, uneven
from tests.simulation.push_record import badges, decided
from tests.simulation.push_service import keep_trace
from tests.simulation.search import SimSearch
from tests.simulation.sim_env import SimEnv
from tests.simulation.template import template
from tests.simulation.truth_record import read_truth
from tests.simulation.view_record import Known, chosen, kept_too_long, logged_since, views_since

WAL = f"{DATABASE}-wal"
RARELY_S = 20.0  # between updates of metrics and HTTP headers: each costs a callback


class ProcessEnded(Exception):
    """The process is gone."""


class Run:
    """One run of the daemon, from its start to its end; the value of PROCESS in everything it schedules."""

    def __init__(self, number: int, daemon: Daemon, disk: Disk, base: int, busy: Callable[[], None]) -> None:
        self.number = number
        self.disk = disk
        # Operations on earlier disks.
        self.base = base
        # Stamps that were committed, each with the position behind it.
        self.ledger: list[tuple[int, int]] = []
        # The versions of account rows, those of the start first.
        self.versions: list[RowVersion] = []
        self.leaving = False
        # It is empty until the daemon is up.
        self.epoch = ""
        # Hellos during which something was committed.
        self.raced = 0
        # Rooms that were outdated while their people were being read.
        self.outdated = 0
        self.people = False
        # The views of members, where somebody looks at them, and those that are known.
        self.views: list[ViewVersion] | None = None
        self._known: Known = {}
        # Called with each event that is logged; None where nothing goes.
        self.logged: Callable[[str, int, Row], None] | None = None
        # Stamp, time and badges of all users at each commit; None without push.
        self.badges: list[tuple[int, float, dict[str, int]]] | None = None
        self.now_ms: Callable[[], int] = lambda: 0
        # The back end of the host app.
        self.host: object = None
        # Pairs of contacts that did not fit each other, in one commit.
        self.uneven: list[str] = []
        self.threads = Threads(busy, self._changed)
        self.daemon = daemon
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.context = contextvars.copy_context()
        self.context.run(PROCESS.set, self)

    @property
    def position(self) -> int:
        """The number of operations on the disk so far, over all boots."""
        return self.base + len(self.disk.journal)

    def run(self, work: Any) -> "asyncio.Task[Any]":
        """Start a coroutine of the daemon, as part of this process."""
        return asyncio.get_running_loop().create_task(work, context=self.context)

    async def carry_out(self, work: Any) -> Any:
        """Return the result of a coroutine of the daemon. Raises ProcessEnded when the process ends before."""
        task = self.run(work)
        await asyncio.wait({task, self.ended}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ProcessEnded
        return task.result()

    def _changed(self, connection: sqlite3.Connection) -> None:
        if connection.in_transaction:
            return
        # A failing disk answers nothing.
        with suppress(sqlite3.Error):
            (stamp,) = connection.execute("SELECT value FROM meta WHERE key = 'stamp'").fetchone()
            if not self.ledger or stamp > self.ledger[-1][0]:
                last = self.ledger[-1][0] if self.ledger else -1
                self.versions += rows_since(connection, last)
                if self.people:
                    self.versions += contacts_since(connection, last)
                    self.uneven += [f"at commit {stamp} {pair}" for pair in uneven(connection)]
                if self.badges is not None:
                    found = badges(connection, self.now_ms())
                    self.badges.append((stamp, asyncio.get_running_loop().time(), found))
                if self.logged is not None:
                    for event in logged_since(connection, last):
                        self.logged(*event)
                self.note_views(connection, stamp)
                self.ledger.append((stamp, len(self.disk.journal)))

    def note_views(self, connection: sqlite3.Connection, stamp: int) -> None:
        if self.views is not None:
            at = asyncio.get_running_loop().time()
            self.views += views_since(connection, self._known, stamp, at, self.number)

    def commits(self) -> Iterator[Commit]:
        """Return the commits, each with the position from which on it was safe: a sync of the log after its last
        write."""
        log = [
            (at, operation.kind) for at, operation in enumerate(self.disk.journal) if operation.file == WAL
        ]
        writes = [at for at, kind in log if kind == Kind.WRITE]
        syncs = [at for at, kind in log if kind == Kind.SYNC]
        for stamp, position in self.ledger:
            before = bisect_left(writes, position)
            after = bisect_right(syncs, writes[before - 1] if before else -1)
            yield Commit(
                self.number, self.epoch, stamp, self.base + syncs[after] if after < len(syncs) else None
            )


class SimMachine:
    """`process` is the daemon that runs, None while there is none."""

    def __init__(self, loop: SimLoop, root: Path, config: Callable[[Path], Config], env: SimEnv) -> None:
        self.network = Network(loop)
        self.history = History()
        self.process: Run | None = None
        self.fault: Callable[[int, Any], Any] | None = None
        self.busy: Callable[[], None] = lambda: None
        self.on_lost: Callable[[], None] = lambda: None
        self.boots = 0
        # NOTES, or with the next boot OFF.
        self.notes = NOTES
        self.host: object = None
        self.media: SimMedia | None = None
        self.search: SimSearch | None = None
        # Whether the views of members are recorded, and what is logged, as some of it goes.
        self.records_views = self.records_log = False
        # Logs of rooms as they were before folds, or events were purged.
        self._folded: dict[str, dict[int, Row]] = {}
        self._objects: dict[Path, dict[str, bytes]] = {}
        self._dead: list[Run] = []
        self._loop = loop
        self._root = root
        self._config = config
        self._env = env
        self._outside = contextvars.copy_context()
        self._directory = root / "first"
        # The disk of the process before, unless the power failed since.
        self._disk: Disk | None = None
        self._position = 0
        shutil.copytree(template(), self._directory)
        loop.create_connection = self.network.reach  # type: ignore[assignment, method-assign]
        loop.create_server = self.network.listen  # type: ignore[assignment, method-assign]
        loop.create_unix_server = self.network.listen  # type: ignore[assignment, method-assign]

    async def boot(self) -> None:
        """Start a daemon on what the disk holds. Raises ProcessEnded when it is killed before it is up."""
        self.boots += 1
        disk = self._next_disk()
        config = self._config(self._directory)
        daemon = Daemon(config, self._env, capabilities=[self.notes])
        process = Run(self.boots, daemon, disk, self._position, self.busy)
        process.people, process.host = config.people.enabled, self.host
        process.badges = self.history.badges if config.push.enabled else None
        process.now_ms = self._env.now_ms
        process.views = [] if self.records_views else None
        process.logged = self._remember if self.records_log else None
        self.network.position = lambda: process.position
        disk.fault = self.fault
        if self.media is not None:
            daemon.make_media = self.media
        if self.search is not None:
            daemon.make_index = self.search
        self.process = process
        await process.carry_out(process.daemon.start())
        process.epoch = process.daemon.app.store.epoch
        process.run(self._watch_over(process))
        if process.views is not None:
            with closing(self._database()) as connection:
                process.note_views(connection, process.daemon.app.store.stamp)

    def _next_disk(self) -> Disk:
        """Return the disk as the last process left it; in a directory of its own, so that no other process writes
        there."""
        if self._disk is not None:
            self._directory = keep_trace(self._directory, self._root / f"{self.boots}-goes-on")
        self._disk = Disk(self._directory, after=self._disk).start()
        return self._disk

    async def _watch_over(self, process: Run) -> None:
        """Tell clients and end without another write when the disk fails, as server.runner does."""
        await process.daemon.wait_lost()
        # A process that is leaving already does so as it was asked to.
        if process.leaving:
            return
        await process.daemon.abandon()
        if self.process is process:
            self.give_up()
            self._loop.call_soon(self.on_lost, context=self._outside)

    def crash(self, survival: Lane) -> None:
        """Cut the power: nothing runs any more, and the disk keeps what it must and some of the rest."""
        process = self._gone()
        self._loop.kill(process)
        if self.media is not None:
            self.media.crash(survival)
        self.tally(process)
        process.disk.cut()
        process.threads.close_all()
        files = process.disk.survivors(len(process.disk.journal), survival.pick)
        before, self._directory = self._directory, self._root / f"{self.boots}-after-a-crash"
        lay(files, keep_trace(before, self._directory))
        self._disk, self._position = None, process.position
        self.network.crash(process)

    async def leave(self) -> None:
        """Send SIGTERM, and wait until the daemon has ended."""
        process = self.process
        assert process is not None
        self.tally(process)
        process.leaving = True
        try:
            await process.carry_out(process.daemon.stop())
        except ProcessEnded:
            return
        except (ChatError, TimeoutError) as error:
            # The disk fails or is slow: the process ends all the same.
            self.history.upsets.append(str(error))
            if self.process is process:
                self.give_up()
        else:
            self._gone()

    async def settled(self) -> None:
        """Wait until all requests to the daemon are on its disk or refused: also those of former devices."""
        process = self.process
        if process is not None and process.daemon._app is not None:
            with suppress(ChatError, ProcessEnded):
                await process.carry_out(process.daemon.app.writer.submit_and_wait("", Barrier()))

    def give_up(self) -> None:
        """End a process that could not start or stop: it writes no more, and what it held is released."""
        process = self._gone()
        self._loop.kill(process)
        if self.media is not None:
            self.media.kill()
        process.disk.cut()
        process.threads.close_all()
        if process.daemon._app is not None:
            release(process.daemon._app)
        self.network.crash(process)

    def _gone(self) -> Run:
        process, self.process = self.process, None
        assert process is not None
        self._dead.append(process)
        process.ended.set_result(None)
        self.history.commits += process.commits()
        self.history.uneven += process.uneven
        if process.epoch:
            self.history.versions.setdefault(process.epoch, []).extend(process.versions)
            self.history.views.setdefault(process.epoch, []).extend(process.views or ())
        process.disk.stop()
        process.disk.check()
        return process

    def tally(self, process: Run) -> None:
        """Add up the counters of this run of the daemon that no packet shows."""
        app = process.daemon._app
        if app is None:
            return
        closed, sometimes = app.counters.connections_closed, self.history.sometimes
        for what, times in (
            ("slow-consumer close", closed[4002]),
            ("two sessions of one device", closed[4200]),
            ("resume raced by a live message", process.raced),
            ("gate dropped while its room was loaded", process.outdated),
            ("commit refused by the disk", app.counters.commit_failures),
            ("crash between commit and broadcast", bool(process.ledger) and self._untold(process, app)),
            *((what, app.counters.notifications[what]) for what in ("superseded", "paced", "foreground")),
        ):
            sometimes[what] = sometimes.get(what, 0) + int(times)

    def _untold(self, process: Run, app: Any) -> bool:
        return process in self._loop.dead and process.ledger[-1][0] > app.writer.published

    # copies

    def back_up(self) -> Path:
        """Do what `chatd backup` does while the daemon serves."""
        place = self._root / f"backup-{self.boots}-{self._position}-{len(list(self._root.iterdir()))}"
        backup(self._directory, place)
        if self.media is not None:
            self._objects[place] = self.media.objects(place)
        return place

    def put_back(self, copy: Path) -> None:
        """Do what `chatd restore` does while no daemon runs; this ends the old epoch."""
        truth = self.truth()
        with closing(sqlite3.connect(copy)) as connection:
            (truth.kept,) = connection.execute("SELECT value FROM meta WHERE key = 'stamp'").fetchone()
        self.history.truths.append(truth)
        restore(copy, self._directory, self._env.random_bytes)
        if self.media is not None:
            self.media.put_back(self._objects[copy])

    def remember(self) -> None:
        """Keep, for the checkers, what a fold is about to drop."""
        for room, log in self.truth().rooms.items():
            self._folded.setdefault(room, {}).update(log)

    def _remember(self, room: str, seq: int, row: Row) -> None:
        self._folded.setdefault(room, {})[seq] = row

    def _database(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._directory / DATABASE)
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        return connection

    def chosen(self) -> dict[str, int]:
        """Return the seconds for which each room keeps messages."""
        with closing(self._database()) as connection:
            return chosen(connection)

    def note_kept(self, now_ms: int, before: dict[str, int]) -> None:
        """Record what should be gone after a purge. `before`: the times that rooms had chosen then."""
        server_s = self._config(self._directory).storage.retain_s
        with closing(self._database()) as connection:
            self.history.kept_too_long += kept_too_long(connection, now_ms, server_s, before)

    def note_stale(self, before_ms: int) -> None:
        """Record that messages of before a time (Unix ms) are too old now, if push had not decided about them."""
        with closing(self._database()) as connection:
            self.history.stale.append((decided(connection), before_ms))

    def truth(self) -> Truth:
        """Return the log as it is in the database, whatever the daemon has in memory."""
        with closing(self._database()) as connection:
            truth = read_truth(connection, self._folded)
            truth.read_ms = self._env.now_ms()
            truth.people = self._config(self._directory).people.enabled
            self.history.contradictions += contradictions(connection)
            return truth

    def clear(self) -> None:
        """Release what dead processes left in memory, so that the collector calls none of it."""
        if self.process is not None:
            self.give_up()
        if self.search is not None:
            self.search.close()
        for process in self._dead:
            process.threads.close_all()
            # The watcher of an open file would hold the world, which has the cursor of a query that was cut off, and
            # SQLite keeps the files open as long as there is such a cursor.
            process.disk.fault = None
            app = process.daemon._app
            if app is not None:
                release(app)
                app.passwords.close()
        # What a task does when it is closed fails, since nothing runs any more, and says so.
        logging.disable()
        for task in asyncio.all_tasks(self._loop):
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            with suppress(BaseException):
                task.get_coro().close()
        logging.disable(logging.NOTSET)


def release(app: App) -> None:
    """Release the directory of a dead daemon."""
    assert isinstance(app.store, SqliteStore)
    app.store._lock.release()
