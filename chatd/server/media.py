"""The parts of media, made from the configuration, where they are switched on."""

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from chatd.auth.interface import Claims
from chatd.commands.api_keys import ApiKeys
from chatd.commands.connection import HelloRejected, identify
from chatd.commands.context import Context
from chatd.config.model import Config
from chatd.config.problems import refuse
from chatd.core.link_key import LINK_KEY_BYTES, SetLinkKey
from chatd.core.write_set import WriteSet
from chatd.http.listeners import certificate_in
from chatd.http.sockets import bound_sockets, shown_address
from chatd.media.packages import BUCKETS, INSTALL_S3, missing, what_is_off
from chatd.media.service import Doors, Link, MediaService
from chatd.media.settings import MediaSettings
from chatd.server.live_voice import LiveVoice
from chatd.storage.interface import Store
from chatd.storage.sqlite.directory import Directory
from chatd.storage.sqlite.link_key import link_key
from chatd.writer.commit_hooks import CommitHooks
from chatd.writer.submission import submit_and_wait

log = logging.getLogger(__name__)

FOLDER = "media"
"""In the data directory, unless `media.directory` names another place."""


class Process(Link, Protocol):
    """The process that owns the bytes, started again whenever it ends."""

    async def close(self) -> None:
        """End it; return when it is over."""


MakeProcess = Callable[[MediaService, int, Context], Process]
"""Starts the process. The number is the descriptor of its listening socket."""


class MediaParts:
    """Media of one daemon: `begin`, `listen`, `run`."""

    def __init__(self, store: Store, context: Context, keys: ApiKeys, hooks: CommitHooks) -> None:
        self._store = store
        self._context = context
        self._listener: socket.socket | None = None
        self._changed = asyncio.Event()
        self._certificate = b""
        submit = partial(submit_and_wait, context.writer.submit, "")
        doors = Doors(self._identify, keys.verified, submit, LiveVoice(store, context).on_state)
        settings = MediaSettings(context.config.media, 0, "", "", b"")
        self.service = MediaService(settings, doors, context.env, context.counters, store.troubles)
        hooks.published.subscribe(self._on_commit)

    @property
    def address(self) -> str:
        """The address that it listens on, with the real port; "" before `listen`."""
        return "" if self._listener is None else shown_address(self._listener)

    async def begin(self) -> None:
        """Make the key of links and the directory at the first start. Raises ConfigError."""
        if lost := what_is_off():
            log.info("media: %s", lost)
        if self._context.config.media.engine == "s3" and missing(BUCKETS):
            raise refuse("", "media.engine is s3, and obstore is not installed", f"Run: {INSTALL_S3}.")
        door, directory = self._context.media, directory_of(self._context.config)
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise refuse(
                "", f"{directory} cannot be made: {error.strerror}", "Change media.directory."
            ) from error
        door.link_key = await self._store.read(link_key)
        if not door.link_key:
            await self.rotate()

    async def rotate(self) -> None:
        """Sign links with another key: those that were given are void."""
        key = self._context.env.random_bytes(LINK_KEY_BYTES)
        await submit_and_wait(self._context.writer.submit, "", SetLinkKey(key))

    def listen(self, config: Config) -> None:
        """Open the listener, before the process that accepts from it. Raises ListenError."""
        self._listener, *others = bound_sockets(config.media.address)
        for bound in others:
            # A name with two addresses: whoever asks for it tries both.
            bound.close()
        # What comes while no process works waits here.
        self._listener.listen(config.listen.backlog)
        self.reconfigure(config)

    async def run(self, make_process: MakeProcess) -> None:
        """Keep a process running until cancelled, another one when its settings change."""
        assert self._listener is not None, "it does not listen"
        try:
            while True:
                self._changed.clear()
                process = make_process(self.service, self._listener.fileno(), self._context)
                self.service.link = process
                try:
                    await self._changed.wait()
                finally:
                    await process.close()
        finally:
            await self.service.close()

    def close(self) -> None:
        """Close the listener."""
        if self._listener is not None:
            self._listener.close()

    def reconfigure(self, config: Config) -> None:
        """Put other settings in force; a process that has others is replaced, and uploads go on with the next."""
        settings, certificate = self._settings(config), certificate_in(config.listen.tls_cert)
        if (settings, certificate) != (self.service.settings, self._certificate):
            self._changed.set()
        self._certificate = certificate
        self._context.media.url = config.media.url or self._own_url(config)
        self.service.reconfigure(settings)

    def shown(self, state: str) -> str:
        """Return the state of the process with what the kernel does not have, and its problem, as far as is known."""
        condition = self.service.condition
        if condition is None:
            return state
        lacks = f", without {' and '.join(condition.fences)}" if condition.fences else ""
        return state + lacks + (f"; {condition.problem}" if condition.problem else "")

    def gauges(self) -> Mapping[str, float | Mapping[str, float]]:
        return self.service.gauges()

    def _settings(self, config: Config) -> MediaSettings:
        assert self._listener is not None, "it does not listen"
        listen = config.listen
        return MediaSettings(
            media=config.media,
            listener=self._listener.fileno(),
            database=str(Directory(config.storage.directory).database),
            directory=str(directory_of(config)),
            link_key=self._context.media.link_key,
            origins=(*listen.origins, *filter(None, (config.web.origin,))),
            proxies=listen.trusted_proxies,
            tls_cert=listen.tls_cert,
            tls_key=listen.tls_key,
            log=config.log,
        )

    def _own_url(self, config: Config) -> str:
        return f"{'https' if config.listen.tls_cert else 'http'}://{self.address}"

    def _on_commit(self, writes: WriteSet) -> None:
        """Use a key for links that was stored. A commit hook."""
        if not writes.records:
            return
        for changed in writes.records_of(SetLinkKey):
            self._context.media.link_key = changed.key
            if self._listener is not None:
                self.reconfigure(self._context.config)

    async def _identify(self, token: str) -> tuple[Claims, int]:
        """Return the claims of a token in force, and the mark that it is younger than. Raises Refused."""
        try:
            device = (await self._context.identity.verify(token)).device or ""
            known = await identify(self._context, token, device)
        except HelloRejected as rejected:
            raise rejected.refusal from rejected
        mark = known.account.generation if known.account is not None else 0
        return known.claims, mark if known.claims.generation is None else known.claims.generation


def directory_of(config: Config) -> Path:
    """Return the directory of the files."""
    return Path(config.media.directory or Path(config.storage.directory, FOLDER)).absolute()
