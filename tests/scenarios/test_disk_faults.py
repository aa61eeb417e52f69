"""A disk that is full, fails or is held by somebody else, as people on real connections see it."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chatd.server import app
from chatd.storage.sqlite import pragmas
from chatd.telemetry import troubles
from tests.kit import http
from tests.kit.client import TestClient, fresh_key
from tests.kit.clients import Clients
from tests.kit.daemon import DaemonProcess, RunningDaemon, config_for, daemon_process, running_daemon
from tests.kit.disk import Disk, Fault, watched
from tests.kit.simulated_disk import Kind, Operation

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

# The daemon as `chatd serve` runs it, on a disk whose flushes fail while the file exists.
FAILING = """
import sqlite3, sys
from pathlib import Path
from chatd.cli.main import main
from tests.kit.disk import Disk, Fault
from tests.kit.simulated_disk import Kind
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


async def is_refused(client: TestClient, room: str, code: str) -> str:
    """Send something that cannot be stored; its key."""
    key = fresh_key()
    send = {"type": "send", "room": room, "key": key, "body": {"text": "x"}}
    error = await client.expect_refusal(code, send)
    assert error["retry"] == "later"
    assert error["retry_after"] > 0
    return key


async def goes_on(client: TestClient, room: str, refused: list[str], stored: int) -> None:
    """Everything is asked for again, and stands in the log once, in order."""
    for key in refused:
        await client.send(room, "x", key=key)
    log = await client.read_log(room)
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
    disk: Disk, clients: Clients, fault: Fault, code: str
) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    before = (await alice.send(room, "before"))["seq"]
    await bob.forget()
    disk.fault = lambda index, operation: fault if operation.kind == Kind.WRITE else None
    refused = [await is_refused(alice, room, code) for _ in range(3)]
    await bob.expect_silence()
    assert [event["body"]["text"] for event in await bob.request_history(room)] == ["before"]
    carol = await clients.connect("carol")
    await carol.expect_silence()
    disk.fault = None
    await goes_on(alice, room, refused, before)


async def test_a_disk_that_cannot_be_read_refuses_and_comes_back_without_a_restart(
    disk: Disk, clients: Clients
) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    for _ in range(40):
        await alice.send(room, "x" * 3000)

    def unreadable(index: int, operation: Operation) -> Fault | None:
        return Fault(sqlite3.SQLITE_IOERR_READ) if operation.kind == Kind.READ else None

    disk.fault = unreadable
    error = await alice.expect_refusal("internal", {"type": "history", "room": room, "limit": 100})
    assert error["retry"] == "later"
    disk.fault = None
    assert len(await alice.request_history(room, limit=100)) == 40


