"""A disk that is full, fails or is held by somebody else, as people on real connections see it."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatd.storage import settings
from tests.kit.company import Company
from tests.kit.daemon import DaemonProcess, RunningDaemon, config_for, daemon_process, running_daemon
from tests.kit.disk import Disk, Fault, watched
from tests.kit.phone import Phone, fresh_key
from tests.kit.platter import Kind, Operation

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

# The daemon as `chatd serve` runs it, on a disk whose flushes fail while the file exists.
FAILING = """
import sqlite3, sys
from pathlib import Path
from chatd.cli.main import main
from tests.kit.disk import Disk, Fault
from tests.kit.platter import Kind
fails, directory = map(Path, sys.argv[1:])
disk = Disk(directory).start()
def fault(index, operation):
    if operation.kind == Kind.SYNC and fails.exists():
        return Fault(sqlite3.SQLITE_IOERR_FSYNC)
disk.fault = fault
main(["serve"])
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    directory = tmp_path / "data"
    directory.mkdir()
    with watched(directory, reads=True) as disk:
        yield disk


@pytest.fixture
async def daemon(disk: Disk) -> AsyncIterator[RunningDaemon]:
    async with running_daemon(config_for(disk.directory)) as running:
        yield running


async def is_refused(phone: Phone, room: str, code: str) -> str:
    """Send something that cannot be stored; its key."""
    key = fresh_key()
    send = {"type": "send", "room": room, "key": key, "body": {"text": "x"}}
    error = await phone.is_refused(code, send)
    assert error["retry"] == "later"
    assert error["retry_after"] > 0
    return key


async def goes_on(phone: Phone, room: str, refused: list[str], stored: int) -> None:
    """Everything is asked for again, and stands in the log once, in order."""
    for key in refused:
        await phone.sends(room, "x", key=key)
    log = await phone.logs(room)
    assert [event["seq"] for event in log] == list(range(1, stored + len(refused) + 1))
    assert [event["key"] for event in log[stored:]] == refused


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(sqlite3.SQLITE_FULL), "overloaded"),
        (Fault(sqlite3.SQLITE_IOERR_WRITE), "internal"),
        (Fault(sqlite3.SQLITE_IOERR_WRITE, written=9), "internal"),
    ],
    ids=["full", "write error", "short write"],
)
async def test_a_disk_that_takes_no_writes_is_read_and_comes_back_without_a_restart(
    disk: Disk, people: Company, fault: Fault, code: str
) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    before = (await alice.sends(room, "before"))["seq"]
    await bob.forgets()
    disk.fault = lambda index, operation: fault if operation.kind == Kind.WRITE else None
    refused = [await is_refused(alice, room, code) for _ in range(3)]
    await bob.is_silent()
    assert [event["body"]["text"] for event in await bob.asks_history(room)] == ["before"]
    carol = await people.meets("carol")
    await carol.is_silent()
    disk.fault = None
    await goes_on(alice, room, refused, before)


async def test_a_disk_that_cannot_be_read_refuses_and_comes_back_without_a_restart(
    disk: Disk, people: Company
) -> None:
    room, (alice, _) = await people.in_direct("alice", "bob")
    for _ in range(40):
        await alice.sends(room, "x" * 3000)

    def unreadable(index: int, operation: Operation) -> Fault | None:
        return Fault(sqlite3.SQLITE_IOERR_READ) if operation.kind == Kind.READ else None

    disk.fault = unreadable
    error = await alice.is_refused("internal", {"type": "history", "room": room, "limit": 100})
    assert error["retry"] == "later"
    disk.fault = None
    assert len(await alice.asks_history(room, limit=100)) == 40


async def test_a_lock_held_by_another_program_refuses_until_it_lets_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(settings.WRITER, "busy_timeout", 1)
    async with running_daemon(config_for(tmp_path)) as daemon:
        people = Company(daemon.url)
        room, (alice, bob) = await people.in_direct("alice", "bob")
        with closing(sqlite3.connect(daemon.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            refused = [await is_refused(alice, room, "internal") for _ in range(3)]
            assert len(await bob.logs(room)) == 1
            other.execute("ROLLBACK")
        await goes_on(alice, room, refused, 1)
        await people.leaves()


async def test_a_failed_flush_ends_the_daemon_and_the_next_one_goes_on(tmp_path: Path) -> None:
    fails, directory = tmp_path / "fails", tmp_path / "store"
    directory.mkdir()
    program = (sys.executable, "-c", FAILING, str(fails), str(directory))
    async with daemon_process(tmp_path, program) as daemon:
        people = Company(daemon.url)
        room, (alice, bob) = await people.in_direct("alice", "bob")
        acknowledged = [(await alice.sends(room, "x"))["seq"] for _ in range(20)]
        fails.touch()
        key = await is_refused(alice, room, "internal")
        assert (await bob.expects_bye(4000))["retry_after"] >= 0
        assert await daemon.ends() == 5
        fails.unlink()
        await everything_is_there(daemon, people, alice, room, [*acknowledged, key])
        await people.leaves()
    assert "the disk failed: nothing is acknowledged any more" in daemon.log
    assert "the last stop was unclean: checking the database" in daemon.log


async def everything_is_there(
    daemon: DaemonProcess, people: Company, alice: Phone, room: str, acknowledged: list
) -> None:
    """The refused message is there or not, as the disk had it, and can be sent again either way."""
    *numbers, key = acknowledged
    await asyncio.wait_for(alice.expects_bye(4000), 10)
    await daemon.start()
    alice, _ = await people.again(alice)
    assert (await alice.sends(room, "x", key=key))["seq"] == numbers[-1] + 1
    assert [event["seq"] for event in await alice.logs(room)] == list(range(1, numbers[-1] + 2))
