"""The storage: both kinds by one contract, and the file under crashes, power cuts and full disks."""

import asyncio
import sqlite3
import struct
import zlib
from contextlib import closing

import msgpack
import pytest

from chatd.client.core.records import Record
from chatd.client.storage import FileStorage, MemoryStorage
from tests.kit.disk import Fault, lay, watched
from tests.kit.power_cut_sweep import chances, sweep
from tests.kit.simulated_disk import Kind
from tests.kit.waiting import until

FULL = 13  # SQLITE_FULL


@pytest.fixture(params=["memory", "file"])
def reopened(request, tmp_path):
    """Give the same storage again, as after a restart."""
    memory = MemoryStorage()
    return lambda: memory if request.param == "memory" else FileStorage(tmp_path / "inner" / "chat")


async def written(opened, *records):
    await opened.load()
    await opened.save(list(records))
    await opened.close()


async def test_a_new_storage_is_empty(reopened):
    opened = reopened()
    assert await opened.load() == {}
    await opened.close()


async def test_saved_and_noted_records_are_there_after_a_restart(reopened):
    opened = reopened()
    await opened.load()
    opened.note([Record("rooms", "a", {"applied": 5})])
    await opened.save([Record("outbox", "k", {"packet": {"body": {"data": b"\x00\xff"}}})])
    opened.note([Record("account", "cursor", "c1")])
    await opened.close()
    again = reopened()
    assert await again.load() == {
        "rooms": {"a": {"applied": 5}},
        "outbox": {"k": {"packet": {"body": {"data": b"\x00\xff"}}}},
        "account": {"cursor": "c1"},
    }
    await again.close()


async def test_later_records_replace_and_none_deletes(reopened):
    await written(reopened(), Record("rooms", "a", 1), Record("rooms", "b", 1))
    await written(reopened(), Record("rooms", "a", 2), Record("rooms", "b", None), Record("rooms", "x", None))
    again = reopened()
    assert await again.load() == {"rooms": {"a": 2}}
    await again.close()


async def test_the_order_of_first_insertion_is_kept(reopened):
    await written(reopened(), *(Record("outbox", key, 1) for key in "cab"), Record("outbox", "c", 2))
    again = reopened()
    assert list((await again.load())["outbox"]) == ["c", "a", "b"]
    await again.close()


async def test_what_was_loaded_is_a_copy(reopened):
    await written(reopened(), Record("rooms", "a", 1))
    opened = reopened()
    (await opened.load())["rooms"].clear()
    await opened.close()
    again = reopened()
    assert (await again.load())["rooms"] == {"a": 1}
    await again.close()


# --- the file


async def content(path):
    """The tables of a file, which is closed again."""
    opened = FileStorage(path)
    tables = await opened.load()
    await opened.close()
    return tables


async def test_the_file_is_one_table(tmp_path):
    await written(FileStorage(tmp_path / "chat"), Record("rooms", "a", {"applied": 5}))
    with closing(sqlite3.connect(tmp_path / "chat")) as database:
        ((table, key, value),) = database.execute("SELECT * FROM records")
    assert (table, key, msgpack.unpackb(value)) == ("rooms", "a", {"applied": 5})
    assert [path.name for path in tmp_path.iterdir()] == ["chat"]


async def test_the_file_is_private(tmp_path):
    opened = FileStorage(tmp_path / "chat")
    await opened.load()
    await opened.save([Record("rooms", "a", 1)])
    assert [path.name for path in tmp_path.iterdir() if path.stat().st_mode & 0o077] == []
    await opened.close()


async def test_a_second_opener_is_refused_while_the_first_holds_it(tmp_path):
    first = FileStorage(tmp_path / "chat")
    await first.load()
    with pytest.raises(BlockingIOError, match="open in another client"):
        await FileStorage(tmp_path / "chat").load()
    await first.close()
    assert await content(tmp_path / "chat") == {}


async def test_a_file_of_the_version_before_is_refused_and_left_alone(tmp_path):
    payload = msgpack.packb(["rooms", "a", 1])
    log = struct.pack(">II", len(payload), zlib.crc32(payload)) + payload
    (tmp_path / "chat").write_bytes(log)
    with pytest.raises(OSError, match="not a storage of this version"):
        await FileStorage(tmp_path / "chat").load()
    assert (tmp_path / "chat").read_bytes() == log


async def test_another_database_is_refused_and_left_alone(tmp_path):
    with closing(sqlite3.connect(tmp_path / "chat")) as database:
        database.execute("CREATE TABLE records (mine)")
    before = (tmp_path / "chat").read_bytes()
    with pytest.raises(OSError, match="not a storage of this version"):
        await FileStorage(tmp_path / "chat").load()
    assert (tmp_path / "chat").read_bytes() == before


