"""The disk fails at each single call of a run of 50 messages: nothing is acknowledged that is not stored, whoever
was refused may ask again, and work goes on; after a failed flush in a new process only.
"""

import asyncio
import contextlib
import logging
import random
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chatd.protocol.errors import ChatError, Unavailable
from chatd.protocol.messages import Body, Send
from chatd.protocol.rooms import RoomCreate
from chatd.storage.sqlite import pragmas, store, writer
from chatd.storage.sqlite.errors import StoreError
from chatd.storage.sqlite.write_set import Batch
from tests.kit.adapters import sqlite
from tests.kit.disk import Disk, Fault, lay, watched
from tests.kit.history_builder import HistoryBuilder
from tests.kit.inprocess import InProcessServer, in_process, new_key
from tests.kit.ledger import Ledger
from tests.kit.power_cut_sweep import calm, harsh, scratch
from tests.kit.simulated_disk import Kind, Operation
from tests.kit.soak import scaled

MESSAGES = 50
BURST = 10  # sent at once, so stored in one commit: five commits, two checkpoints

WRITES = (Kind.WRITE, Kind.TRUNCATE)

FEW = 20  # calls: a sweep over more of them takes only some in the suite
STRIDE = scaled(12, 1)  # from one that fails to the next


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(pragmas.WRITER, "wal_autocheckpoint", 12)
    for name in ("chatd.storage", "chatd.writer.writer"):
        monkeypatch.setattr(logging.getLogger(name), "disabled", True)


@dataclass
class Outcome:
    """The outcome of one run of 50 messages."""

    failing: "Failing"
    waiting: list[Send]  # not acknowledged yet
    acknowledged: dict[str, int] = field(default_factory=dict)  # key -> seq
    refused: list[ChatError] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    ended: bool = False  # the daemon took no more commits

    @property
    def codes(self) -> set[str]:
        return {error.code for error in self.refused}

    def lost_nothing(self) -> None:
        """Everybody was answered in the end, in dense numbers, and refusals said when to come back."""
        where = f"call {self.failing.failing}: {self.failing.failed}"
        assert (self.findings, self.waiting) == ([], []), where
        assert sorted(self.acknowledged.values()) == list(range(2, MESSAGES + 2)), where
        assert all(error.retry == "later" and error.retry_after for error in self.refused), where


