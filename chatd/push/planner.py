"""The planner: who might be told of what was committed. It works behind the commits; what it has not come to merges.

A commit hook notes of each room the first event that is not planned, and nothing else. One task takes room by room, the
one that waits the longest first, reads whom it may concern in pages, and decides for each of their devices. What is to
be sent goes to the queue, where it is looked at again when its time has come (push/dispatch.py).

The cursor names a commit up to which everything is decided: planned, and then sent, dropped or found not to be due. A
daemon that was killed plans anew what lies behind it, as far as it is still worth it. A notification that went out just
before is then sent once more, with the same tag, and replaces itself on the phone.
"""

import asyncio
import logging
from collections import deque
from dataclasses import replace
from typing import NamedTuple

from chatd.core.attention import is_large
from chatd.core.event_feed import Position, cursor_of, position_of
from chatd.core.push import Kind
from chatd.core.push_alerts import Alert
from chatd.core.push_decision import decide
from chatd.core.push_events import PlannedEvents, PushEvent
from chatd.core.webhooks import Consumer
from chatd.core.write_set import NewEvent, WriteSet
from chatd.protocol.errors import ChatError, Refused
from chatd.push.facts import Moment
from chatd.push.parts import Parts, Subject, subject_of
from chatd.push.pending import AppKey, Key, Pending
from chatd.storage.push import PlanPage, PlanQuery, PushRoom, Recipient, StoredAlert

# No endpoint of webhooks can have this name.
CONSUMER = ":push"
# Rooms of one look for what was not planned before a restart: some 10 ms.
ROOMS_AT_ONCE = 10_000
ALERTS_AT_ONCE = 200
# Rooms that wait, about 25 MB: more than are planned before their news is too old.
DUE_MAX = 100_000
# More than one commit can touch; a room that is forgotten too early is told twice, with the same tag.
PLANNED_MAX = 2_000
# Topics of which each notification is about something else, and the next one does not replace it.
ASKING = ("friend", "invite", "offer", "accepted")
# Rooms that are planned before a page of one with many members is: phones of a direct room do not wait for a channel.
ROOMS_PER_PAGE = 8
# After a failure of the disk.
AGAIN_S = 1.0

log = logging.getLogger(__name__)


class Due(NamedTuple):
    """The first event of a room that is not planned, its commit, and the time of that in Unix ms."""

    first: int
    stamp: int
    time: int


