"""Screening: what others will read waits here for a verdict, in front of the writer.

**The problem.** A filter looks at a text at once, but a before-hook is a request to another machine: it takes
milliseconds, or seconds, or no answer comes. The writer cannot wait for it: everybody would. And the requests of a user
may not overtake each other: who sends and then leaves would be refused for having left; of the sends of one batch frame
the second may not be stored when the first failed.

**The invariants.** Nothing is stored that was not judged, unless the operator lets it pass when the hook fails. Nothing
that was stored is answered with `rejected`. What a user asks of a room is decided in the order in which they asked.
Each request is answered once. The host app is shown no text of somebody who may not write there.

**Lanes.** Each user has a lane for each room in which something of theirs waits, and one for what names no room. While
there is a lane, whatever the user asks of that room queues there, screened or not, and goes to the writer when all
before it have gone. Where there is none, a request that needs no waiting goes straight to the writer, so a lane is
made for a wait only. The requests of a lane are judged side by side; only their way to the writer is in order. Other
authors pass: between authors the order is that of storing. Filters need no waiting, so with filters alone there are
no lanes, but for forwards, whose messages have to be read first.

**The decision has the last word.** A verdict does not answer a request: it goes with it to the writer (`Screened`),
which looks the key up, checks membership on the state of that moment, and only then refuses, or stores what the verdict
made of it. A retry that lost its acknowledgement is therefore a duplicate even when the judge changed its mind.

**Cheap refusals come first.** What the decision would refuse the host app is not asked about, be it for a quota, by the
privacy of others, or for its form. A request that names no room is rehearsed: decided, up to its first change. In a
room only the rules that go by who asks are looked at: most requests are sends, which have their room in memory.

**Who may not post**, by membership, role, silence or slow mode, or may not edit that message, is not judged. But the
answer to "may they" is older than the decision: a `room.join` of the user may wait in the writer, or another may add
them. So a user who may not is asked about again behind everything that the writer has, and if they still may not, the
request goes there as one that must not be stored. The decision refuses it as it would have; should they have come in
meanwhile, the answer is `overloaded`, and the client asks again.

**Who is shut out while they wait**, by a ban, a mute or an erasure, is refused what waits: whoever shut them out was
answered, and hears nothing more of them.

**When a hook fails**, an item passes with a mark, or is answered with `overloaded`, as the operator chose. Judging
gathers items into calls, and knows when not to ask. When the daemon stops, what waits is answered with `overloaded`:
its connections are gone, and clients repeat it on the next one.
"""

import asyncio
import dataclasses
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from chatd.core.filters import masked
from chatd.core.forwarding import JudgedForward
from chatd.core.maintenance import Barrier
from chatd.core.restrictions import check_account
from chatd.core.room import Room
from chatd.core.screening import (
    FLAGGED,
    SCREENED,
    UNSCREENED,
    On,
    Screened,
    texts_in,
    texts_of,
    unmasked_texts,
    with_texts,
)
from chatd.core.users import Account
from chatd.core.velocity import has_link, is_new
from chatd.core.write_set import WriteSet
from chatd.env import Env
from chatd.moderation.interface import Filters
from chatd.protocol.errors import ChatError, Refused, Rejected, Unavailable
from chatd.protocol.messages import Forward
from chatd.telemetry.counters import Counters
from chatd.webhooks.interface import Judge
from chatd.writer.forward_lookup import looked_up
from chatd.writer.judged_items import REWRITTEN, flagging, items_of, rewritten
from chatd.writer.judged_rooms import JudgedRooms
from chatd.writer.judging import Judging, KeepTask
from chatd.writer.submission import Submission, Submit, submit_and_wait

log = logging.getLogger(__name__)

RETRY_MS = 1_000
NOT_JUDGED = Unavailable("overloaded", "the host app gave no verdict", retry_after=RETRY_MS)
CAME_IN = Unavailable("overloaded", "the user came in meanwhile", retry_after=0)
CROWDED = Unavailable("overloaded", "too much waits to be judged", retry_after=RETRY_MS)
STOPPING = Unavailable("overloaded", "the server stops", retry_after=RETRY_MS)
DEFECT = Unavailable("internal", "outcome unknown, retry with the same key")

# The reason where the host app gives none.
JUDGED = "host"
NO_LANE = ("", "")

# Users whose accounts were seen to be old enough for links: 100 bytes each.
OLD_USERS_MAX = 50_000


