"""The stores that keep the contract of `chatd.storage.interface`: a new adapter is one more row here."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from chatd.config.model import Storage
from chatd.storage.interface import Store
from chatd.storage.sqlite.store import SqliteStore
from chatd.telemetry.troubles import Troubles
from tests.kit.env import ManualEnv


def storage_for(directory: Path) -> Storage:
    """Return the settings of a store in `directory`, without a limit for a full disk."""
    return Storage(directory=str(directory), min_free_bytes=0)


def no_troubles() -> Troubles:
    """Ignore the troubles that a store reports."""
    return Troubles(ManualEnv().monotonic, lambda *_: None)


opened: list[SqliteStore] = []


async def sqlite(directory: Path) -> SqliteStore:
    """Open a store; a test that fails before it closes it leaves that to `close_opened`."""
    store = await SqliteStore.open(storage_for(directory), ManualEnv())
    opened.append(store)
    return store


async def close_opened() -> None:
    """Close every store that is still open: its threads would keep the test run from ending."""
    while opened:
        await opened.pop().close()


STORES: dict[str, Callable[[Path], Awaitable[Store]]] = {"sqlite": sqlite}
