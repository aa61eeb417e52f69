"""What survives: both storages by one contract, and the file under crashes."""

import asyncio
import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.client import storage
from chatd.client.core.records import Record
from chatd.client.storage import FileStorage, MemoryStorage, framed, records_in


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


async def test_a_torn_tail_ends_the_log_and_is_cut_off(tmp_path):
    path = tmp_path / "chat"
    await written(FileStorage(path), Record("rooms", "a", 1))
    whole = path.read_bytes()
    path.write_bytes(whole + framed(Record("rooms", "b", 2))[:-1])
    await written(FileStorage(path), Record("rooms", "c", 3))
    again = FileStorage(path)
    assert (await again.load())["rooms"] == {"a": 1, "c": 3}
    await again.close()


async def test_a_tail_of_zeros_ends_the_log(tmp_path):
    path = tmp_path / "chat"
    await written(FileStorage(path), Record("rooms", "a", 1))
    path.write_bytes(path.read_bytes() + bytes(4096))
    again = FileStorage(path)
    assert (await again.load())["rooms"] == {"a": 1}
    await again.close()


values = st.integers(0, 9) | st.none() | st.text(max_size=5) | st.binary(max_size=5)
some_records = st.lists(
    st.builds(Record, st.sampled_from(["x", "y"]), st.sampled_from("abc"), values), max_size=8
)


@given(some_records, st.data())
def test_a_log_cut_anywhere_gives_a_prefix_of_its_records(records, data):
    log = b"".join(map(framed, records))
    cut = data.draw(st.integers(0, len(log)))
    found = [record for record, _ in records_in(log[:cut])]
    assert found == records[: len(found)]
    assert len(log[:cut]) < len(b"".join(map(framed, records[: len(found) + 1]))) or found == records


@given(some_records.filter(bool), st.data())
def test_a_damaged_byte_never_gives_a_record_that_was_not_written(records, data):
    log = bytearray(b"".join(map(framed, records)))
    log[data.draw(st.integers(0, len(log) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    found = [record for record, _ in records_in(bytes(log))]
    assert found == records[: len(found)]


async def test_the_file_is_private(tmp_path):
    await written(FileStorage(tmp_path / "chat"))
    assert (tmp_path / "chat").stat().st_mode & 0o077 == 0


async def test_a_second_opener_is_refused_while_the_first_holds_it(tmp_path):
    first = FileStorage(tmp_path / "chat")
    await first.load()
    with pytest.raises(BlockingIOError):
        await FileStorage(tmp_path / "chat").load()
    await first.close()
    second = FileStorage(tmp_path / "chat")
    await second.load()
    await second.close()


async def test_a_storage_that_is_not_open_refuses_to_write(tmp_path):
    with pytest.raises(ValueError, match="not open"):
        FileStorage(tmp_path / "chat").note([Record("a", "b", 1)])


async def test_closing_twice_is_nothing(tmp_path):
    opened = FileStorage(tmp_path / "chat")
    await opened.load()
    await opened.close()
    await opened.close()


@pytest.fixture
def synced(monkeypatch):
    """The size of the log at each fsync of it."""
    sizes, real = [], os.fsync

    def fsync(descriptor):
        sizes.append(os.fstat(descriptor).st_size)
        real(descriptor)

    monkeypatch.setattr(storage.os, "fsync", fsync)
    return sizes


async def test_a_save_returns_only_after_an_fsync_that_covers_it(tmp_path, synced):
    opened = FileStorage(tmp_path / "chat")
    await opened.load()
    for number in range(3):
        await opened.save([Record("outbox", str(number), "x" * 100)])
        assert synced[-1] == (tmp_path / "chat").stat().st_size
    await opened.close()


async def test_saves_at_the_same_time_share_an_fsync(tmp_path, synced):
    opened = FileStorage(tmp_path / "chat")
    await opened.load()
    synced.clear()
    await asyncio.gather(*(opened.save([Record("outbox", str(number), 1)]) for number in range(50)))
    assert 1 <= len(synced) <= 3
    assert synced[-1] == (tmp_path / "chat").stat().st_size
    await opened.close()


async def test_a_log_full_of_old_records_is_written_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "COMPACT_BYTES", 10_000)
    opened = FileStorage(tmp_path / "chat")
    await opened.load()
    for number in range(2000):
        opened.note([Record("rooms", "a", number), Record("rooms", f"b{number % 5}", number)])
    await opened.save([Record("outbox", "k", "kept")])
    assert (tmp_path / "chat").stat().st_size < 12_000
    await opened.close()
    again = FileStorage(tmp_path / "chat")
    tables = await again.load()
    assert (tables["rooms"]["a"], tables["outbox"]) == (1999, {"k": "kept"})
    assert len(tables["rooms"]) == 6
    await again.close()


async def test_a_crash_while_the_log_is_written_anew_leaves_the_old_one(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "COMPACT_BYTES", 200)
    opened = FileStorage(tmp_path / "chat")
    await opened.load()

    def crash(self, target):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            noted(opened, range(1000))
    await opened.close()
    again = FileStorage(tmp_path / "chat")
    assert 0 < (await again.load())["rooms"]["a"] < 999
    await again.close()


def noted(opened, numbers):
    for number in numbers:
        opened.note([Record("rooms", "a", number)])


@pytest.fixture
def full_disk(monkeypatch):
    """A switch: while `full`, writes stop half way."""
    disk = SimpleNamespace(full=False)
    real = storage._write

    def write(file, content):
        if disk.full:
            real(file, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "no space")
        real(file, content)

    monkeypatch.setattr(storage, "_write", write)
    return disk


async def test_what_cannot_be_saved_is_said(tmp_path, full_disk):
    opened = FileStorage(tmp_path / "chat")
    await opened.load()
    full_disk.full = True
    with pytest.raises(OSError, match="no space"):
        await opened.save([Record("outbox", "k", 1)])
    await opened.close()


async def test_after_a_full_disk_everything_is_written_that_was_not(tmp_path, full_disk, caplog):
    opened = FileStorage(tmp_path / "chat")
    await opened.load()
    await opened.save([Record("rooms", "a", 1)])
    full_disk.full = True
    opened.note([Record("rooms", "b", 2)])
    assert "no space" in caplog.text
    full_disk.full = False
    await opened.save([Record("rooms", "c", 3)])
    await opened.close()
    again = FileStorage(tmp_path / "chat")
    assert (await again.load())["rooms"] == {"a": 1, "b": 2, "c": 3}
    await again.close()


async def test_what_was_saved_survives_a_disk_that_stays_full(tmp_path, full_disk):
    opened = FileStorage(tmp_path / "chat")
    await opened.load()
    await opened.save([Record("rooms", "a", 1)])
    full_disk.full = True
    for number in range(3):
        opened.note([Record("rooms", "b", number)])
    await opened.close()
    again = FileStorage(tmp_path / "chat")
    assert (await again.load())["rooms"] == {"a": 1}
    await again.close()