async def test_a_storage_that_is_not_open_refuses_to_write(tmp_path):
    with pytest.raises(ValueError, match="not open"):
        FileStorage(tmp_path / "chat").note([Record("a", "b", 1)])


async def test_closing_twice_is_nothing(tmp_path):
    opened = FileStorage(tmp_path / "chat")
    await opened.load()
    await opened.close()
    await opened.close()


async def test_what_cannot_be_encoded_is_refused_at_once(tmp_path):
    opened = FileStorage(tmp_path / "chat")
    await opened.load()
    with pytest.raises(TypeError):
        opened.note([Record("rooms", "a", object())])
    await opened.close()


# --- crashes


def test_whatever_a_power_cut_leaves_is_whole_and_has_what_was_saved(tmp_path):
    """Records 0, 1, 2, ... one after another, every third of them saved; each call also moves a second record."""

    async def work():
        opened = FileStorage(tmp_path / "chat")
        await opened.load()
        disk.mark("-1")
        for number in range(30):
            records = [Record("rooms", "a", number), Record("account", "cursor", number)]
            if number % 3:
                opened.note(records)
                await asyncio.sleep(0)
            else:
                await opened.save(records)
                disk.mark(str(number))
        await opened.close()
        disk.mark("29")

    def check(place, upto):
        promised = [int(label) for label in disk.marks(upto)]
        if not promised:
            return None  # the file may not be there yet
        tables = asyncio.run(content(place / "chat"))
        number = tables.get("rooms", {}).get("a", -1)
        if tables.get("account", {}).get("cursor", -1) != number:
            return f"half a call: {tables}"
        return f"{number} though {promised[-1]} was saved" if number < promised[-1] else None

    with watched(tmp_path) as disk:
        asyncio.run(work())
    tally = sweep(disk, check, chances(1, 4))
    assert tally.findings == []
    assert tally.states > len(disk.journal)


async def test_a_client_that_is_killed_leaves_what_it_saved(tmp_path):
    with watched(tmp_path / "killed") as disk:
        opened = FileStorage(tmp_path / "killed" / "chat")
        await opened.load()
        await opened.save([Record("outbox", "k", 1)])
        lay(disk.survivors(len(disk.journal), lambda options: 0), tmp_path / "left")
        await opened.close()
    assert await content(tmp_path / "left" / "chat") == {"outbox": {"k": 1}}


async def test_saves_at_the_same_time_share_a_sync(tmp_path):
    with watched(tmp_path) as disk:
        opened = FileStorage(tmp_path / "chat")
        await opened.load()
        before = len(disk.journal)
        await asyncio.gather(*(opened.save([Record("outbox", str(number), 1)]) for number in range(50)))
        syncs = [operation for operation in disk.journal[before:] if operation.kind == Kind.SYNC]
        await opened.close()
    assert 1 <= len(syncs) <= 3


# --- full disks


async def test_what_cannot_be_saved_is_said(tmp_path):
    with watched(tmp_path) as disk:
        opened = FileStorage(tmp_path / "chat")
        await opened.load()
        disk.fault = full
        with pytest.raises(OSError, match="full"):
            await opened.save([Record("outbox", "k", 1)])
        disk.fault = None
        await opened.close()


async def test_after_a_full_disk_everything_is_written_that_was_not(tmp_path, caplog):
    with watched(tmp_path) as disk:
        opened = FileStorage(tmp_path / "chat")
        await opened.load()
        await opened.save([Record("rooms", "a", 1)])
        disk.fault = full
        opened.note([Record("rooms", "b", 2)])
        await until(lambda: "full" in caplog.text)
        disk.fault = None
        await opened.save([Record("rooms", "c", 3)])
        await opened.close()
    assert (await content(tmp_path / "chat"))["rooms"] == {"a": 1, "b": 2, "c": 3}


async def test_what_was_saved_survives_a_disk_that_stays_full(tmp_path):
    with watched(tmp_path) as disk:
        opened = FileStorage(tmp_path / "chat")
        await opened.load()
        await opened.save([Record("rooms", "a", 1)])
        disk.fault = full
        opened.note([Record("rooms", "b", 2)])
        await opened.close()
        disk.fault = None
    assert (await content(tmp_path / "chat"))["rooms"] == {"a": 1}


def full(index, operation):
    return Fault(FULL) if operation.kind == Kind.WRITE else None
