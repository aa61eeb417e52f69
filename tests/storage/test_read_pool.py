"""The reading connections: one commit a read, what waits goes together, Unavailable when something fails."""

import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from chatd.protocol.errors import Unavailable
from chatd.storage.sqlite import read_pool as module
from chatd.storage.sqlite.read_pool import REQUESTS_MAX, ReadPool
from tests.kit.adapters import no_troubles, sqlite
from tests.kit.history_builder import HistoryBuilder


async def test_a_long_read_delays_nobody_while_another_connection_is_free(directory: Path) -> None:
    store = await sqlite(directory)
    readers = await ReadPool.open(directory / "chatd.sqlite", 2, no_troubles())
    held, started = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def long(connection: sqlite3.Connection) -> None:
        loop.call_soon_threadsafe(started.set)
        held.wait()

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


async def test_a_read_behind_a_quick_one_goes_to_the_same_connection(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 3600)
    store = await sqlite(directory)
    readers = await ReadPool.open(directory / "chatd.sqlite", 2, no_troubles())
    held = Held()
    try:
        reads = await held_up(readers, held, id, id)
        assert not reads[1].done()
        held.go_on.set()
        await reads[0]
        one, other = await asyncio.gather(*reads[1:])
        assert one == other
        assert await readers.run(id) == one  # nobody reads: at once
    finally:
        held.go_on.set()
        await readers.close()
        await store.close()


async def test_a_read_sees_one_commit_from_its_beginning_to_its_end(directory: Path) -> None:
    store = await sqlite(directory)
    readers = await ReadPool.open(directory / "chatd.sqlite", 1, no_troubles())
    loop, began, going_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def count_twice(connection: sqlite3.Connection) -> list[int]:
        counts = [connection.execute("SELECT count(*) FROM events").fetchone()[0]]
        loop.call_soon_threadsafe(began.set)
        going_on.wait(10)
        return [*counts, connection.execute("SELECT count(*) FROM events").fetchone()[0]]

    try:
        reading = asyncio.create_task(readers.run(count_twice))
        await began.wait()
        await HistoryBuilder(store).group("ann")
        going_on.set()
        assert await reading == [0, 0]
    finally:
        going_on.set()
        await readers.close()
        await store.close()


class Held:
    """A read that occupies its connection until it is let go."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.go_on = threading.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self, connection: sqlite3.Connection) -> None:
        self._loop.call_soon_threadsafe(self.began.set)
        self.go_on.wait()


async def held_up(readers: ReadPool, held: Held, *reads: Any) -> list[asyncio.Task[Any]]:
    """These reads, waiting behind one that holds the only connection."""
    first = asyncio.create_task(readers.run(held))
    await held.began.wait()
    waiting = [asyncio.create_task(readers.run(read)) for read in reads]
    await asyncio.sleep(0)
    return [first, *waiting]


async def test_reads_that_waited_for_a_connection_see_the_same_commit(directory: Path) -> None:
    store = await sqlite(directory)
    readers = await ReadPool.open(directory / "chatd.sqlite", 1, no_troubles())
    held, committed, looked = Held(), threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def count(connection: sqlite3.Connection) -> int:
        return int(connection.execute("SELECT count(*) FROM events").fetchone()[0])

    def pause(connection: sqlite3.Connection) -> int:
        before = count(connection)
        loop.call_soon_threadsafe(looked.set)
        committed.wait(10)
        return before

    try:
        reads = await held_up(readers, held, pause, count)
        held.go_on.set()
        await looked.wait()
        await HistoryBuilder(store).group("ann")
        committed.set()
        assert await asyncio.gather(*reads[1:]) == [0, 0]
        assert await readers.run(count) == 1
    finally:
        held.go_on.set()
        committed.set()
        await readers.close()
        await store.close()


async def test_no_hop_takes_more_than_its_share(directory: Path) -> None:
    store = await sqlite(directory)
    readers = await ReadPool.open(directory / "chatd.sqlite", 1, no_troubles())
    held, last = Held(), Held()
    try:
        reads = await held_up(readers, held, *[bool] * REQUESTS_MAX, last)
        held.go_on.set()
        await asyncio.gather(*reads[:-1])  # although the last one has not ended
        assert not reads[-1].done()
        last.go_on.set()
        await reads[-1]
    finally:
        last.go_on.set()
        held.go_on.set()
        await readers.close()
        await store.close()


async def test_what_is_too_much_for_one_hop_goes_to_another_free_connection(directory: Path) -> None:
    store = await sqlite(directory)
    readers = await ReadPool.open(directory / "chatd.sqlite", 2, no_troubles())
    held = Held()
    try:
        reads: list[asyncio.Task[Any]] = [
            asyncio.create_task(readers.run(read)) for read in [held, *[bool] * REQUESTS_MAX]
        ]
        await reads[-1]
        assert not any(read.done() for read in reads[:-1])
        held.go_on.set()
        await asyncio.gather(*reads)
    finally:
        held.go_on.set()
        await readers.close()
        await store.close()


async def test_a_read_that_fails_fails_alone(directory: Path) -> None:
    store = await sqlite(directory)
    readers = await ReadPool.open(directory / "chatd.sqlite", 1, no_troubles())
    held = Held()

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("SELECT * FROM nothing")

    def lose_the_snapshot(
        connection: sqlite3.Connection,
    ) -> None:  # as SQLite does after some errors of the disk
        connection.execute("ROLLBACK")
        raise sqlite3.OperationalError("disk I/O error")

    try:
        reads = await held_up(
            readers, held, fail, lose_the_snapshot, lambda connection: connection.in_transaction
        )
        held.go_on.set()
        outcomes = await asyncio.gather(*reads, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [type(None), Unavailable, Unavailable, bool]
        assert outcomes[-1] is True
    finally:
        held.go_on.set()
        await readers.close()
        await store.close()


async def test_who_went_away_while_waiting_is_not_read_for(directory: Path) -> None:
    store = await sqlite(directory)
    readers = await ReadPool.open(directory / "chatd.sqlite", 1, no_troubles())
    held, read = Held(), list[str]()
    try:
        reads = await held_up(readers, held, lambda c: read.append("gone"), lambda c: read.append("here"))
        reads[1].cancel()
        held.go_on.set()
        await asyncio.gather(*reads, return_exceptions=True)
        assert read == ["here"]
    finally:
        held.go_on.set()
        await readers.close()
        await store.close()


async def test_who_waits_when_the_store_closes_is_told(directory: Path) -> None:
    store = await sqlite(directory)
    readers = await ReadPool.open(directory / "chatd.sqlite", 1, no_troubles())
    held = Held()
    reads = await held_up(readers, held, lambda connection: 1)
    held.go_on.set()
    await readers.close()
    with pytest.raises(Unavailable):
        await reads[1]
    await reads[0]
    await store.close()


async def test_what_fails_in_a_reader_is_unavailable_with_its_cause(directory: Path) -> None:
    store = await sqlite(directory)
    readers = await ReadPool.open(directory / "chatd.sqlite", 1, no_troubles())

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
