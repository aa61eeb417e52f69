"""Opening the database from the command line, when no daemon uses it."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

from chatd.cli.exits import Failure
from chatd.config.model import Config
from chatd.protocol.errors import ChatError
from chatd.storage.interface import Store
from chatd.storage.sqlite.directory import Directory
from chatd.storage.sqlite.errors import StoreError
from chatd.storage.sqlite.store import SqliteStore

T = TypeVar("T")


class CliEnv:
    """The part of Env that a store needs."""

    def monotonic(self) -> float:
        return time.monotonic()

    def random_bytes(self, count: int) -> bytes:
        return secrets.token_bytes(count)


@contextmanager
def explained() -> Iterator[None]:
    """Turn refusals, and errors of the storage, into a Failure."""
    try:
        yield
    except StoreError as error:
        raise Failure(str(error)) from None
    except ChatError as error:
        raise Failure(error.message or error.code) from None


def with_store(config: Config, action: Callable[[Store], Awaitable[T]], *, create: bool = False) -> T:
    """Run `action` on the database of `config`; Failure when a daemon uses it or it cannot be opened.

    `create`: make a database where there is none. Otherwise a wrong directory is refused and left as it was.
    """

    async def opened() -> T:
        async with _store(config) as store:
            return await action(store)

    with explained():
        directory = Directory(config.storage.directory)
        # An interrupted restore, which leaves files beside the missing database, has an error text of its own.
        if not (create or directory.has_database() or directory.remains()):
            directory.require_database()
        return asyncio.run(opened())


@asynccontextmanager
async def _store(config: Config) -> AsyncIterator[Store]:
    store = await SqliteStore.open(config.storage, CliEnv())
    try:
        yield store
    finally:
        await store.close()
