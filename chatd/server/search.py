"""The parts of search, made from the configuration, while it is switched on."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from chatd.commands.context import Context
from chatd.config.model import Config
from chatd.config.problems import refuse
from chatd.core.write_set import WriteSet
from chatd.search.files import NAME, delete
from chatd.search.handover import IndexSettings
from chatd.search.interface import KeptIndex
from chatd.search.packages import INSTALL, is_installed
from chatd.storage.interface import Store
from chatd.storage.sqlite.directory import Directory
from chatd.writer.commit_hooks import CommitHooks

Work = Callable[[], Coroutine[Any, Any, None]]


MakeIndex = Callable[[IndexSettings, Context], KeptIndex]


class SearchParts:
    """Search of one daemon; `index` is None while it is switched off, and then nothing of it is there."""

    def __init__(self, store: Store, context: Context, hooks: CommitHooks) -> None:
        self.index: KeptIndex | None = None
        self._store = store
        self._context = context
        self._hooks = hooks
        self._subscribed = False
        self._settings: IndexSettings | None = None
        # Of two indexes one ends before the other begins: they have one file.
        self._turn = asyncio.Lock()

    def adopt(self, config: Config, make_index: MakeIndex) -> Work | None:
        """Put a configuration in force; return what has to run for it from now on, None where nothing changes."""
        settings = self._settings_of(config)
        if settings is None and self._settings is None:
            # Nobody would take from it what is recalled from now on.
            delete(file_of(config))
        if settings == self._settings:
            return None
        self._settings = settings
        if not self._subscribed:
            self._subscribed = True
            self._hooks.published.subscribe(self._on_commit)

        async def run() -> None:
            async with self._turn:
                if settings is not None:
                    await self._keep(make_index(settings, self._context))
                else:
                    delete(file_of(config))

        return run

    async def _keep(self, index: KeptIndex) -> None:
        """Search with this index until cancelled."""
        self.index = self._context.search = index
        try:
            await asyncio.Event().wait()
        finally:
            self.index = self._context.search = None
            await index.close()

    def _settings_of(self, config: Config) -> IndexSettings | None:
        if not config.search.enabled:
            return None
        directory = config.storage.directory
        return IndexSettings(
            database=str(Directory(directory).database.absolute()),
            file=str(file_of(config).absolute()),
            epoch=self._store.epoch,
            singles=config.search.single_characters,
            min_free_bytes=config.storage.min_free_bytes,
            log=config.log,
        )

    def _on_commit(self, writes: WriteSet) -> None:
        if self.index is not None and writes.rooms:
            self.index.on_commit(writes.rooms.keys())

    def gauges(self) -> dict[str, float]:
        """Return the figures of the index; none while search is switched off."""
        if self.index is None:
            return {}
        status = self.index.status
        return {"search_behind_rooms": status.behind, "search_index_bytes": status.bytes}


def require_library(config: Config) -> None:
    """Raise ConfigError when search is switched on, and its library is not installed."""
    if config.search.enabled and not is_installed():
        raise refuse("", "search.enabled is on, and apsw is not installed", f"Run: {INSTALL}.")


def file_of(config: Config) -> Path:
    """Return the file of the index."""
    return Path(config.search.file or Path(config.storage.directory, NAME))
