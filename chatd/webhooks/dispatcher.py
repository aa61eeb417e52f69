"""The delivery of the feed to one endpoint: read what comes next, POST it, and let endpoint.py say what follows.

The cursor of an endpoint moves when the receiver has accepted what lies behind it, and is stored a moment later; so a
daemon that dies sends the last batches again, and never skips one. A receiver recognises them by the ids of entries.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import replace

from chatd.config.hooks import Endpoint as Settings
from chatd.config.secret import Secret
from chatd.core.webhooks import PARKED_MAX, Consumer, Parked, SaveConsumers, before
from chatd.egress.client import Client, Unreachable
from chatd.egress.guard import EgressRefused
from chatd.egress.retry_after import retry_after_s
from chatd.egress.signing import signed
from chatd.env import Env
from chatd.protocol.errors import ChatError
from chatd.protocol.event_feed import Entry
from chatd.storage.views import FeedPage
from chatd.telemetry.counters import Counters
from chatd.telemetry.loop_share import LoopShare
from chatd.webhooks.endpoint import BATCH_MAX, Endpoint, Offer, Outcome, State, outcome_of
from chatd.webhooks.payload import delivery_id, payload
from chatd.webhooks.views import Failure, Retried, Status

# A busy chat is sent ten times a second at most, unless there is more than a batch: a POST costs the receiver more than
# what is in it.
GATHER_S = 0.1
# An idle feed is looked at this often, so that the cursor does not stay behind what is kept.
WAIT_S = 60.0
# A receiver that takes events has waited for the rest of them so long: then chat has to wait for them a little, too.
LATE_S = 30.0
# After a failure of our own, as a disk that is full.
AGAIN_S = 1.0
# Characters of an answer: the first line of an error.
SHOWN = 200
READ = "read"

log = logging.getLogger(__name__)

# Stores a request (core/webhooks.py).
Save = Callable[[object], Awaitable[object]]


class Feed(Protocol):
    """The reading side of the feed."""

    async def page(
        self, after: str = "", limit: int = BATCH_MAX, types: Collection[str] = (), *, wait_s: float = 0
    ) -> FeedPage: ...


@dataclass(slots=True, frozen=True)
class Services:
    """The parts of the daemon that all dispatchers use."""

    feed: Feed
    env: Env
    counters: Counters
    save: Save
    share: LoopShare


class Kept(Struct, omit_defaults=True):
    """The state of an endpoint that outlives the daemon, as JSON. `failing_s`: since when it fails."""

    disabled: bool = False
    failing_s: float = 0.0
    delivered_at: int = 0
    failure: Failure | None = None


class Reply(NamedTuple):
    """The reply to a POST; `status` is None when there was none. `text`: the beginning of it, or why there is none."""

    status: int | None
    text: str
    retry_after_s: float | None = None


class Batch(NamedTuple):
    """What lies behind the cursor: wanted entries, and the cursor behind them. `is_all`: there is no more for now."""

    entries: list[Entry]
    reached: str
    is_all: bool


class Dispatcher:
    """The delivery to one endpoint, from `start` on."""

    def __init__(
        self,
        settings: Settings,
        secrets: Sequence[Secret],
        client: Client,
        services: Services,
        start: Consumer,
    ) -> None:
        self.settings = settings
        self._secrets = secrets
        self._client = client
        self._services = services
        self._cursor = start.cursor
        self._endpoint, self._kept = restored(start.state, services.env.monotonic())
        self._oldest = 0  # the time of the entry that is next
        self._not_before = 0.0
        self._moves = 0  # of the cursor by hand
        self._behind_since: float | None = None
        self._gathering: asyncio.Task[Batch] | None = None
        self._changed = asyncio.Event()
        # Rises with what is worth storing soon; the cursor alone also passes what the endpoint does not want.
        self.progress = 0
        # The texts of refusals by entry, of those since the start.
        self.answers: dict[str, str] = {}
        # One POST at a time, also of an entry that is tried again by hand.
        self._posting = asyncio.Lock()

    @property
    def consumer(self) -> Consumer:
        """How far it came."""
        since, now = self._endpoint.failing_since, self._services.env.monotonic()
        self._kept.disabled = self._endpoint.state is State.DISABLED
        self._kept.failing_s = 0.0 if since is None else round(now - since)
        kept, failure = self._kept, self._kept.failure
        if failure is not None:
            # What a receiver answered may repeat a text of somebody, so it is not stored here.
            kept = replace(kept, failure=replace(failure, text=""))
        return Consumer(self.settings.name, self._cursor, msgspec.json.encode(kept))

    @property
    def is_late(self) -> bool:
        """Whether entries have been waiting for LATE_S, and not because the receiver takes none."""
        since = self._behind_since
        return (
            since is not None
            and self._endpoint.state is State.UP
            and self._services.env.monotonic() >= since + LATE_S
        )

    @property
    def status(self) -> Status:
        env, endpoint, failure = self._services.env, self._endpoint, self._kept.failure
        is_waiting = endpoint.state in (State.WAITING, State.ISOLATING)
        due_ms = round(1000 * max(0.0, endpoint.due - env.monotonic()))
        return Status(
            name=self.settings.name,
            state=endpoint.state.value,
            cursor=self._cursor,
            lag=max(0, env.now_ms() - self._oldest) if self._oldest else 0,
            delivered_at=self._kept.delivered_at or UNSET,
            retry_after=due_ms if is_waiting else UNSET,
            failure=failure if failure and failure.time >= self._kept.delivered_at else UNSET,
        )

    async def run(self) -> None:
        """Deliver until cancelled."""
        with suppress(ChatError):
            # One that is disabled shows its lag, too.
            page = await self._services.feed.page(self._cursor, 1, frozenset(self.settings.types))
            self._oldest = page.entries[0].time if page.entries else 0
        while True:
            await self._rest()
            await self._services.share.rest()
            try:
                await self._services.share.counted(self._deliver)
            except ChatError as error:
                log.warning("events for %s wait: %s", self.settings.name, error)
                self._not_before = self._services.env.monotonic() + AGAIN_S

    def enable(self) -> None:
        """Begin again with one event."""
        self._endpoint.enable(self._services.env.monotonic())
        self.progress += 1
        self._changed.set()

    def move(self, cursor: str) -> None:
        """Go on behind another cursor, with one event."""
        self._moves += 1
        self._cursor, self._oldest = cursor, 0
        if self._gathering is not None:
            self._gathering.cancel()
        self.enable()

    async def retry(self, id: str) -> Retried | None:
        """Send one entry again, on its own; None when it is not kept any more."""
        async with self._posting:
            after = before(id)
            page = await self._services.feed.page(after, 1)
            if not page.entries or page.entries[0].id != id:
                return None
            reply = await self._post(page.entries, after, id)
            return Retried(outcome_of(reply.status) is Outcome.ACCEPTED, reply.status or UNSET, reply.text)

    async def close(self) -> None:
        await self._client.close()

    async def _rest(self) -> None:
        """Wait until the next batch may go."""
        while (left := self._wait_s()) is None or left > 0:
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._changed.wait()

    def _wait_s(self) -> float | None:
        """Return the seconds to wait; None for as long as it is disabled."""
        if self._endpoint.state is State.DISABLED:
            return None
        return max(self._endpoint.due, self._not_before) - self._services.env.monotonic()

    async def _deliver(self) -> None:
        """Offer what lies behind the cursor, once."""
        moves = self._moves
        self._gathering = asyncio.ensure_future(self._services.share.counted(self._gather))
        try:
            batch = await self._gathering
        except asyncio.CancelledError:
            if moves == self._moves:
                raise
            return
        finally:
            self._gathering = None
        now = self._services.env.monotonic()
        self._not_before = now + (GATHER_S if batch.is_all else 0.0)
        self._behind_since = None if batch.is_all else self._behind_since or now
        async with self._posting:
            offer = self._endpoint.offer(len(batch.entries)) if batch.entries else None
            if offer is not None and moves == self._moves:
                await self._send(offer, batch)
            elif not batch.entries and moves == self._moves:
                self._cursor, self._oldest = batch.reached, 0

    async def _gather(self) -> Batch:
        """Return the next entries that the endpoint wants, at least one unless a while passes without any."""
        isolating = self._endpoint.state is State.ISOLATING
        needed = self._endpoint.wanted if isolating else 1
        found: list[Entry] = []
        after, types = self._cursor, frozenset(self.settings.types)
        while True:
            page = await self._services.feed.page(
                after, BATCH_MAX, types, wait_s=0 if found or isolating else WAIT_S
            )
            self._services.share.spend(page.cpu_s)
            found += filter(self._wants, page.entries)
            after = page.next
            if found:
                self._oldest = found[0].time
            if len(found) >= needed or page.at_end:
                return Batch(found, after, page.at_end)

    def _wants(self, entry: Entry) -> bool:
        settings = self.settings
        if entry.type == READ and not settings.reads and READ not in settings.types:
            return False
        return not settings.rooms or entry.room is UNSET or entry.room.startswith(settings.rooms)

    async def _send(self, offer: Offer, batch: Batch) -> None:
        """POST an offer, and do what follows from the reply."""
        entries, moves, endpoint = batch.entries, self._moves, self._endpoint
        end = offer.skip + offer.count
        after = self._cursor if not offer.skip else entries[offer.skip - 1].id
        reply = await self._post(entries[offer.skip : end], after, self._behind(batch, end))
        outcome, was = outcome_of(reply.status), endpoint.state
        now = self._services.env.monotonic()
        chance = self._services.env.random()
        step = endpoint.on_answer(offer, outcome, now, chance, reply.retry_after_s)
        self._note(outcome, reply, was)
        self.progress += 1
        if not step.moved or moves != self._moves:
            return
        if step.parked:
            await self._park(entries[: step.parked])
        if moves == self._moves:
            self._cursor = self._behind(batch, step.moved)
            self._oldest = entries[step.moved].time if step.moved < len(entries) else 0

    def _behind(self, batch: Batch, count: int) -> str:
        """Return the cursor behind so many entries."""
        return batch.reached if count == len(batch.entries) else batch.entries[count - 1].id

    async def _post(self, entries: Sequence[Entry], after: str, next: str) -> Reply:
        env, counters = self._services.env, self._services.counters
        now = env.now_ms()
        body = payload(after, next, entries, now)
        headers = signed(self._secrets, delivery_id(entries), now, body)
        try:
            answer = await self._client.post(body, headers)
        except (Unreachable, EgressRefused) as error:
            reply = Reply(None, str(error))
        else:
            text = answer.body.decode(errors="replace")[:SHOWN]
            reply = Reply(answer.status, text, retry_after_s(answer.retry_after, env.now_ms()))
        outcome = outcome_of(reply.status)
        counters.webhook_batches[outcome.value] += 1
        if outcome is Outcome.ACCEPTED:
            counters.webhook_events += len(entries)
        return reply

    def _note(self, outcome: Outcome, reply: Reply, was: State) -> None:
        """Keep when it went well and why it did not, and log each change between them."""
        name, endpoint, now = self.settings.name, self._endpoint, self._services.env.now_ms()
        said = reply.text if reply.status is None else f"status {reply.status}"
        if outcome is Outcome.ACCEPTED:
            self._kept.delivered_at = now
            if was is State.WAITING:
                log.info("the endpoint %s takes events again", name)
            return
        self._kept.failure = Failure(now, reply.status or UNSET, reply.text)
        if endpoint.state is State.DISABLED:
            log.error("the endpoint %s is disabled: %s. See: chatd hook show", name, said)
        elif endpoint.failures == 1:
            log.warning("the endpoint %s took no events: %s", name, said)

    async def _park(self, entries: Sequence[Entry]) -> None:
        """Try entries once more, and store those as set aside that are refused, before the cursor passes them."""
        name, parked = self.settings.name, []
        for entry in entries:
            reply = await self._post([entry], before(entry.id), entry.id)
            if outcome_of(reply.status) is not Outcome.ACCEPTED:
                now = self._services.env.now_ms()
                parked.append(Parked(name, entry.id, reply.status or 0, now))
                self.answers[entry.id] = reply.text
        if parked:
            await self._services.save(SaveConsumers((), tuple(parked)))
        for old in list(self.answers)[:-PARKED_MAX]:
            del self.answers[old]
        for one in parked:
            log.warning("the endpoint %s refused %s (status %d): parked", name, one.entry, one.status)


def restored(state: bytes, now: float) -> tuple[Endpoint, Kept]:
    """Return an endpoint as it was kept; a fresh one after a change of its form."""
    try:
        kept = msgspec.json.decode(state, type=Kept)
    except msgspec.DecodeError:
        kept = Kept()
    endpoint = Endpoint(due=now)
    if kept.failing_s:
        endpoint = Endpoint(State.WAITING, due=now, failing_since=now - kept.failing_s, failures=1, size=1)
    if kept.disabled:
        endpoint.state = State.DISABLED
    return endpoint, kept