class Planner:
    """The planner of one daemon. `epoch`: of the database."""

    def __init__(self, parts: Parts, epoch: str) -> None:
        self._parts = parts
        self._epoch = epoch
        self._due: dict[int, Due] = {}
        self._planning: Due | None = None
        # The pages that follow the first one of rooms with many members, as of a channel with many bells.
        self._paged: deque[tuple[Due, PlanQuery]] = deque()
        self._rooms_since_page = 0
        # By room: the last event that is planned, of the last rooms.
        self._planned: dict[int, int] = {}
        # The oldest commit with alerts that are not planned, whether there are new ones, and the last that is planned.
        self._alerts_due = 1
        self._is_more = False
        self._alert = (0, 0)
        self._seen = self._floor = 0
        self._restored = False
        self._wake = asyncio.Event()

    def on_commit(self, writes: WriteSet) -> None:
        """Note what is to be planned. A commit hook."""
        due = self._due
        for number, steps in writes.steps.items():
            if number not in due:
                for step in steps:
                    if type(step) is NewEvent and not step.past:
                        due[number] = Due(step.event.seq, writes.stamp, writes.now)
                        break
        while len(due) > DUE_MAX:
            self._give_up(next(iter(due)))
        if Alert in writes.records:
            self._alerts_due = self._alerts_due or writes.stamp
            self._is_more = True
        elif not writes.steps:
            return
        self._seen = writes.stamp
        self._wake.set()

    def _give_up(self, room: int) -> None:
        """Forget what is due of a room, of which nobody is told."""
        first = self._due.pop(room).first
        self._parts.note(Subject("", "", room), (first, first), "message", "expired", "too far behind")

    @property
    def _paged_dues(self) -> list[Due]:
        return [due for due, _ in self._paged]

    @property
    def late_ms(self) -> int:
        """How long the oldest commit waits to be planned."""
        times = [due.time for due in (*self._due.values(), *self._paged_dues)]
        if self._planning is not None:
            times.append(self._planning.time)
        return max(0, self._parts.env.now_ms() - min(times)) if times else 0

    @property
    def alerts_until(self) -> int:
        """The commit of the last alert that is planned."""
        return self._alert[0]

    @property
    def undecided(self) -> int | None:
        """The oldest commit of which something is not planned; None when everything is."""
        stamps = [due.stamp for due in (*self._due.values(), *self._paged_dues)]
        stamps += [] if self._planning is None else [self._planning.stamp]
        stamps += [self._alerts_due] if self._alerts_due else []
        return min(stamps, default=None)

    def cursor(self) -> Consumer | None:
        """Return what to store of the way so far; None before it is known what was left undone at the last stop."""
        if not self._restored:
            return None
        open_stamps = (self.undecided, self._parts.queue.oldest_stamp())
        stamp = min((one - 1 for one in open_stamps if one is not None), default=self._seen)
        return consumer_at(self._epoch, max(self._floor, stamp))

    async def run(self, saved: Consumer | None, stamp: int) -> None:
        """Plan until cancelled. `saved`: what was stored of the way; `stamp`: the commit at the start."""
        if not self._restored:
            known = stamp_of(saved, self._epoch)
            self._floor = stamp if known is None else known
            self._seen = max(self._seen, stamp)
            await self._restore(known)
            self._restored = True
        self._wake.set()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._due or self._paged or self._alerts_due:
                try:
                    await self._plan_next()
                except ChatError as error:
                    log.warning("push could not be planned: %s", error)
                    await asyncio.sleep(AGAIN_S)

    async def _restore(self, stamp: int | None) -> None:
        """Note the rooms with events behind a commit. What is too old is found to be when it is planned."""
        after = 0
        while stamp is not None:
            found, after = await self._parts.store.unplanned(stamp, after, ROOMS_AT_ONCE)
            for one in found:
                self._add(one.room, Due(one.first, one.stamp, one.time))
            if not after:
                break
            await self._parts.share.rest()

    def _add(self, room: int, due: Due) -> None:
        known = self._due.get(room, due)
        self._due[room] = Due(*map(min, known, due))

    async def _plan_next(self) -> None:
        await self._parts.share.rest()
        if self._alerts_due:
            await self._plan_alerts()
        elif self._paged and (not self._due or self._rooms_since_page >= ROOMS_PER_PAGE):
            await self._plan_page()
        else:
            await self._plan_room()

    async def _plan_room(self) -> None:
        """Plan the first page of the room that waits the longest. All pages are about the same events."""
        room = next(iter(self._due))
        self._rooms_since_page += 1
        self._planning = due = self._due.pop(room)
        try:
            first = max(due.first, self._planned.get(room, 0) + 1)
            page = await self._read(PlanQuery(room, first, self._parts.settings.members_all, 0, ""))
        except BaseException:
            # Also when it is cancelled, to begin anew with other settings.
            self._add(room, due)
            self._wake.set()
            raise
        finally:
            self._planning = None
        if page.room is None:
            return
        last = page.later - 1 if page.later else page.room.seq
        self._note_planned(room, last)
        if page.later:
            self._add(room, due._replace(first=page.later))
        if page.next:
            self._paged.append(
                (due, PlanQuery(room, first, self._parts.settings.members_all, last, page.next))
            )

    async def _plan_page(self) -> None:
        """Plan the next page of a room with many members: behind the rooms that wait, but not for ever."""
        self._rooms_since_page = 0
        due, query = self._paged[0]
        page = await self._read(query)
        self._paged.popleft()
        if page.room is not None and page.next:
            self._paged.append((due, replace(query, after=page.next)))

    async def _read(self, query: PlanQuery) -> PlanPage:
        page = await self._parts.store.plan(query)
        async with self._parts.share.slice():
            self._decide(page, is_first=not query.after)
        return page

    def _note_planned(self, room: int, last: int) -> None:
        """Note how far a room is planned: the store shows a commit before its hook is called."""
        self._planned.pop(room, None)
        self._planned[room] = last
        if len(self._planned) > PLANNED_MAX:
            del self._planned[next(iter(self._planned))]

    def _decide(self, page: PlanPage, *, is_first: bool) -> None:
        """Decide about the recipients of one page."""
        room, parts = page.room, self._parts
        if room is None or not page.events:
            return
        stale = parts.stale_ms()
        events = [event for event in page.events if event.time >= stale]
        if is_first:
            old = [event.seq for event in page.events if event.time < stale]
            if old:
                parts.note(Subject("", "", room.number), (old[0], old[-1]), "message", "expired")
            self._note_large(room, events)
        planned, moment = PlannedEvents(events), parts.moment()
        for recipient in page.recipients:
            told = False
            for event in planned.of(recipient.user):
                if event.topic != "message" or not told:
                    blocked = (recipient.user, event.author) in page.blocks
                    is_told = self._offer(room, recipient, event, events[0], moment, is_blocked=blocked)
                    told = told or (is_told and event.topic == "message")
        parts.wake.set()

    def _note_large(self, room: PushRoom, events: list[PushEvent]) -> None:
        """Keep one record for everybody in a large room, who are not looked at one by one."""
        seqs = [event.seq for event in events if event.topic == "message"]
        members_all = self._parts.settings.members_all
        if seqs and (room.is_channel or is_large(room.members, members_all, is_direct=room.is_direct)):
            self._parts.note(Subject("", "", room.number), (seqs[0], seqs[-1]), "message", "large_room")

    def _offer(
        self,
        room: PushRoom,
        recipient: Recipient,
        event: PushEvent,
        first: PushEvent,
        moment: Moment,
        *,
        is_blocked: bool,
    ) -> bool:
        """Decide about one event for one device; return whether it waits to be sent now."""
        kind = kind_of(event, recipient.user)
        facts = moment.facts(kind, recipient, event.author, room, event, is_blocked=is_blocked)
        outcome = decide(facts)
        # One of messages stands for all since the first, so nothing behind that one is decided before it is over.
        oldest = first if event.topic == "message" else event
        span = (oldest.seq, event.seq)
        if outcome not in ("sent", "sent_silent") or recipient.address is None:
            self._parts.note(Subject(recipient.user, recipient.device, room.number), span, kind, outcome)
            return False
        key = Key(recipient.user, recipient.device, room.number, event.topic)
        pending = Pending(key, app_of(recipient), kind, *span, event.time, oldest.stamp, 0.0)
        is_direct = room.is_direct or event.names(recipient.user)
        self._put(pending, moment, is_direct=is_direct)
        return True

    def _put(self, pending: Pending, moment: Moment, *, is_direct: bool) -> None:
        """Let a notification wait until it is due: while another device is looked at, and as the pace demands."""
        parts, key = self._parts, pending.key
        now = parts.env.monotonic()
        pending.due = now + (parts.settings.delay_s if moment.foreground(key.user) else 0)
        paced = parts.outstanding.due(paced_by(key), now, is_direct=is_direct)
        if paced > pending.due:
            pending.due = paced
            parts.note(subject_of(pending), (pending.first, pending.seq), pending.kind, "paced")
        parts.end(parts.queue.put(pending))

    async def _plan_alerts(self) -> None:
        """Plan what is of no message: friend requests, and who enters a group."""
        self._is_more = False
        alerts = await self._parts.store.alerts(self._alert, ALERTS_AT_ONCE)
        recipients = await self._parts.store.recipients(0, sorted({one.user for one in alerts}))
        async with self._parts.share.slice():
            moment = self._parts.moment()
            for one in alerts:
                for recipient in recipients:
                    if recipient.user == one.user:
                        self._offer_alert(one, recipient, moment)
        if alerts:
            self._alert = (alerts[-1].stamp, alerts[-1].number)
        if len(alerts) < ALERTS_AT_ONCE and not self._is_more:
            self._alerts_due = 0

    def _offer_alert(self, alert: StoredAlert, recipient: Recipient, moment: Moment) -> None:
        """Decide about an alert for one device, as far as the account says: the rest is looked at when it is sent."""
        kind = alert.kind
        outcome = decide(moment.facts(kind, recipient, alert.author))
        if outcome in ("sent", "sent_silent") and alert.time < self._parts.stale_ms():
            outcome = "expired"
        if outcome not in ("sent", "sent_silent") or recipient.address is None:
            self._parts.note(Subject(recipient.user, recipient.device, alert.room), (0, 0), kind, outcome)
            return
        # All requests to join a group are one notification, which counts them.
        by = "" if kind == "join" else alert.author
        key = Key(recipient.user, recipient.device, alert.room, kind, by)
        pending = Pending(key, app_of(recipient), kind, 0, 0, alert.time, alert.stamp, 0.0)
        self._put(pending, moment, is_direct=kind in ASKING)


def consumer_at(epoch: str, stamp: int) -> Consumer:
    """Return what is stored of push where everything up to a commit is decided."""
    return Consumer(CONSUMER, cursor_of(epoch, Position(stamp, 0)), b"")


def stamp_of(saved: Consumer | None, epoch: str) -> int | None:
    """Return the commit up to which everything is decided; None where nothing is known, as in a restored database."""
    if saved is None:
        return None
    try:
        known, place = position_of(saved.cursor)
    except Refused:
        return None
    return place.stamp if known == epoch else None


def kind_of(event: PushEvent, user: str) -> Kind:
    """Return what an event is for a user."""
    if event.topic != "message":
        return event.topic
    return "mention" if event.names(user) or event.is_for_all else "message"


def app_of(recipient: Recipient) -> AppKey:
    address = recipient.address
    return AppKey("", "") if address is None else AppKey(address.platform, address.app)


def paced_by(key: Key) -> Key:
    """Return the key of the pace of a notification: reactions and requests to join have one beside that of the
    messages of their room.

    Friend requests and invitations are all different and never read, so those of a device have one together.
    """
    if key.topic in ASKING:
        return key._replace(room=0)
    return key if key.topic == "message" else key._replace(room=-key.room)