@dataclass
class Run:
    """One process in which a person sends what is not acknowledged yet."""

    server: InProcessServer
    ledger: Ledger
    outcome: Outcome

    async def sends_all(self) -> None:
        """Send burst by burst; refused requests are repeated with the same key in the second round."""
        for _ in range(2):
            todo, self.outcome.waiting = self.outcome.waiting, []
            for first in range(0, len(todo), BURST):
                await asyncio.gather(*map(self.send, todo[first : first + BURST]))

    async def send(self, request: Send) -> None:
        try:
            reply: Any = await self.server.app.writer.submit_and_wait("ann", request)
        except ChatError as error:
            self.outcome.refused.append(error)
            self.outcome.waiting.append(request)
        else:
            self.outcome.acknowledged[request.key] = reply.seq
            self.ledger.promise(self.server.app.writer.published)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A database with one room, closed."""
    directory = tmp_path_factory.mktemp("template") / "data"

    async def makes() -> str:
        async with in_process(directory) as server:
            made = await server.app.writer.submit_and_wait(
                "ann", RoomCreate(key=new_key(), kind="group", title="t")
            )
            return str(made.summary.room)  # type: ignore[attr-defined]

    return directory, asyncio.run(makes())


@contextmanager
def copied(template: Path, *, reads: bool = False) -> Iterator[Disk]:
    """The template on a watched disk."""
    with scratch() as place:
        shutil.copytree(template, place / "data")
        with watched(place / "data", reads=reads) as disk:
            yield disk


@asynccontextmanager
async def running(disk: Disk, ledger: Ledger, outcome: Outcome) -> AsyncIterator[Run]:
    with ledger.kept():
        async with in_process(disk.directory, rates={"enabled": False}) as server:
            yield Run(server, ledger, outcome)


class Failing:
    """A hook that fails the call number `at` of some kinds, and `times` - 1 that follow; at -1 it only counts."""

    def __init__(self, kinds: tuple[Kind, ...], fault: Fault, at: int = -1, times: int = 1) -> None:
        self.kinds = kinds
        self.fault = fault
        self.failing = range(at, at + times) if at >= 0 else range(0)
        self.calls = 0
        self.failed: Operation | None = None

    def __call__(self, index: int, operation: Operation) -> Fault | None:
        if operation.kind not in self.kinds:
            return None
        self.calls += 1
        if self.calls - 1 not in self.failing:
            return None
        self.failed = operation
        return self.fault


async def one_run(template: tuple[Path, str], failing: Failing) -> Outcome:
    """50 messages while the disk fails, the rest of them when it does not; then a power cut."""
    source, room = template
    requests = [Send(room=room, key=new_key(), body=Body(text="x" * 300)) for _ in range(MESSAGES)]
    with copied(source, reads=Kind.READ in failing.kinds) as disk:
        ledger, outcome = Ledger(disk), Outcome(failing, requests)
        async with running(disk, ledger, outcome) as run:
            disk.fault = failing
            await run.sends_all()
            disk.fault = None
            outcome.ended = run.server.app.writer.lost.is_set()
            if outcome.ended:
                disk.cut()  # the process is gone: it writes nothing more
            else:
                await run.sends_all()
                outcome.findings = power_cuts(disk, ledger)
        if outcome.ended:
            await in_a_new_process(disk, ledger, outcome)
    return outcome


async def in_a_new_process(disk: Disk, ledger: Ledger, outcome: Outcome) -> None:
    """Go on with the files as the system shows them to the next start on the same machine."""
    with Disk(disk.directory.with_name("moved"), after=disk) as moved:
        async with running(moved, ledger, outcome) as run:
            ledger.note(moved.directory)
            await run.sends_all()
            outcome.findings = power_cuts(moved, ledger)


def power_cuts(disk: Disk, ledger: Ledger) -> list[str]:
    """Return the faults after a power cut now, with the least, the most and some of what was not synced."""
    cut = len(disk.journal)
    with scratch() as place:
        for number, choose in enumerate((harsh, calm, random.Random(1).randrange)):
            lay(disk.survivors(cut, choose), place / str(number))
        found = [ledger.check(left, cut) for left in sorted(place.iterdir())]
    return [finding for finding in found if finding is not None]


async def calls_of(template: tuple[Path, str], *kinds: Kind) -> int:
    """How many calls of these kinds a healthy run makes."""
    counting = Failing(kinds, Fault(0))
    assert (await one_run(template, counting)).findings == []
    return counting.calls


def some_of(calls: int, first: int = 0) -> range:
    """Return the calls that fail, one after the other: all of few, and in a soak all."""
    return range(calls) if calls <= FEW else range(first % STRIDE, calls, STRIDE)


FLUSH = "flush error"
FAULTS = {
    "full": (WRITES, Fault(sqlite3.SQLITE_FULL), {"overloaded"}),
    "write error": (WRITES, Fault(sqlite3.SQLITE_IOERR_WRITE), {"internal"}),
    "short write": ((Kind.WRITE,), Fault(sqlite3.SQLITE_IOERR_WRITE, written=7), {"internal"}),
    "read error": ((Kind.READ,), Fault(sqlite3.SQLITE_IOERR_READ), {"internal"}),
    FLUSH: ((Kind.SYNC,), Fault(sqlite3.SQLITE_IOERR_FSYNC), {"internal"}),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_at_any_call_loses_nothing_and_acknowledges_nothing_false(
    template: tuple[Path, str], name: str
) -> None:
    kinds, fault, codes = FAULTS[name]
    calls = await calls_of(template, *kinds)
    heard = 0
    # Faults of writes meet the same calls: each of them takes others.
    for at in some_of(calls, [*FAULTS].index(name)):
        outcome = await one_run(template, Failing(kinds, fault, at))
        outcome.lost_nothing()
        assert outcome.codes <= codes, at
        assert outcome.ended is (name == FLUSH and bool(outcome.refused)), at
        heard += bool(outcome.refused)
    assert calls >= MESSAGES // BURST
    assert heard > 0


async def test_a_failed_flush_of_a_commit_ends_the_writer_and_that_of_a_checkpoint_costs_nothing(
    template: tuple[Path, str],
) -> None:
    """Pages of a failed checkpoint are still in the log, and the next one writes them again."""
    kinds, fault, _ = FAULTS[FLUSH]
    outcomes = [
        await one_run(template, Failing(kinds, fault, at)) for at in range(await calls_of(template, *kinds))
    ]
    files = {outcome.ended: outcome.failing.failed.file for outcome in outcomes}
    assert files == {True: "chatd.sqlite-wal", False: "chatd.sqlite"}


@pytest.mark.parametrize("name", ["full", "write error"])
async def test_a_disk_that_fails_for_long_is_not_believed_and_comes_back_without_a_restart(
    template: tuple[Path, str], name: str
) -> None:
    kinds, fault, codes = FAULTS[name]
    outcome = await one_run(template, Failing(kinds, fault, at=20, times=10_000))
    outcome.lost_nothing()
    assert (outcome.codes, outcome.ended) == (codes, False)
    assert len(outcome.refused) > MESSAGES / 2


async def test_a_start_makes_durable_what_it_finds_after_a_failed_flush(
    template: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break it: the log is believed as it reads. The next commits hang on pages that the disk never got."""
    monkeypatch.setattr(store, "rewrite", lambda path: None)
    kinds, fault, _ = FAULTS[FLUSH]
    calls = await calls_of(template, *kinds)
    findings = [(await one_run(template, Failing(kinds, fault, at))).findings for at in range(calls)]
    assert any("was acknowledged" in finding for found in findings for finding in found)


