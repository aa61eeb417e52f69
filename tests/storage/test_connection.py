"""The one file that imports aiosqlite: the behaviour it relies on, and the settings of every connection."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from chatd.storage.sqlite.connection import Connection, connect, open_file, open_reader, open_writer
from chatd.storage.sqlite.errors import StoreError
from chatd.storage.sqlite.pragmas import READER, WRITER, apply


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "x#? %.sqlite"  # characters that mean something in a URI
    connection = open_file(path, mode="rwc")
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    return path


def thread_of(connection: sqlite3.Connection) -> threading.Thread:
    return threading.current_thread()


async def test_a_function_runs_in_the_thread_of_its_connection(path: Path) -> None:
    one, other = await open_reader(path), await open_reader(path)
    try:
        threads = [await one.run(thread_of), await one.run(thread_of), await other.run(thread_of)]
        assert threads[0] is threads[1] is not threads[2]
        assert threading.current_thread() not in threads
    finally:
        await one.close()
        await other.close()


async def test_functions_run_in_the_order_of_the_calls_and_get_their_arguments(path: Path) -> None:
    connection, order = await open_reader(path), []

    def note(connection: sqlite3.Connection, number: int, *, sign: int) -> int:
        order.append(number)
        return sign * number

    try:
        results = await asyncio.gather(*(connection.run(note, number, sign=-1) for number in range(50)))
        assert (order, results) == (list(range(50)), [-number for number in range(50)])
    finally:
        await connection.close()


async def test_a_cancelled_caller_does_not_stop_the_function(path: Path) -> None:
    connection, held, done = await open_reader(path), threading.Event(), threading.Event()

    def wait(connection: sqlite3.Connection) -> None:
        held.wait()
        done.set()

    try:
        task = asyncio.create_task(connection.run(wait))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        held.set()
        await connection.run(thread_of)  # queued behind it
        assert done.is_set()
    finally:
        await connection.close()


async def test_what_a_function_raises_reaches_the_caller(path: Path) -> None:
    connection = await open_reader(path)

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("SELECT nonsense")

    try:
        with pytest.raises(sqlite3.OperationalError, match="no such column"):
            await connection.run(fail)
    finally:
        await connection.close()


async def test_a_closed_connection_says_so(path: Path) -> None:
    connection: Connection = await open_reader(path)
    await connection.close()
    await connection.close()
    assert not connection.is_open
    with pytest.raises(sqlite3.ProgrammingError):
        await connection.run(thread_of)


def read_back(connection: sqlite3.Connection, names: list[str]) -> dict[str, object]:
    return {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names}


async def test_a_writer_has_its_settings(path: Path) -> None:
    connection = await open_writer(path)
    try:
        assert await connection.run(read_back, list(WRITER)) == WRITER
        durable = await connection.run(read_back, ["journal_mode", "synchronous", "wal_autocheckpoint"])
        assert durable == {"journal_mode": "wal", "synchronous": 2, "wal_autocheckpoint": 8192}
    finally:
        await connection.close()


async def test_a_reader_has_its_settings_and_cannot_write(path: Path) -> None:
    connection = await open_reader(path)

    def write(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO t VALUES (1)")

    try:
        assert await connection.run(read_back, list(READER)) == READER
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            await connection.run(write)
    finally:
        await connection.close()


def test_a_setting_that_does_not_take_is_refused() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(StoreError, match="journal_mode") as caught:
        apply(connection, {"journal_mode": "wal"}, Path("memory"))
    assert caught.value.kind == "unsupported"
    connection.close()


def test_a_missing_file_is_not_created_by_opening(tmp_path: Path) -> None:
    for mode in ("ro", "rw"):
        with pytest.raises(sqlite3.OperationalError):
            open_file(tmp_path / "none", mode=mode)
    assert list(tmp_path.iterdir()) == []


async def test_who_is_cancelled_while_it_opens_waits_for_its_thread(path: Path) -> None:
    may_open, opened = threading.Event(), list[sqlite3.Connection]()

    def slow() -> sqlite3.Connection:
        may_open.wait()
        opened.append(open_file(path, mode="ro"))
        return opened[0]

    opening = asyncio.ensure_future(connect(slow))
    await asyncio.sleep(0)
    opening.cancel()
    await asyncio.sleep(0.01)
    assert not opening.done()
    may_open.set()
    with pytest.raises(asyncio.CancelledError):
        await opening
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].execute("SELECT 1")
