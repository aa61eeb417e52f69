"""The one writer: it numbers, commits and publishes, in commit order.

It takes everything that waits, lets core decide it synchronously on loaded rooms, stores the outcome in one
transaction, and only then acknowledges and hands the batch to the fan-out. At low load a batch is one message;
under load batches grow by themselves. There is no lock anywhere because decisions never await.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from chatd.core.decisions import DECISIONS, Decide
from chatd.core.read_set import Counted, ReadSet, UnreadSpan
from chatd.core.room_summary import complete_room_replies
from chatd.core.unread_counts import count_out
from chatd.core.write_set import WriteSet
from chatd.env import Env
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import ChatError, Refused, Unavailable
from chatd.storage.interface import CommitStore, KeyTaken, StoreLost
from chatd.telemetry.counters import Counters
from chatd.telemetry.supervision import supervised
from chatd.writer.commit_hooks import CommitHook, CommitHooks
from chatd.writer.long_reads import LongReads
from chatd.writer.read_set_loader import ReadSetLoader, named_rooms, optimistic

log = logging.getLogger(__name__)

BATCH_MAX = 512  # a commit of this many takes a few milliseconds; more would only delay the first of them
QUEUE_MAX = 20_000  # some seconds of work; beyond it the honest answer is "overloaded"
QUEUE_RETRY_MS = 1_000

# A commit that is over when the batch before it is told took at most as long: it is seen only then, a little later.
OVERLAP_MARGIN = 1.1


class Requester(Protocol):
    """Who gets the answer: a session."""

    def on_reply(self, id: int, reply: Ok | ChatError) -> None: ...


class BatchAbort:
    """The sends of one batch frame: one that fails for now takes the later ones of its room along (abort rule)."""

    __slots__ = ("_count", "_failed")

    def __init__(self) -> None:
        self._count = 0
        self._failed: dict[str, int] = {}

    def next(self) -> int:
        """The place of one more send."""
        self._count += 1
        return self._count

    def fail(self, room: str, place: int) -> None:
        """The send at `place` failed with a `retry` other than never."""
        self._failed[room] = min(place, self._failed.get(room, place))

    def aborts(self, room: str, place: int) -> bool:
        """Did an earlier send to `room` fail?"""
        return self._failed.get(room, place) < place


@dataclass(slots=True, eq=False)
class Submission:
    """One thing somebody asked, waiting for the writer; answered exactly once."""

    user: str
    request: Any
    requester: Requester | None = None
    id: int = 0
    batch_abort: BatchAbort | None = None
    place: int = 0  # in the batch
    since: float = 0.0  # when it was submitted, monotonic seconds
    future: asyncio.Future[Ok] | None = None
    reply: Ok | ChatError | None = None
    completed: bool = False
    counted: tuple[UnreadSpan, Counted] | None = None  # what a long read passes

    def behind_failed(self) -> bool:
        """Does the abort rule forbid it by now?"""
        return self.batch_abort is not None and self.batch_abort.aborts(self.request.room, self.place)

    def reject(self, error: Refused) -> None:
        """Answer with `error` in place of what was decided, when the batch is told."""
        self.reply = error

    def refuse(self, error: ChatError) -> None:
        """Answer with `error` now."""
        self.reply = error
        self.complete()

    def complete(self) -> None:
        """Give the answer, unless it was given before."""
        if self.completed or self.reply is None:
            return
        self.completed = True
        if isinstance(self.reply, ChatError) and self.batch_abort is not None and self.reply.retry != "never":
            self.batch_abort.fail(self.request.room, self.place)
        if self.requester is not None:
            self.requester.on_reply(self.id, self.reply)
        elif self.future is not None and not self.future.done():
            if isinstance(self.reply, ChatError):
                self.future.set_exception(self.reply)
            else:
                self.future.set_result(self.reply)


class Writer:
    """Owns the order of everything that is stored. `decisions` has a function for each type of request."""

    def __init__(
        self,
        store: CommitStore,
        env: Env,
        read_set_loader: ReadSetLoader,
        decisions: Mapping[type, Decide],
        hooks: CommitHooks,
        counters: Counters,
    ) -> None:
        self._store = store
        self._env = env
        self._read_set_loader = read_set_loader
        self._long_reads = LongReads(read_set_loader.store, read_set_loader.rooms, self._take_back)
        self._decisions = decisions
        self._committed: CommitHook = hooks.committed
        self._publish: CommitHook = hooks.published
        self._counters = counters
        self._waiting: deque[Submission] = deque()
        self._wake = asyncio.Event()
        self._one_by_one = 0  # so many of those that wait are carried out one by one: one of them has a fault
        self._apart = 0  # so many are the next batch: they were refused beside what came to nothing
        self._stopping = False
        self.lost = asyncio.Event()  # the store must not be asked again: the process is to end
        self._task: asyncio.Task[None] | None = None
        self._unpublished: tuple[list[Submission], WriteSet] | None = (
            None  # durable, and told with the next commit
        )
        self._commit_s = self._publishing_s = 0.0  # what the last ones took
        self._commit_began: float | None = None  # of the one under way
        self.busy_rooms: frozenset[str] = frozenset()  # rooms of the batch under way: not to be forgotten
        self.published = store.stamp  # the last commit that was told; the store may be one ahead of it

    def start(self) -> None:
        self._task = asyncio.create_task(supervised("the writer", self._run), name="writer")

    async def stop(self) -> None:
        """Carry out what waits, then end."""
        self._stopping = True
        await self._long_reads.stop()
        self._wake.set()
        if self._task is not None:
            await self._task

    @property
    def depth(self) -> int:
        """Submissions waiting."""
        return len(self._waiting)

    @property
    def committing_s(self) -> float:
        """Seconds since the commit under way began; 0 when there is none."""
        return 0.0 if self._commit_began is None else self._env.monotonic() - self._commit_began

    @property
    def full(self) -> bool:
        """As much waits as may: nothing more is taken."""
        return len(self._waiting) >= QUEUE_MAX

    def submit(self, submission: Submission) -> None:
        """Queue one submission; it is answered after its commit, in order with all others."""
        refusal = self._refusal()
        if refusal is not None:
            submission.refuse(refusal)
            return
        submission.since = self._env.monotonic()
        self._waiting.append(submission)
        self._wake.set()

    def _refusal(self) -> Unavailable | None:
        """Why nothing more can be taken now."""
        if self.lost.is_set():
            return Unavailable("internal", "the disk failed", retry_after=QUEUE_RETRY_MS)
        if self.full or self._stopping:
            return Unavailable("overloaded", "too much is waiting to be stored", retry_after=QUEUE_RETRY_MS)
        return None

    def _take_back(self, submission: Submission) -> None:
        """A read that was set aside is counted."""
        self._waiting.append(submission)
        self._wake.set()

    async def submit_and_wait(self, user: str, request: Any) -> Ok:
        """Submit something and wait for its outcome: for callers that are not sessions."""
        future: asyncio.Future[Ok] = asyncio.get_running_loop().create_future()
        self.submit(Submission(user, request, future=future))
        return await future

    async def _run(self) -> None:
        while self._waiting or not self._stopping:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            batch = self._next_batch()
            try:
                await self._run_batch(batch)
            except StoreLost as error:
                self._counters.commit_failures += 1
                self._fail([*batch, *self._waiting], error)
                self._waiting.clear()
                self.lost.set()
            except Unavailable as error:
                self._counters.commit_failures += 1
                refused = [asked for asked in batch if isinstance(asked.reply, Refused)]
                self._fail([asked for asked in batch if not isinstance(asked.reply, Refused)], error)
                self._decide_again(refused)
            except Exception:
                log.exception("a batch of %d could not be carried out", len(batch))
                if len(batch) == 1:
                    self._fail(batch, Unavailable("internal", "outcome unknown, retry with the same key"))
                else:  # nothing came of it, and only what is at fault shall suffer
                    self._waiting.extendleft(reversed(batch))
                    self._one_by_one = len(batch)

    def _next_batch(self) -> list[Submission]:
        count = 1 if self._one_by_one else self._apart or min(len(self._waiting), BATCH_MAX)
        self._one_by_one, self._apart = max(0, self._one_by_one - 1), 0
        return [self._waiting.popleft() for _ in range(count)]

    async def _run_batch(self, batch: list[Submission], *, known_keys: bool = False) -> None:
        """Decide, store, publish, answer. `known_keys`: look every idempotency key up before deciding.

        While more waits, a plain batch may be told when the next one is already on its way to the disk: the disk and
        the sockets work at the same time. Commit order is telling order all the same.
        """
        began = self._env.monotonic()
        if known_keys or not all(optimistic(submission.request) for submission in batch):
            self._publish_durable()
        self.busy_rooms = frozenset(name for asked in batch for name in named_rooms(asked.request))
        reads = await self._read_set_loader.load(batch, known_keys=known_keys)
        for submission in reads.postponed:
            batch.remove(submission)
            self._long_reads.take(submission)
        writes = WriteSet(now=self._env.now_ms(), stamp=self._store.stamp + 1)
        try:
            stored = await self._store_outcome(batch, writes, reads, known_keys=known_keys)
        except Exception:  # a refusal to store, or a fault of ours: nobody has seen this batch
            writes.rollback()
            raise
        if not stored:
            writes.rollback()
            await self._run_batch(batch, known_keys=True)
            return
        self._publish_durable()
        if not writes.empty:
            self._count(batch, began)
            writes.mark_durable()
            self._committed(writes)
        self._unpublished = (batch, writes)
        if self._waiting and writes.plain and self._overlap_pays:
            return
        self._publish_durable()
        if not self._overlap_pays:
            await asyncio.sleep(0)  # what came while it was told goes along with the next

    @property
    def _overlap_pays(self) -> bool:
        """Is the disk slower than the sockets? Else the next batch had better wait, and take along what comes while
        this one is told: in a large room one push of everything costs half of two.
        """
        return self._commit_s >= self._publishing_s * OVERLAP_MARGIN

    def _count(self, batch: list[Submission], began: float) -> None:
        durable = self._env.monotonic()
        self._counters.batch_size.observe(len(batch))
        self._counters.batch_seconds.observe(durable - began)
        self._counters.commit_seconds.observe(durable - batch[0].since)

    def _publish_durable(self) -> None:
        """Publish and answer the batch that is durable and not told yet, if there is one."""
        if self._unpublished is None:
            return
        (batch, writes), self._unpublished = self._unpublished, None
        began = self._env.monotonic()
        if not writes.empty or writes.read_positions:
            self._publish(writes)
            self.published = max(self.published, writes.stamp if not writes.empty else 0)
            self._counters.delivery_seconds.observe(self._env.monotonic() - batch[0].since)
        for submission in batch:
            submission.complete()
        self._publishing_s = self._env.monotonic() - began

    async def _store_outcome(
        self, batch: list[Submission], writes: WriteSet, reads: ReadSet, *, known_keys: bool
    ) -> bool:
        """Decide and commit; False when it has to be decided again, knowing all keys."""
        for submission in batch:
            decide(submission, writes, reads, self._decisions)
        count_out(writes)
        complete_room_replies(writes, reads.rules.shown_to)
        if not known_keys and any(needs_key_lookup(submission) for submission in batch):
            return False
        try:
            if not writes.empty:
                await self._commit(writes)
        except KeyTaken:
            if known_keys:
                raise
            return False
        return True

    async def _commit(self, writes: WriteSet) -> None:
        """Send a batch to the disk, and tell the one before while it is on its way."""
        began = self._commit_began = self._env.monotonic()
        try:
            if self._unpublished is None:
                await self._store.commit(writes)
            else:
                committing = asyncio.ensure_future(self._store.commit(writes))
                await asyncio.sleep(0)  # so that it begins
                self._publish_durable()
                await committing
        finally:
            self._commit_began = None
        self._commit_s = self._env.monotonic() - began

    def _decide_again(self, refused: list[Submission]) -> None:
        """Put back who was refused beside what came to nothing: perhaps that was the reason."""
        for submission in refused:
            submission.reply = None
        self._waiting.extendleft(reversed(refused))
        self._apart = len(refused)

    def _fail(self, batch: list[Submission], error: ChatError) -> None:
        """Nothing was stored: everybody learns that he has to ask again."""
        self._publish_durable()
        for submission in batch:
            submission.refuse(aborted() if submission.behind_failed() else error)


def decide(
    submission: Submission, writes: WriteSet, reads: ReadSet, decisions: Mapping[type, Decide] = DECISIONS
) -> None:
    """Let core decide one submission; a refusal is its reply and changes nothing."""
    batch_abort = submission.batch_abort
    writes.origin = submission
    marks = writes.marks() if writes.records else {}
    try:
        if submission.behind_failed():
            raise aborted()
        decision = decisions[type(submission.request)]
        submission.reply = decision(submission.user, submission.request, writes, reads)
    except ChatError as refusal:
        submission.reply = refusal
        writes.drop_after(marks)
        if batch_abort is not None and refusal.retry != "never":
            batch_abort.fail(submission.request.room, submission.place)


def aborted() -> Refused:
    """Why a send behind a failed one is not carried out."""
    return Refused("aborted", "an earlier send of this batch failed", retry_after=0)


def needs_key_lookup(submission: Submission) -> bool:
    """Was this refused although its key, not looked up yet, may have been carried out before?"""
    return (
        optimistic(submission.request)
        and isinstance(submission.reply, Refused)
        and submission.reply.code
        in (
            "not_member",
            "forbidden",
            "gone",
            "muted",
        )
    )