async def test_a_failed_flush_taken_for_a_good_one_is_found_out(template: tuple[Path, str]) -> None:
    ignored = Fault(0)
    calls = await calls_of(template, Kind.SYNC)
    findings = [
        (await one_run(template, Failing((Kind.SYNC,), ignored, at, times=1000))).findings
        for at in range(calls)
    ]
    assert any("was acknowledged" in finding for found in findings for finding in found)


async def test_a_swallowed_error_is_found_out(
    template: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break it: a commit that failed is acknowledged."""

    class Swallowing(writer.Writer):
        async def commit(self, batch: Batch) -> None:
            with contextlib.suppress(Unavailable):
                await super().commit(batch)
            self.stamp = batch.stamp

    monkeypatch.setattr(store, "Writer", Swallowing)
    outcome = await one_run(template, Failing((Kind.WRITE,), Fault(sqlite3.SQLITE_FULL), at=20, times=4))
    assert outcome.findings


START_FAULTS = {
    Kind.CREATE: Fault(sqlite3.SQLITE_CANTOPEN),
    Kind.WRITE: Fault(sqlite3.SQLITE_FULL),
    Kind.SYNC: Fault(sqlite3.SQLITE_IOERR_FSYNC),
    Kind.READ: Fault(sqlite3.SQLITE_IOERR_READ),
    Kind.DELETE: Fault(sqlite3.SQLITE_IOERR_DELETE),
    Kind.RENAME: Fault(sqlite3.SQLITE_FULL),
    Kind.SYNC_DIRECTORY: Fault(sqlite3.SQLITE_IOERR_FSYNC),
}


async def starts(directory: Path, failing: Failing) -> StoreError | None:
    """Open and close a store; why it did not open."""
    with watched(directory, reads=True) as disk:
        disk.fault = failing
        try:
            opened = await sqlite(directory)
        except StoreError as error:
            return error
        disk.fault = None
        await opened.close()
    return None


@pytest.mark.parametrize("kind", START_FAULTS)
@pytest.mark.parametrize("empty", [True, False], ids=["first start", "after a kill"])
async def test_a_fault_at_any_call_of_a_start_is_refused_in_words_and_the_next_start_goes_on(
    template: tuple[Path, str], kind: Kind, empty: bool
) -> None:
    fault = START_FAULTS[kind]
    with scratch() as place:
        await killed_or_empty(template[0], place / "counted", empty)
        counting = Failing((kind,), fault)
        assert await starts(place / "counted", counting) is None
        refused = []
        for at in some_of(counting.calls):
            directory = place / str(at)
            await killed_or_empty(template[0], directory, empty)
            refused.append(await starts(directory, Failing((kind,), fault, at)))
            assert await starts(directory, Failing((), fault)) is None
    assert all(error.fix for error in refused if error is not None)
    assert any(refused) or not counting.calls or kind == Kind.DELETE


async def killed_or_empty(template: Path, directory: Path, empty: bool) -> None:
    """A new directory, or one with a database whose daemon was killed."""
    if empty:
        directory.mkdir()
        return
    live = directory.with_name("live")
    shutil.copytree(template, live)
    running = await sqlite(live)
    await HistoryBuilder(running).group("bob")
    shutil.copytree(live, directory)
    await running.close()
    shutil.rmtree(live)