@dataclass(slots=True, frozen=True)
class ScreeningRules:
    """The settings of screening. `new_account_ms`: the age below which an account sends no links; 0 for any.

    `pending_max`: the requests that may wait. `edit_window_ms`: the age up to which messages are edited.
    """

    judges: tuple[Judge, ...] = ()
    pending_max: int = 10_000
    new_account_ms: int = 0
    edit_window_ms: int = 86_400_000


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request in its lane."""

    submission: Submission
    is_ready: bool = False
    # Why its user may not ask that any more.
    barred: Refused | None = None


class Screening:
    """The door to the writer that screens. `filters`: those in force. `waiting`: the requests in all lanes."""

    def __init__(
        self,
        submit: Submit,
        judged_rooms: JudgedRooms,
        env: Env,
        counters: Counters,
        keep_task: KeepTask,
    ) -> None:
        self._submit = submit
        self._judged_rooms = judged_rooms
        self._rooms, self._store = judged_rooms.rooms, judged_rooms.store
        self._env = env
        self._counters = counters
        self._keep_task = keep_task
        self._lanes: dict[tuple[str, str], deque[_Waiting]] = {}
        self._old_users: dict[str, None] = {}
        self._rules = ScreeningRules()
        self._judgings: Mapping[On, Judging] = {}
        self.filters: Filters | None = None
        self.waiting = 0

    def reconfigure(self, rules: ScreeningRules) -> None:
        """Put other settings in force. Judges that are no more are closed when they have answered."""
        for judging in set(self._judgings.values()):
            self._keep_task(asyncio.ensure_future(judging.retire()))
        judgings = [Judging(judge, self._env, self._keep_task) for judge in rules.judges]
        self._judgings = {on: judging for judging in judgings for on in judging.judge.on}
        self._rules = rules
        self._old_users.clear()

    def adopt(self, filters: Filters) -> None:
        """Put other filters in force."""
        self.filters = filters

    async def close(self) -> None:
        """Close the judges; nothing waits any more."""
        for judging in set(self._judgings.values()):
            await judging.judge.close()

    def submit(self, submission: Submission) -> None:
        """Have a request screened, and submit it to the writer in the order of its lane."""
        user, request = submission.user, submission.request
        on = SCREENED.get(type(request))
        if not user or (submission.is_of_host and on is None and not hasattr(request, "room")):
            # The host's own, also about this user: a ban does not wait for what it is to stop.
            self._submit(submission)
            return
        waits = on is not None and self._waits(submission, on)
        key = lane_of(user, request) if self._lanes or waits else NO_LANE
        lane = self._lanes.get(key)
        if lane is None:
            if not waits:
                self._submit(submission)
                return
            lane = self._lanes[key] = deque()
        waiting = _Waiting(submission, is_ready=not waits)
        lane.append(waiting)
        self.waiting += 1
        if waits:
            assert on is not None
            self._keep_task(asyncio.ensure_future(self._judge(key, waiting, on)))

    def _waits(self, submission: Submission, on: On) -> bool:
        """Apply the filters; return whether anything is left to find out."""
        request = submission.request
        try:
            texts = self._filter(submission)
        except Rejected as refusal:
            self._refuse(submission, request, refusal)
            return False
        is_young = (
            self._rules.new_account_ms and not submission.is_of_host and self._may_be_young(submission.user)
        )
        # What is forwarded has to be looked up.
        is_unknown = isinstance(request, Forward) and (self.filters is not None or is_young)
        if on not in self._judgings and not is_unknown and not (is_young and any(map(has_link, texts))):
            return False
        if self.waiting >= self._rules.pending_max:
            self._refuse(submission, request, CROWDED)
            return False
        return True

    def _may_be_young(self, user: str) -> bool:
        return user not in self._old_users

    # --- filters

    def _filter(self, submission: Submission) -> list[str]:
        """Change or flag a request as the filters say; return the texts that it had. Raises Rejected."""
        request, filters = submission.request, self.filters
        texts = texts_of(request)
        found = {text: hits for text in texts if (hits := filters.find(text))} if filters is not None else {}
        if not found:
            return texts
        hits = [hit for some in found.values() for hit in some]
        unmasked = [hit for text in unmasked_texts(request) for hit in found.get(text, ())]
        refusing = [hit for hit in hits if hit.filter.does == "reject"] or [
            hit for hit in unmasked if hit.filter.does == "mask"
        ]
        if refusing:
            raise Rejected(refusing[0].filter.reason or refusing[0].filter.name)
        if isinstance(request, JudgedForward):
            flags = [
                flagging([hit for text in texts_in(body) for hit in found.get(text, ())])
                for body in request.bodies
            ]
            submission.request = request = replace(request, flags=flags)
        masking = {text: [hit for hit in some if hit.filter.does == "mask"] for text, some in found.items()}
        if any(masking.values()):
            self._note(submission, sent=sent_of(submission))
            submission.request = with_texts(request, lambda text: masked(text, masking.get(text, ())))
            self._counters.screened["masked"] += 1
        if names := flagging(hits):
            self._note(submission, flagged_by=names)
            self._mark(submission, FLAGGED)
        return texts

    def _note(self, submission: Submission, **outcome: Any) -> None:
        submission.screened = dataclasses.replace(submission.screened or Screened(), **outcome)

    def _mark(self, submission: Submission, mark: str) -> None:
        if mark not in submission.marks:
            submission.marks += (mark,)
            self._counters.screened[mark] += 1

    def _refuse(self, submission: Submission, sent: Any, refusal: ChatError) -> None:
        """Have a request refused by the writer; `sent`: it as it came."""
        submission.request, submission.screened = sent, Screened(refusal=refusal)
        self._counters.screened[refusal.code] += 1

    # --- lanes

    def on_commit(self, writes: WriteSet) -> None:
        """Bar what waits of users who were shut out. A commit hook."""
        if not self._lanes or not writes.records:
            return
        accounts = {one.user: one for one in writes.records_of(Account) if one.disabled or one.restriction}
        for (user, _), lane in self._lanes.items() if accounts else ():
            for waiting in lane if user in accounts else ():
                waiting.barred = barred(accounts[user], waiting.submission.request, self._env.now_ms())

    async def _judge(self, key: tuple[str, str], waiting: _Waiting, on: On) -> None:
        """Find out what is left about a request, then let its lane go on."""
        submission = waiting.submission
        sent = sent_of(submission)
        try:
            if isinstance(sent, Forward):
                await self._look_up(submission, sent)
            await self._require_age(submission)
            if on in self._judgings:
                await self._ask(submission, sent, on)
        except ChatError as refusal:
            self._refuse(submission, sent, refusal)
        except asyncio.CancelledError:
            self._refuse(submission, sent, STOPPING)
            raise
        except Exception:
            self._counters.defects += 1
            log.exception("a request could not be screened")
            self._refuse(submission, sent, DEFECT)
        finally:
            waiting.is_ready = True
            self._release(key)

    def _release(self, key: tuple[str, str]) -> None:
        """Submit the requests at the head of a lane that wait for nothing any more."""
        lane = self._lanes[key]
        while lane and lane[0].is_ready:
            self.waiting -= 1
            waiting = lane.popleft()
            if waiting.barred is not None:
                self._refuse(waiting.submission, sent_of(waiting.submission), waiting.barred)
            self._submit(waiting.submission)
        if not lane:
            del self._lanes[key]

    async def _require_age(self, submission: Submission) -> None:
        """Raise Refused when a request has links, and the account of its user is too new for any."""
        user, new_ms = submission.user, self._rules.new_account_ms
        if not new_ms or submission.is_of_host or not self._may_be_young(user):
            return
        if not any(map(has_link, texts_of(submission.request))):
            return
        if is_new(await self._store.account(user), new_ms, self._env.now_ms()):
            raise Rejected("links")
        if len(self._old_users) >= OLD_USERS_MAX:
            del self._old_users[next(iter(self._old_users))]
        self._old_users[user] = None

    # --- before-hooks

    async def _ask(self, submission: Submission, sent: Any, on: On) -> None:
        """Carry out the verdict of a judge. Raises ChatError for a request that must not be carried out."""
        room = await self._room_of(submission)
        judging = self._judgings.get(on)
        if judging is None:
            # Switched off meanwhile.
            return
        verdicts = await asyncio.gather(*map(judging.verdict, items_of(submission, on, room)))
        for place, verdict in enumerate(verdicts):
            if verdict is None or (verdict.do == "rewrite" and (verdict.body is None or on not in REWRITTEN)):
                if not judging.judge.fails_open:
                    raise NOT_JUDGED
                self._mark(submission, UNSCREENED)
            elif verdict.do == "reject":
                raise Rejected(verdict.reason or JUDGED)
            elif verdict.do == "rewrite":
                submission.request = rewritten(submission.request, place, verdict)
                self._note(submission, sent=sent)
                self._counters.screened["rewritten"] += 1
            elif verdict.do == "flag":
                self._mark(submission, FLAGGED)

    async def _look_up(self, submission: Submission, request: Forward) -> None:
        """Read the messages that are forwarded, and apply the filters to them. Raises ChatError."""
        try:
            submission.request = await looked_up(self._rooms, self._store, submission.user, request)
        except Refused as unseen:
            # The decision refuses it, unless what the writer has lets them in.
            raise CAME_IN from unseen
        self._note(submission, sent=request)
        self._filter(submission)

    async def _room_of(self, submission: Submission) -> Room | None:
        """Return the room of a request; None when it names none. Raises Refused for what the decision would refuse.

        Of a user who may not do that in a room it raises CAME_IN, which the decision answers should they have come in
        by then; else it refuses as ever.
        """
        user, request = submission.user, submission.request
        try:
            return await self._judged_rooms.of(user, request, self._rules.edit_window_ms)
        except Refused:
            # What the writer has may let them in.
            await submit_and_wait(self._submit, user, Barrier())
        try:
            return await self._judged_rooms.of(user, request, self._rules.edit_window_ms)
        except Refused as refusal:
            if getattr(request, "room", ""):
                raise CAME_IN from refusal
            raise


def barred(account: Account, request: Any, now_ms: int) -> Refused | None:
    """Return the refusal of a request whose user was shut out, if they were."""
    try:
        check_account(account, request, now_ms)
    except Refused as refusal:
        return refusal
    return None


def sent_of(submission: Submission) -> Any:
    """Return a request as it came."""
    return (submission.screened and submission.screened.sent) or submission.request


def lane_of(user: str, request: Any) -> tuple[str, str]:
    """Return the lane of a request: its user and the room it names, if any."""
    room = getattr(request, "room", "")
    return user, room if isinstance(room, str) else ""
