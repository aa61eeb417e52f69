"""The power fails at any write or sync of the store, below the real writer, and the disk keeps what it likes.

Whatever is left opens as it stands, at a commit that was made, and with all that was acknowledged or pushed.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from chatd.core import scheduled
from chatd.core.write_set import WriteSet
from chatd.storage.sqlite import pragmas, writer
from chatd.storage.sqlite.feed_rows import FeedRow
from chatd.storage.sqlite.write_set import Batch
from chatd.writer.writer import Writer
from tests.kit.disk import lay, watched
from tests.kit.inprocess import in_process
from tests.kit.ledger import Ledger
from tests.kit.power_cut_sweep import Tally, chances, harsh, scratch, sweep
from tests.kit.random_workload import SECTIONS, Acknowledged, RandomWorkload
from tests.kit.soak import scaled
from tests.kit.waiting import nothing_is_ready

# Of the workload: as many commits, 20 operations each, and a checkpoint every few commits.
STEPS = scaled(20, 60)
STRIDE = scaled(5, 1)  # from one cut of a run to the next; runs begin with different ones
SURVIVALS = 5  # of each cut: everything, nothing, three drawn
RESTARTS = 12  # of each run: a whole start costs 20 ms

pytestmark = [
    pytest.mark.timeout(scaled(1200, 7200)),
    pytest.mark.filterwarnings("default::pytest.PytestUnhandledThreadExceptionWarning"),
]


@pytest.fixture(autouse=True)
def small_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log is folded in often, so that the power fails in checkpoints too; starts say nothing."""
    monkeypatch.setitem(pragmas.WRITER, "wal_autocheckpoint", 20)
    monkeypatch.setattr(logging.getLogger("chatd.storage"), "disabled", True)


async def everything(workload: RandomWorkload) -> None:
    await workload.run(STEPS)


async def sends(workload: RandomWorkload) -> None:
    for _ in range(20):
        await workload.send()


def worked(
    directory: Path, seed: int, writes: Callable[[RandomWorkload], Awaitable[None]] = everything
) -> tuple[Ledger, RandomWorkload]:
    """A database from its first start to its clean end, on a watched disk."""
    directory.mkdir()

    async def works() -> RandomWorkload:
        async with in_process(directory, **SECTIONS) as server:
            workload = RandomWorkload(server, seed, ledger.promise)
            await workload.open()
            await writes(workload)
        return workload

    with watched(directory) as disk:
        ledger = Ledger(disk)
        with ledger.kept():
            workload = asyncio.run(works())
    return ledger, workload


def swept(ledger: Ledger, seed: int, survivals: int = SURVIVALS, *, every: int = 1) -> Tally:
    """Cut after the first start, of which test_power_loss_of_files.py has every cut."""
    cuts = range(ledger.first_start + seed % every, len(ledger.disk.journal) + 1, every)
    return sweep(ledger.disk, ledger.check, chances(seed, survivals), cuts=cuts)


@pytest.mark.parametrize("part", range(2))
def test_whatever_a_power_cut_leaves_is_a_commit_nobody_was_told_more_than(tmp_path: Path, part: int) -> None:
    states, seed = 0, part
    while states < scaled(200, 100_000):
        ledger, _ = worked(tmp_path / f"data{seed}", seed)
        tally = swept(ledger, seed, every=STRIDE)
        assert tally.findings == [], f"seed {seed}"
        assert len(ledger.states) > STEPS / 2
        states, seed = states + tally.states, seed + 2


