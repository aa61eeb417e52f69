"""The parts of a daemon that hand out and take away what is kept of persons, and the jobs that delete by time."""

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from chatd.commands.admin import Writes
from chatd.commands.privacy import Privacy
from chatd.config.model import Config
from chatd.delivery.hub import Hub
from chatd.env import Env
from chatd.jobs.deleted_channels import DeletedChannels
from chatd.jobs.deletion_clock import DeletionClock
from chatd.jobs.erasures import Erasures
from chatd.jobs.exports import Exports
from chatd.jobs.purge import Purge
from chatd.jobs.retention import Retention
from chatd.storage.interface import Store
from chatd.telemetry.counters import Counters
from chatd.telemetry.loop_share import LoopShare
from chatd.writer.writer import Writer

Job = Callable[[], Coroutine[Any, Any, None]]


class Persons:
    """The jobs, and `clock`, which those ask that delete because time is up."""

    def __init__(self, store: Store, env: Env, writer: Writer, counters: Counters) -> None:
        self._store = store
        self.clock = DeletionClock(env, store.troubles)
        share = LoopShare(env, lambda: writer.depth > 0)
        self.erasures = Erasures(store.erasures, store.files, env, writer, counters, share)
        self.exports = Exports(store.erasures, store.files, env, writer)
        self.purge = Purge(store.erasures, env, writer, share)
        self.retention = Retention(store.erasures, env, writer, share)
        self.deleted_channels = DeletedChannels(store.channels, env, writer, share)

    def reconfigure(self, config: Config) -> None:
        """Put other settings in force."""
        self.erasures.reconfigure(config.moderation)
        self.retention.reconfigure(config.storage)

    def privacy(self, writes: Writes, hub: Hub) -> Privacy:
        """Return the requests of a host."""
        return Privacy(self._store, writes, hub, self.erasures, self.exports)

    async def begin(self) -> None:
        """Shut out who was erased, also by a database of an older backup; before anybody is let in."""
        await self.erasures.begin_listed()
        await self.exports.clean()
        self.clock.start(await self._store.erasures.last_commit_ms())

    @property
    def jobs(self) -> Mapping[str, Job]:
        """The jobs of a daemon, by name."""
        return {
            "erasures": self.erasures.run,
            "exports": partial(self.exports.run, self.clock),
            "deleted channels": self.deleted_channels.run,
            "purge": partial(self.purge.run, self.clock),
            "retention": partial(self.retention.run, self.clock),
        }