async def test_a_lock_held_by_another_program_refuses_until_it_lets_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(pragmas.WRITER, "busy_timeout", 1)
    async with running_daemon(config_for(tmp_path)) as daemon:
        clients = Clients(daemon.url)
        room, (alice, bob) = await clients.in_direct("alice", "bob")
        with closing(sqlite3.connect(daemon.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            refused = [await is_refused(alice, room, "internal") for _ in range(3)]
            assert len(await bob.read_log(room)) == 1
            other.execute("ROLLBACK")
        await goes_on(alice, room, refused, 1)
        await clients.leave()


async def test_a_failed_flush_ends_the_daemon_and_the_next_one_goes_on(tmp_path: Path) -> None:
    fails, directory = tmp_path / "fails", tmp_path / "store"
    directory.mkdir()
    program = (sys.executable, "-c", FAILING, str(fails), str(directory))
    async with daemon_process(tmp_path, program) as daemon:
        clients = Clients(daemon.url)
        room, (alice, bob) = await clients.in_direct("alice", "bob")
        acknowledged = [(await alice.send(room, "x"))["seq"] for _ in range(20)]
        fails.touch()
        key = await is_refused(alice, room, "internal")
        assert (await bob.expect_bye(4000))["retry_after"] >= 0
        assert await daemon.wait_exit() == 5
        fails.unlink()
        await everything_is_there(daemon, clients, alice, room, [*acknowledged, key])
        await clients.leave()
    assert "the disk failed: nothing is acknowledged any more" in daemon.log
    assert "the last stop was unclean: checking the database" in daemon.log


async def everything_is_there(
    daemon: DaemonProcess, clients: Clients, alice: TestClient, room: str, acknowledged: list
) -> None:
    """The refused message is there or not, as the disk had it, and can be sent again either way."""
    *numbers, key = acknowledged
    await alice.expect_bye(4000)
    await daemon.start()
    alice, _ = await clients.reconnect(alice)
    assert (await alice.send(room, "x", key=key))["seq"] == numbers[-1] + 1
    assert [event["seq"] for event in await alice.read_log(room)] == list(range(1, numbers[-1] + 2))


# --- what operators see of it


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon tries often whether a trouble is over, which none is before `is_over` says so."""
    monkeypatch.setattr(app, "TROUBLES_INTERVAL_S", 0.02)
    monkeypatch.setattr(troubles, "CALM_S", 3600.0)


async def is_over(daemon: RunningDaemon) -> None:
    """Wait until the daemon, to which nobody writes, has found out by itself; not for a calm of so many seconds."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(troubles, "CALM_S", 0.0)
        while await readiness(daemon):
            await asyncio.sleep(0.02)


async def readiness(daemon: RunningDaemon) -> dict[str, str]:
    """Return the failing checks of /readyz."""
    answer = await http.request(f"{daemon.ops_url}/readyz")
    wrong = {name: said for name, said in answer.json["checks"].items() if said != "ok"}
    assert (answer.status, answer.json["ready"]) == ((503, False) if wrong else (200, True))
    return wrong


async def metric(daemon: RunningDaemon, name: str) -> float:
    text = (await http.request(f"{daemon.ops_url}/metrics")).body.decode()
    return float(next(line.split()[1] for line in text.splitlines() if line.startswith(f"{name} ")))


@dataclass
class Case:
    """A trouble, what of the disk fails for it, and what people are refused meanwhile."""

    name: str
    kind: Kind
    error: int
    why: str
    refusal: str = "internal"

    def request(self, room: str) -> dict[str, Any]:
        if self.kind == Kind.READ:
            return {"type": "history", "room": room, "limit": 100}
        return {"type": "send", "room": room, "key": fresh_key(), "body": {"text": "x"}}


CASES = (
    Case("disk", Kind.WRITE, sqlite3.SQLITE_FULL, "the disk is full", "overloaded"),
    Case("commits", Kind.WRITE, sqlite3.SQLITE_IOERR_WRITE, "the disk reports errors"),
    Case("reads", Kind.READ, sqlite3.SQLITE_IOERR_READ, "the disk reports errors"),
)


@pytest.mark.parametrize("trouble", CASES, ids=lambda trouble: trouble.name)
async def test_trouble_with_the_disk_is_said_once_shown_and_ends_by_itself(
    soon: None, disk: Disk, daemon: RunningDaemon, caplog: pytest.LogCaptureFixture, trouble: Case
) -> None:
    clients, name = Clients(daemon.url), trouble.name
    room, (alice, _) = await clients.in_direct("alice", "bob")
    for _ in range(40):
        await alice.send(room, "x" * 3000)
    assert await readiness(daemon) == {}
    disk.fault = lambda _, operation: Fault(trouble.error) if operation.kind == trouble.kind else None
    for _ in range(3):
        await alice.expect_refusal(trouble.refusal, trouble.request(room))
    assert trouble.why in (await readiness(daemon))[name]
    assert await metric(daemon, f'chatd_trouble{{what="{name}"}}') == 1
    disk.fault = None
    await is_over(daemon)
    assert await metric(daemon, f'chatd_trouble{{what="{name}"}}') == 0
    assert await metric(daemon, f'chatd_troubles_total{{what="{name}"}}') >= 3
    begun, ended = (line for line in caplog.messages if f"trouble with {name}" in line)
    assert begun.startswith(f"trouble with {name}: {trouble.why}")
    assert name == "reads" or " bytes are free, storage.min_free_bytes is 0; until it ends changes" in begun
    assert ended.startswith(f"no more trouble with {name}: ")
    await clients.leave()


async def test_a_lock_held_by_another_program_is_said_until_it_lets_go(
    soon: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(pragmas.WRITER, "busy_timeout", 1)
    async with running_daemon(config_for(tmp_path)) as daemon:
        clients = Clients(daemon.url)
        room, (alice, _) = await clients.in_direct("alice", "bob")
        with closing(sqlite3.connect(daemon.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await is_refused(alice, room, "internal")
            assert "another program holds a lock" in (await readiness(daemon))["commits"]
            other.execute("ROLLBACK")
        await is_over(daemon)
        assert len([line for line in caplog.messages if "trouble with commits" in line]) == 2
        await clients.leave()


async def test_damage_that_a_read_finds_is_said_once_and_does_not_end(
    soon: None, disk: Disk, daemon: RunningDaemon, caplog: pytest.LogCaptureFixture
) -> None:
    clients = Clients(daemon.url)
    room, (alice, _) = await clients.in_direct("alice", "bob")
    for _ in range(40):
        await alice.send(room, "x" * 3000)
    corrupt = Fault(sqlite3.SQLITE_CORRUPT)
    disk.fault = lambda index, operation: corrupt if operation.kind == Kind.READ else None
    for _ in range(3):
        await alice.expect_refusal("internal", {"type": "history", "room": room, "limit": 100})
    disk.fault = None
    assert len(await alice.request_history(room, limit=100)) == 40
    assert "Run `chatd check`" in (await readiness(daemon))["damage"]
    assert len([line for line in caplog.messages if "trouble with" in line]) == 1
    await clients.leave()


async def test_a_row_that_is_not_what_was_written_is_damage(
    soon: None, daemon: RunningDaemon, caplog: pytest.LogCaptureFixture
) -> None:
    """No check of pages can see it: a letter is another letter."""
    clients = Clients(daemon.url)
    room, (alice, _) = await clients.in_direct("alice", "bob")
    seq = (await alice.send(room, "x"))["seq"]
    with closing(sqlite3.connect(daemon.database, isolation_level=None)) as other:
        other.execute("UPDATE events SET blob = x'c1' WHERE position & 0xFFFFFFFF = ?", (seq,))
    await alice.expect_refusal(
        "internal", {"type": "edit", "room": room, "key": fresh_key(), "target": seq, "body": {"text": "y"}}
    )
    assert "the database is damaged" in (await readiness(daemon))["damage"]
    assert not [record for record in caplog.records if record.exc_info]
    await clients.leave()


async def test_a_database_that_is_exchanged_under_the_daemon_is_said(
    soon: None, daemon: RunningDaemon
) -> None:
    """Everything works, and all of it would be gone with the process."""
    assert await readiness(daemon) == {}
    daemon.database.rename(daemon.database.with_name("elsewhere"))
    daemon.database.touch()
    assert "removed or exchanged" in (await readiness(daemon))["damage"]
    daemon.database.with_name("elsewhere").rename(daemon.database)


async def test_a_disk_that_does_not_answer_is_said_while_it_does_not(
    soon: None, monkeypatch: pytest.MonkeyPatch, daemon: RunningDaemon
) -> None:
    clients = Clients(daemon.url)
    room, (alice, _) = await clients.in_direct("alice", "bob")
    monkeypatch.setattr(app, "COMMIT_S", 0.0)
    answers, commit = asyncio.Event(), daemon.app.store.commit

    async def hanging(work: Any) -> None:
        await answers.wait()
        await commit(work)

    monkeypatch.setattr(daemon.app.store, "commit", hanging)
    sending = asyncio.create_task(alice.send(room, "x"))
    while not (wrong := await readiness(daemon)):
        await asyncio.sleep(0.02)
    assert "the disk has not answered" in wrong["commits"]
    answers.set()
    await sending
    await is_over(daemon)
    await clients.leave()