def test_a_daemon_goes_on_after_a_power_cut_with_the_same_numbers_and_keys(tmp_path: Path) -> None:
    ledger, workload = worked(tmp_path / "data", seed=101)
    end = len(ledger.disk.journal)
    half = (ledger.first_start + end) // 2
    cuts = range(half, end, (end - half) // RESTARTS)
    with scratch() as place:
        for cut in cuts:
            lay(ledger.disk.survivors(cut, harsh), place / str(cut))
            known = [said for said in workload.acknowledged if said.stamp <= ledger.promised(cut)]
            assert known
            asyncio.run(goes_on(place / str(cut), known))


async def goes_on(directory: Path, known: list[Acknowledged]) -> None:
    """Start, send again what was acknowledged before the cut, and something new."""
    async with in_process(directory, **SECTIONS) as server:
        again = RandomWorkload(server, 0, told=lambda stamp: None)
        for said in known:
            reply = await again.request(said.user, said.request)
            assert (reply.seq, reply.duplicate) == (said.seq, True)
        number = server.store.stamp
        await again.open()
        assert server.store.stamp > number


def unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """PRAGMA synchronous = NORMAL: a commit is written, and synced some time later."""
    monkeypatch.setitem(pragmas.WRITER, "synchronous", 1)


def acknowledged_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are given before the commit."""
    real_outcome, real_commit = Writer._store_outcome, Writer._commit

    async def outcome(self: Writer, batch, writes: WriteSet, reads, **keys: bool) -> bool:  # type: ignore[no-untyped-def]
        self.early = batch  # type: ignore[attr-defined]
        return await real_outcome(self, batch, writes, reads, **keys)

    async def commit(self: Writer, writes: WriteSet) -> None:
        self.published = writes.stamp
        for submission in self.early:  # type: ignore[attr-defined]
            submission.complete()
        await nothing_is_ready()  # the requester records it
        await real_commit(self, writes)

    monkeypatch.setattr(Writer, "_store_outcome", outcome)
    monkeypatch.setattr(Writer, "_commit", commit)


@pytest.mark.parametrize("broken", [unsynced, acknowledged_too_early])
def test_a_store_that_acknowledges_too_early_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: Callable[[pytest.MonkeyPatch], None]
) -> None:
    broken(monkeypatch)
    ledger, _ = worked(tmp_path / "data", seed=1, writes=sends)
    findings = swept(ledger, 1, survivals=2, every=3).findings
    assert any("was acknowledged" in finding for finding in findings)
    assert all("was acknowledged" in finding for finding in findings)


def test_a_scheduled_message_whose_row_is_left_when_it_is_sent_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its user would see it wait for ever."""

    def forget(user: str, key: str, writes: WriteSet, reads: object) -> None:
        writes.add(scheduled.LookAt(user, key, 0))

    monkeypatch.setattr(scheduled, "forget", forget)
    ledger, _ = worked(tmp_path / "data", seed=1, writes=RandomWorkload.write_later)
    findings = swept(ledger, 1, survivals=1, every=9).findings
    assert any("what is sent later is looked at" in finding for finding in findings), findings


def test_a_log_that_is_never_synced_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PRAGMA synchronous = OFF: here the file itself may be damaged, and that is seen too."""
    monkeypatch.setitem(pragmas.WRITER, "synchronous", 0)
    ledger, _ = worked(tmp_path / "data", seed=1, writes=sends)
    findings = swept(ledger, 1, survivals=3, every=9).findings
    assert [finding for finding in findings if "was acknowledged" not in finding]


def test_a_feed_that_is_stored_behind_its_commit_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its entries would be lost by whoever reads it, although everything else is as it should be."""
    real = writer.Writer._commit

    def commit(self: writer.Writer, connection: sqlite3.Connection, batch: Batch) -> None:
        entries = [one for one in batch.records if isinstance(one[1][0], FeedRow)]
        batch.records = [one for one in batch.records if one not in entries]
        real(self, connection, batch)
        for write, rows in entries:
            write(connection, rows, batch.stamp)

    monkeypatch.setattr(writer.Writer, "_commit", commit)
    ledger, _ = worked(tmp_path / "data", seed=1, writes=sends)
    findings = swept(ledger, 1, survivals=1, every=9).findings
    assert any("what is stored is told" in finding for finding in findings), findings
