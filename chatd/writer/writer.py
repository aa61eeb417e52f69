"""The one writer: it numbers, commits and publishes, in commit order.

A batch is everything that waits, up to a bound. It is loaded, decided synchronously by core, stored in one transaction,
published and answered. There is no lock because a decision never awaits, and no timer that collects a batch: while one
batch is stored the next one fills, so a batch is one message at low load and grows by itself.

**The problem.** A commit with a flush takes milliseconds of the disk and none of the event loop. Publishing takes
milliseconds of the event loop, a thousand writes in a large room, and none of the disk. One after the other, each would
stand idle while the other works, and throughput would be half of what the machine can do.

**The invariants.** Nothing is shown that is not durable. Batches are published in the order of their commits. Each
submission is answered once, after its commit. A decision sees everything that was decided before it.

**The overlap.** When batch N is durable and more waits, N is kept as `_unpublished`. Batch N+1 is loaded and decided,
its commit begins in the thread of the store, and then, on the loop, N is published and answered. That is safe because:

- at most one batch is unpublished, and it is published before another one is published, or failed;
- only a `plain` batch is kept. Its pushes are encoded from its events alone; all others read rooms and members while
  they are published, and would show what N+1 decided, which is not durable;
- only a batch of sends is loaded and decided before N is published: it needs its rooms, and these are mostly in memory.
  Others read more, which may take long, and the requesters of N would wait for it;
- the hooks `committed` have run for N, so memory is right for N+1. Only the hooks `published` come later.

**When it pays.** The end of a commit is noticed when publishing is over, at the earliest. Where publishing takes longer
than the commit, the overlap gains nothing, and it makes batches small: in a large room one push of everything costs
half of two. So the last durations decide. Without overlap the loop runs once after publishing, so that whatever arrived
during it joins the next batch.

**Why not a task of its own that publishes?** It would need a queue with a bound, and an answer to a store that fails
while batches wait in it. Here the writer is the queue, of length one.

**When a commit fails**, nobody has seen its batch: memory is rolled back and everybody is asked to retry. Those who
were refused beside it are decided again, because the refusal may rest on a change that never came to be. Keys of sends
are not looked up before the commit: the unique index finds a repetition, and the batch is decided again with all keys.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from typing import Any

from chatd.core.audit import Audit, stored_entry
from chatd.core.decisions import DECISIONS, Decide
from chatd.core.event_feed import Cause
from chatd.core.read_set import ReadSet
from chatd.core.room_summary import complete_room_replies
from chatd.core.screening import decide_screened
from chatd.core.unread_counts import count_out
from chatd.core.write_set import WriteSet
from chatd.env import Env
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import ChatError, Refused, Unavailable
from chatd.storage.interface import CommitStore, KeyTaken, StoreLost
from chatd.telemetry.counters import Counters
from chatd.telemetry.supervision import supervised
from chatd.writer.channel_needs import named_rooms
from chatd.writer.commit_hooks import CommitHook, CommitHooks
from chatd.writer.long_reads import LongReads
from chatd.writer.read_set_loader import ReadSetLoader, before_newcomers, optimistic
from chatd.writer.submission import Submission, aborted, submit_and_wait

log = logging.getLogger(__name__)

# A commit of this many takes a few milliseconds; more would only delay the first of them.
BATCH_MAX = 512
# Some seconds of work; beyond it the honest answer is "overloaded".
QUEUE_MAX = 20_000
QUEUE_RETRY_MS = 1_000

# A commit that ends during publishing is noticed a little later, so it seems longer than publishing by about this.
OVERLAP_MARGIN = 1.1


class Writer:
    """The order of everything that is stored.

    `decisions`: a function for each type of request. `published`: the last commit that was published; the store may be
    one ahead. `busy_rooms`: names of the rooms of the batch under way, which must stay in memory. `lost`: the store
    must not be asked again, and the process is to end.
    """

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
        self._storing = hooks.storing
        self._counters = counters
        self._waiting: deque[Submission] = deque()
        self._wake = asyncio.Event()
        # So many of those that wait are carried out one by one, because one of them has a fault.
        self._one_by_one = 0
        # So many of those that wait are a batch of their own: they were refused beside a batch that failed.
        self._refused_beside = 0
        self._stopping = False
        self.lost = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._unpublished: tuple[list[Submission], WriteSet] | None = None
        self._commit_s = self._publishing_s = 0.0
        self._commit_began: float | None = None
        self.busy_rooms: frozenset[str] = frozenset()
        self.published = store.stamp

    def start(self) -> None:
        self._task = asyncio.create_task(supervised("the writer", self._run), name="writer")

    async def stop(self) -> None:
        """Carry out everything that waits, then end."""
        self._stopping = True
        await self._long_reads.stop()
        self._wake.set()
        if self._task is not None:
            await self._task

    @property
    def depth(self) -> int:
        """The number of submissions that wait."""
        return len(self._waiting)

    @property
    def is_busy(self) -> bool:
        """Whether submissions wait or are being stored; the more is written, the more of the time it is."""
        return bool(self._waiting) or self._commit_began is not None

    @property
    def committing_s(self) -> float:
        """The seconds since the commit under way began; 0 when there is none."""
        return 0.0 if self._commit_began is None else self._env.monotonic() - self._commit_began

    @property
    def full(self) -> bool:
        """Whether nothing more is taken, because as much waits as may."""
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
        """Return the refusal when nothing more can be taken now."""
        if self.lost.is_set():
            return Unavailable("internal", "the disk failed", retry_after=QUEUE_RETRY_MS)
        if self.full or self._stopping:
            return Unavailable("overloaded", "too much is waiting to be stored", retry_after=QUEUE_RETRY_MS)
        return None

    def _take_back(self, submission: Submission) -> None:
        """Queue a read again whose events were counted outside the batch."""
        self._waiting.append(submission)
        self._wake.set()

    async def submit_and_wait(self, user: str, request: Any, audit: Audit | None = None) -> Ok:
        """Submit a request and wait for its outcome, for callers that are not sessions."""
        return await submit_and_wait(self.submit, user, request, audit)

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
                else:
                    # Nothing of it was stored, and only the submission at fault shall fail.
                    self._waiting.extendleft(reversed(batch))
                    self._one_by_one = len(batch)

    def _next_batch(self) -> list[Submission]:
        count = 1 if self._one_by_one else self._refused_beside or min(len(self._waiting), BATCH_MAX)
        self._one_by_one, self._refused_beside = max(0, self._one_by_one - 1), 0
        batch = [self._waiting.popleft() for _ in range(count)]
        if self._read_set_loader.rules.people.enabled:
            kept = before_newcomers(batch)
            self._waiting.extendleft(reversed(batch[kept:]))
            del batch[kept:]
        return batch

    async def _run_batch(self, batch: list[Submission], *, known_keys: bool = False) -> None:
        """Decide, store, publish, answer. `known_keys`: look every idempotency key up before deciding."""
        began = self._env.monotonic()
        if known_keys or not all(map(optimistic, batch)):
            self._publish_durable()
        self.busy_rooms = frozenset(name for asked in batch for name in named_rooms(asked.request))
        reads = await self._read_set_loader.load(batch, known_keys=known_keys)
        for submission in reads.postponed:
            batch.remove(submission)
            self._long_reads.take(submission)
        writes = WriteSet(now=self._env.now_ms(), stamp=self._store.stamp + 1)
        try:
            stored = await self._store_outcome(batch, writes, reads, known_keys=known_keys)
        except Exception:
            # The store refused it, or it is a defect: nobody has seen this batch.
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
            await asyncio.sleep(0)  # submissions that came meanwhile join the next batch

    @property
    def _overlap_pays(self) -> bool:
        """Whether the disk is slower than the sockets."""
        return self._commit_s >= self._publishing_s * OVERLAP_MARGIN

    def _count(self, batch: list[Submission], began: float) -> None:
        durable = self._env.monotonic()
        self._counters.batch_size.observe(len(batch))
        self._counters.batch_seconds.observe(durable - began)
        self._counters.commit_seconds.observe(durable - batch[0].since)

    def _publish_durable(self) -> None:
        """Publish and answer the batch that is durable and not published yet, if there is one."""
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
        """Decide and commit; return False when it has to be decided again with all keys looked up."""
        for submission in batch:
            decide(submission, writes, reads, self._decisions)
        count_out(writes)
        complete_room_replies(writes, reads.rules.shown_to)
        if not known_keys and any(needs_key_lookup(submission) for submission in batch):
            return False
        try:
            if not writes.empty:
                if self._storing is not None:
                    self._storing(writes)
                await self._commit(writes)
        except KeyTaken:
            if known_keys:
                raise
            return False
        return True

    async def _commit(self, writes: WriteSet) -> None:
        """Commit a batch, and publish the one before while it is on its way to the disk."""
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
        """Queue again what was refused beside a batch that failed, which may have been the reason."""
        for submission in refused:
            submission.reply = None
        self._waiting.extendleft(reversed(refused))
        self._refused_beside = len(refused)

    def _fail(self, batch: list[Submission], error: ChatError) -> None:
        """Answer with `error`: nothing was stored."""
        self._publish_durable()
        for submission in batch:
            submission.refuse(aborted() if submission.behind_failed() else error)


def decide(
    submission: Submission, writes: WriteSet, reads: ReadSet, decisions: Mapping[type, Decide] = DECISIONS
) -> None:
    """Have core decide one submission; a refusal is its reply and changes nothing."""
    batch_abort = submission.batch_abort
    writes.origin = submission
    marks = writes.marks() if writes.records else {}
    cause = None if submission.audit is None else Cause(submission.audit.key, writes)
    try:
        if submission.behind_failed():
            raise aborted()
        decision = decisions[type(submission.request)]
        user, request = submission.user, submission.request
        if submission.screened is None:
            submission.reply = decision(user, request, writes, reads)
        else:
            submission.reply = decide_screened(submission.screened, decision, user, request, writes, reads)
        if cause is not None and submission.audit is not None:
            cause.note(writes)
            writes.add(stored_entry(submission.audit, submission.reply, writes.now))
    except ChatError as refusal:
        submission.reply = refusal
        writes.drop_after(marks)
        if batch_abort is not None and refusal.retry != "never":
            batch_abort.fail(submission.request.room, submission.place)


LOOKED_UP = ("not_member", "forbidden", "gone", "muted", "refused", "blocked", "request_pending")


def needs_key_lookup(submission: Submission) -> bool:
    """Whether this was refused although its key, not looked up yet, may have been carried out before."""
    refusal = submission.reply
    return isinstance(refusal, Refused) and refusal.code in LOOKED_UP and optimistic(submission)
