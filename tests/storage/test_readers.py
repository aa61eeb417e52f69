"""The reading connections: one snapshot a request, the least busy one, Unavailable when something fails."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from chatd.protocol.errors import Unavailable
from chatd.storage.readers import Readers
from tests.kit.adapters import sqlite
from tests.kit.chronicle import Chronicle


async def test_a_request_goes_to_the_reader_with_the_fewest_waiting(directory: Path) -> None:
    store = await sqlite(directory)
    readers = await Readers.open(directory / "chatd.sqlite", 2)
    held, started = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def long(connection: sqlite3.Connection) -> None:
        loop.call_soon_threadsafe(started.set)
        held.wait(10)

    try:
        slow = asyncio.create_task(readers.run(long))
        await started.wait()
        for _ in range(5):
            assert await readers.run(lambda connection: 1) == 1
        assert not slow.done()
        held.set()
        await slow
    finally:
        held.set()
        await readers.close()
        await store.close()


async def test_a_request_sees_one_commit_from_its_beginning_to_its_end(directory: Path) -> None:
    store = await sqlite(directory)
    readers = await Readers.open(directory / "chatd.sqlite", 1)
    loop, began, going_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def count_twice(connection: sqlite3.Connection) -> list[int]:
        counts = [connection.execute("SELECT count(*) FROM events").fetchone()[0]]
        loop.call_soon_threadsafe(began.set)
        going_on.wait(10)
        return [*counts, connection.execute("SELECT count(*) FROM events").fetchone()[0]]

    try:
        reading = asyncio.create_task(readers.run(count_twice))
        await began.wait()
        await Chronicle(store).group("ann")
        going_on.set()
        assert await reading == [0, 0]
    finally:
        going_on.set()
        await readers.close()
        await store.close()


async def test_what_fails_in_a_reader_is_unavailable_with_its_cause(directory: Path) -> None:
    store = await sqlite(directory)
    readers = await Readers.open(directory / "chatd.sqlite", 1)

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("SELECT * FROM nothing")

    with pytest.raises(Unavailable, match="internal") as caught:
        await readers.run(fail)
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
    assert await readers.run(
        lambda connection: connection.in_transaction
    )  # the next one has its own snapshot
    await readers.close()
    await store.close()
