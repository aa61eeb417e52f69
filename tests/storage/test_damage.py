"""A start on a database that something else has changed: it refuses in words, or everything is there.

It never repairs, and a file that is refused stays as it was.
"""

import asyncio
import logging
import os
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chatd.storage.sqlite import wal
from chatd.storage.sqlite.connection import readable
from chatd.storage.sqlite.directory import Directory
from chatd.storage.sqlite.errors import StoreError
from chatd.storage.sqlite.startup import check, inspect, make_ready
from chatd.storage.sqlite.store import SqliteStore
from tests.kit.adapters import sqlite, storage_for
from tests.kit.env import ManualEnv
from tests.kit.history_builder import HistoryBuilder
from tests.kit.mounts import mounted, remount
from tests.kit.soak import scaled, seed_base

COMMITS = 60
PAGE = 4096
FLIPS = scaled(150, 10_000)  # of each file

pytestmark = pytest.mark.timeout(scaled(1200, 7200))


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("chatd.storage"), "disabled", True)


async def stored(directory: Path, user: str, copy: Path) -> None:
    """A database of so many commits, closed; at `copy` as a kill would have left it."""
    store = await SqliteStore.open(
        storage_for(directory), ManualEnv(seed=ord(user[0]))
    )  # an epoch of its own
    builder = HistoryBuilder(store)
    room = await builder.group(user)
    for number in range(COMMITS):
        await builder.post(room, user, f"{number} " + "x" * 300)
    shutil.copytree(directory, copy)
    await store.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two databases, each closed and killed: ann, ann-killed, bob, bob-killed."""
    place = tmp_path_factory.mktemp("made")
    for user in ("ann", "bob"):
        asyncio.run(stored(place / user, user, place / f"{user}-killed"))
    return place


@pytest.fixture
def killed(made: Path, tmp_path: Path) -> Directory:
    shutil.copytree(made / "ann-killed", tmp_path / "data")
    return Directory(tmp_path / "data")


@pytest.fixture
def closed(made: Path, tmp_path: Path) -> Directory:
    """After a clean stop."""
    shutil.copytree(made / "ann", tmp_path / "data")
    return Directory(tmp_path / "data")


@pytest.fixture
def unclean(made: Path, tmp_path: Path) -> Directory:
    """Whole in one file, but not known to be: as after a checkpoint and a crash."""
    shutil.copytree(made / "ann", tmp_path / "data")
    directory = Directory(tmp_path / "data")
    with closing(sqlite3.connect(directory.database)) as connection:
        connection.execute("UPDATE meta SET value = 0 WHERE key = 'clean'")
        connection.commit()
    return directory


def refusal(directory: Directory) -> StoreError | None:
    """Why a start refuses; that it left everything as it was is checked on the way."""
    before = {path: path.read_bytes() for path in (directory.database, directory.wal) if path.exists()}
    try:
        make_ready(directory, bytes)
    except StoreError as error:
        refused = error
    else:
        return None
    assert {path: path.read_bytes() for path in before} == before
    assert refused.fix
    return refused


def commits(directory: Directory) -> int:
    """How many messages are there, of a database whose every page is good; no start compares indexes with tables."""
    with closing(readable(directory.database)) as connection:
        check(connection, "quick_check", directory.database)
        (events,) = connection.execute("SELECT count(*) FROM events").fetchone()
    return max(0, int(events) - 1)  # the first says that the room was created


def flipped(path: Path, content: bytes, place: int, bit: int) -> None:
    changed = bytearray(content)
    changed[place] ^= 1 << bit
    path.write_bytes(changed)


def test_a_flipped_bit_in_the_header_or_a_page_is_refused_or_harms_no_structure(unclean: Directory) -> None:
    seed = seed_base()
    chance, content, refused = random.Random(seed), unclean.database.read_bytes(), 0
    places = [*range(100), *(chance.randrange(len(content)) for _ in range(FLIPS))]
    for place in places:
        flipped(unclean.database, content, place, chance.randrange(8))
        error = refusal(unclean)
        refused += error is not None
        if error is None:
            assert commits(unclean) == COMMITS, f"seed {seed}, byte {place}"
        else:
            assert error.kind in ("damaged", "foreign", "unsupported", "newer"), (error, place)
        for beside in (unclean.wal, unclean.path / "chatd.sqlite-shm"):
            beside.unlink(missing_ok=True)
    assert refused > 20  # most of a page is text, where a changed letter is another letter


def test_a_flipped_bit_in_the_log_is_refused_unless_it_looks_like_a_power_cut(killed: Directory) -> None:
    """Loss of the last two commits cannot be noticed: a power cut leaves the same."""
    seed = seed_base()
    chance, content = random.Random(seed), killed.wal.read_bytes()
    refused = 0
    for place in [*range(32), *(chance.randrange(len(content)) for _ in range(FLIPS))]:
        flipped(killed.wal, content, place, chance.randrange(8))
        error = refusal(killed)
        refused += error is not None
        if error is None:
            assert commits(killed) >= COMMITS - 2, f"seed {seed}, byte {place}"
        else:
            assert error.kind == "damaged"
            assert "restore the last backup" in error.fix
    assert refused > FLIPS / 2


def test_a_log_believed_as_sqlite_does_would_lose_commits(
    killed: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal, "has_hole", lambda beyond: False)
    content = killed.wal.read_bytes()
    flipped(killed.wal, content, len(content) // 2, 3)
    assert refusal(killed) is None
    assert commits(killed) < COMMITS - 2


@pytest.mark.parametrize("length", [0, 1, 50, 99, 100, 1024, PAGE, PAGE * 5, PAGE * 11 + 7])
def test_a_truncated_database_is_refused(unclean: Directory, length: int) -> None:
    os.truncate(unclean.database, length)
    error = refusal(unclean)
    assert error is not None
    assert error.kind == "damaged"


@pytest.mark.parametrize("page", range(12))
def test_a_page_of_zeros_is_refused(unclean: Directory, page: int) -> None:
    with unclean.database.open("r+b") as file:
        file.seek(page * PAGE)
        file.write(bytes(PAGE))
    error = refusal(unclean)
    assert error is not None
    assert error.kind in ("damaged", "foreign")


@pytest.mark.parametrize("first", range(0, 12, 3))
def test_damage_after_a_clean_stop_is_refused_too(closed: Directory, first: int) -> None:
    """A disk that loses or changes something does not wait for a crash."""
    with closed.database.open("r+b") as file:
        file.seek(first * PAGE + PAGE // 2)
        file.write(random.Random(first).randbytes(5 * PAGE))
    error = refusal(closed)
    assert error is not None
    assert error.kind in ("damaged", "foreign", "unsupported")


def test_a_log_of_another_database_is_refused(killed: Directory, made: Path) -> None:
    shutil.copy(made / "bob-killed" / "chatd.sqlite-wal", killed.wal)
    error = refusal(killed)
    assert error is not None
    assert "of another database" in error.what


def test_without_its_log_a_killed_database_is_what_it_was_at_the_last_checkpoint(killed: Directory) -> None:
    """This looks like a log that another program checkpointed: what is there is checked, and is whole."""
    killed.wal.unlink()
    assert refusal(killed) is None
    assert commits(killed) == 0


def test_what_a_kill_leaves_is_taken_as_it_is(killed: Directory) -> None:
    before = killed.wal.read_bytes()
    assert refusal(killed) is None
    assert commits(killed) == COMMITS
    assert killed.wal.read_bytes() == before


def test_a_read_only_file_system_is_refused_and_nothing_is_tried(killed: Directory, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "size=8m") as place:
        shutil.copytree(killed.path, place / "data")
        remount(place, "ro")
        with pytest.raises(StoreError) as caught:
            asyncio.run(sqlite(place / "data"))
        assert caught.value.kind == "read_only"
        remount(place, "rw")
        asyncio.run(opens(place / "data"))


async def opens(directory: Path) -> None:
    store = await sqlite(directory)
    await store.close()


def test_a_file_system_without_inodes_is_refused_until_there_are_some(
    killed: Directory, tmp_path: Path
) -> None:
    with mounted(tmp_path / "disk", "size=8m,nr_inodes=12") as place:
        (place / "data").mkdir()
        shutil.copy(killed.database, place / "data")
        ballast = []
        try:
            for number in range(20):
                ballast.append(place / f"ballast{number}")
                ballast[-1].touch()
        except OSError:
            ballast.pop()
        with pytest.raises(StoreError) as caught:
            asyncio.run(sqlite(place / "data"))
        assert caught.value.kind in ("full", "read_only")
        for path in ballast[-4:]:
            path.unlink()
        asyncio.run(opens(place / "data"))
    inspect(killed.database)
