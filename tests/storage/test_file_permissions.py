"""Files with messages in them: for their owner only from their first moment on, and refused where they are not."""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.config import file_permissions
from chatd.config.file_permissions import TOUCH, fault
from chatd.storage.sqlite import backup as backing_up
from chatd.storage.sqlite import startup
from chatd.storage.sqlite.backup import backup, restore
from chatd.storage.sqlite.connection import open_file
from chatd.storage.sqlite.directory import Directory, Lock
from chatd.storage.sqlite.errors import StoreError
from tests.kit.adapters import sqlite
from tests.kit.history_builder import HistoryBuilder

STRANGER = 54321


@pytest.fixture
def open_to_all() -> Iterator[None]:
    """New files are for everybody, as far as nobody says otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def refused(directory: Path) -> StoreError:
    with pytest.raises(StoreError) as caught:
        startup.make_ready(prepared(directory), secrets.token_bytes)
    return caught.value


def prepared(directory: Path) -> Directory:
    place = Directory(directory)
    place.prepare()
    return place


async def test_what_a_daemon_writes_is_for_its_owner_only(open_to_all: None, directory: Path) -> None:
    store = await sqlite(directory)
    await HistoryBuilder(store).group("ann")
    modes = {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()}
    assert modes == dict.fromkeys(
        ["chatd.sqlite", "chatd.sqlite-wal", "chatd.sqlite-shm", "chatd.lock"], 0o600
    )
    await store.close()


async def test_a_database_a_backup_and_a_restore_are_private_before_their_first_byte(
    open_to_all: None, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that opened one while it was being made could read it ever after."""
    begun: dict[str, tuple[int, int]] = {}

    def watched(path: Path, *, mode: str) -> sqlite3.Connection:
        status = path.stat()
        begun.setdefault(path.name, (status.st_size, status.st_mode & 0o777))
        return open_file(path, mode=mode)

    for module in (startup, backing_up):
        monkeypatch.setattr(module, "open_file", watched)
    await (await sqlite(directory)).close()
    backup(directory, tmp_path / "b")
    restore(tmp_path / "b", directory, secrets.token_bytes)
    assert begun == dict.fromkeys(["chatd.sqlite.new", "b.partial", "chatd.sqlite.restore"], (0, 0o600))


async def test_nothing_is_written_through_a_link(directory: Path, tmp_path: Path) -> None:
    await (await sqlite(directory)).close()
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (tmp_path / "b.partial").symlink_to(precious)
    (directory / "chatd.sqlite.restore").symlink_to(precious)
    backup(directory, tmp_path / "b")
    restore(tmp_path / "b", directory, secrets.token_bytes)
    (directory / "chatd.lock").unlink()
    (directory / "chatd.lock").symlink_to(precious)
    with pytest.raises(StoreError):
        Lock.take(Directory(directory))
    assert precious.read_text() == "precious"


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_a_directory_that_others_may_change_is_refused_and_stays_empty(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    error = refused(tmp_path)
    assert (error.kind, error.fix) == ("unsafe", f"Run: chmod 700 {tmp_path}")
    assert f"other users may change it (mode {mode:04o})" in error.what
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("mode", "lines"), [(0o755, 1), (0o750, 1), (0o701, 1), (0o710, 0), (0o700, 0)])
def test_a_directory_that_others_may_look_into_is_said(
    tmp_path: Path, mode: int, lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A group that may only pass gets as far as the admin socket: so an operator lets a back end in."""
    tmp_path.chmod(mode)
    prepared(tmp_path)
    assert len(caplog.messages) == lines
    assert all(f"other users may open it (mode {mode:04o})" in line for line in caplog.messages)


def test_a_directory_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
    error = refused(tmp_path)
    assert error.kind == "unsafe"
    assert f"chatd runs as {STRANGER}" in error.what
    assert "sudo -u" in error.fix


@pytest.mark.parametrize("name", ["chatd.sqlite", "chatd.sqlite-wal", "chatd.sqlite.replaced"])
async def test_a_database_that_others_may_open_is_refused(directory: Path, name: str) -> None:
    await (await sqlite(directory)).close()
    path = directory / name
    path.touch()
    path.chmod(0o640)
    error = refused(directory)
    assert (error.kind, error.where, error.fix) == ("unsafe", path, f"Run: chmod 600 {path}")
    path.chmod(0o600)
    startup.make_ready(prepared(directory), secrets.token_bytes)


async def test_a_link_in_place_of_the_database_is_refused(directory: Path) -> None:
    await (await sqlite(directory)).close()
    path = directory / "chatd.sqlite"
    path.rename(directory / "elsewhere")
    path.symlink_to(directory / "elsewhere")
    assert "not a regular file" in refused(directory).what


def owned(path: Path, uid: int) -> os.stat_result:
    status = path.stat()
    return os.stat_result((0o100600, *status[1:4], uid, *status[5:10]))


def test_a_file_belongs_to_us_to_root_or_to_whoever_could_exchange_it(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.touch()
    assert fault(file, TOUCH, owned(file, os.geteuid())) is None
    assert fault(file, TOUCH, owned(file, 0)) is None
    wrong = fault(file, TOUCH, owned(file, STRANGER))
    assert wrong is not None
    assert f"belongs to {STRANGER}" in wrong.what


def test_the_owner_of_its_directory_may_own_a_file_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root signs a token with the secret of a daemon that runs as somebody else."""
    file = tmp_path / "secret"
    file.touch(mode=0o600)
    monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
    assert fault(file, TOUCH) is None
    assert file_permissions.name_of(STRANGER) == str(STRANGER)
