"""Push as a whole: its tasks, the cursor, and the answers to those who ask why a notification did not come."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping

from chatd.config.push import Push as Settings
from chatd.core.event_feed import position_of
from chatd.core.push import Address, Outcome
from chatd.core.push_alerts import ToldAlerts
from chatd.core.push_decision import decide, explain
from chatd.core.push_events import PushEvent, Topic
from chatd.core.push_registrations import Dropped, digest_of
from chatd.core.room import ACCEPTED
from chatd.core.webhooks import Consumer, SaveConsumers
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.push.dispatch import Dispatch
from chatd.push.interface import Result, Sender
from chatd.push.parts import Parts, Subject
from chatd.push.pending import AppKey
from chatd.push.planner import CONSUMER, Planner, consumer_at, kind_of
from chatd.push.queue import BY_OPERATOR, NO_APP
from chatd.push.views import AppStatus, Decision, Line, Now, Status, Tested
from chatd.push.withdrawals import Withdrawals
from chatd.storage.push import Look, LookQuery, PushRoom, Recipient
from chatd.telemetry.troubles import Troubles

SAVE_S = 1.0
# The number of no room.
NO_ROOM = (1 << 32) - 1
# A message that comes at this moment, by nobody in particular; and a room that asks for nothing.
NEXT = PushEvent((1 << 53) - 1, "message", "", 0, 0)
ANY_ROOM = PushRoom(0, "", "", True, 2, True)
TESTED: Mapping[Result, Outcome] = {
    "sent": "sent",
    "dead": "token_dead",
    "busy": "provider_busy",
    "retry": "provider_error",
    "refused": "provider_error",
    "credential": "provider_error",
}

log = logging.getLogger(__name__)


class Push:
    """Push notifications of one daemon, with all that `Notifications` names (push/views.py)."""

    def __init__(self, parts: Parts, epoch: str, troubles: Troubles) -> None:
        self.parts = parts
        self._troubles = troubles
        self._epoch = epoch
        self._planner = Planner(parts, epoch)
        self._withdrawals = Withdrawals(parts)
        self.dispatch = Dispatch(parts)
        self._saved: Consumer | None = None
        self._told = 0

    def on_commit(self, writes: WriteSet) -> None:
        """Note what a commit asks for. A commit hook."""
        self._planner.on_commit(writes)
        if writes.read_positions or writes.messages:
            self._withdrawals.on_commit(writes)

    async def run(
        self, sender: Sender, stamp: int, consumers: Callable[[], Awaitable[Collection[Consumer]]]
    ) -> None:
        """Plan and send until cancelled. `stamp`: the commit at the start."""
        try:
            await self.parts.store.open(self.parts.env.thread_cpu_s, self.parts.share.spend)
            if self._saved is None:
                self._saved = next((one for one in await consumers() if one.name == CONSUMER), None)
            if self._saved is None:
                # What is committed from now on is told, also when the first second ends with kill -9.
                self.parts.post(SaveConsumers((consumer_at(self._epoch, stamp),)))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._planner.run(self._saved, stamp))
                tasks.create_task(self.dispatch.run(sender))
                tasks.create_task(self._keep())
        finally:
            self.save()
            await sender.close()
            await self._flush()

    def reconfigure(self, settings: Settings) -> None:
        """Put other settings in force; apps that were paused for their keys may send again."""
        self.parts.settings = settings
        self.parts.end(self.parts.queue.reconfigure(apps_of(settings)))

    async def _keep(self) -> None:
        """Do what is due once a second."""
        while True:
            await asyncio.sleep(SAVE_S)
            self.parts.end(self.parts.queue.expire(self.parts.stale_ms()))
            self.save()
            self._report()
            await self._flush()

    async def _flush(self) -> None:
        try:
            await self.parts.trace.flush()
        except OSError as error:
            self._troubles.report("push", f"decisions could not be kept: {error.strerror}")

    def save(self) -> None:
        """Store how far everything is decided, and forget the alerts up to there."""
        reached = self._planner.cursor()
        if reached is None or reached == self._saved:
            return
        self._saved = reached
        self.parts.post(SaveConsumers((reached,))).add_done_callback(self._on_saved)
        until = min(position_of(reached.cursor)[1].stamp, self._planner.alerts_until)
        if until > self._told:
            self._told = until
            self.parts.post(ToldAlerts(until)).add_done_callback(self._on_saved)

    def _on_saved(self, done: asyncio.Future[Ok]) -> None:
        if not done.cancelled() and done.exception() is not None:
            # A disk in trouble: it is stored the next time, with what was reached by then.
            self._saved, self._told = None, 0

    def _report(self) -> None:
        """Report apps of which a push service does not take the key."""
        refused = {
            app: queue.paused for app, queue in self.parts.queue.apps.items() if queue.paused != BY_OPERATOR
        }
        paused = [f"{app.platform} {app.app}".strip() + f": {why}" for app, why in refused.items() if why]
        if paused:
            self._troubles.report("push", f"the key of {'; '.join(paused)}")
        else:
            self._troubles.report_ok("push")

    # --- for those who ask

    async def decisions(self, user: str, room: str = "", seq: int = 0, limit: int = 50) -> list[Decision]:
        store, trace = self.parts.store, self.parts.trace
        # A room that is not there takes as long as one of others.
        number = (await store.number_of(room) or NO_ROOM) if room else 0
        # What was decided for everybody in a room is for its members.
        stands = await store.recipients(number, [user]) if number else []
        found = await trace.find(user, number, seq, limit, everybody=any(one.is_member for one in stands))
        names = await store.room_names(sorted({abs(one.room) for one in found if one.room}))
        devices = {trace.hash_of_device(user, name): name for name in await store.device_names(user)}
        return [
            Decision(
                one.time,
                one.kind,
                one.outcome,
                device=devices.get(one.device, ""),
                room=names.get(one.room, ""),
                seq=one.seq,
                detail=one.detail,
            )
            for one in found
        ]

    async def now(self, user: str, room: str, seq: int, device: str = "") -> list[Now]:
        store, parts = self.parts.store, self.parts
        number = await store.number_of(room) if room else 0
        if room and not number:
            return []
        stands = await store.recipients(number, [user])
        wanted = [one.device for one in stands if device in ("", one.device)]
        topic: Topic | None = "message" if seq else None
        queries = [LookQuery(user, name, number, topic, seq, seq) for name in wanted]
        looks = await store.look(queries, parts.env.now_ms(), parts.settings.members_all)
        if not seq:
            return [self._now(look, NEXT) for look in looks]
        found = [(look, look.newest) for look in looks]
        return [self._now(look, event) for look, event in found if event is not None and event.seq == seq]

    def _now(self, look: Look, event: PushEvent) -> Now:
        recipient, moment = look.recipient, self.parts.moment()
        if look.room is None:
            # Of a direct room that nothing was chosen for: what is left is the account's.
            look = look._replace(room=ANY_ROOM)
            recipient = recipient._replace(is_member=True, standing=ACCEPTED)
        kind = kind_of(event, recipient.user)
        facts = moment.facts(kind, recipient, event.author, look.room, event, is_blocked=look.is_blocked)
        address = recipient.address
        platform, paused = ("", "") if address is None else (address.platform, self._why_paused(address))
        delay_s = self.parts.settings.delay_s if moment.foreground(recipient.user) else 0
        lines = [Line(outcome, fits) for outcome, fits in explain(facts)]
        return Now(recipient.device, platform, decide(facts), delay_s, lines, paused)

    def _why_paused(self, address: Address) -> str:
        queue = self.parts.queue.apps.get(AppKey(address.platform, address.app))
        return NO_APP[1] if queue is None else queue.paused

    async def test(self, user: str, device: str = "", *, dry_run: bool = False) -> list[Tested]:
        store, parts = self.parts.store, self.parts
        stands = [one for one in await store.recipients(0, [user]) if device in ("", one.device)]
        queries = [LookQuery(user, one.device, 0, None, 0, 0) for one in stands if one.address is not None]
        looks = await store.look(queries, parts.env.now_ms(), parts.settings.members_all)
        return list(await asyncio.gather(*(self._test(look, dry_run) for look in looks)))

    async def _test(self, look: Look, dry_run: bool) -> Tested:
        recipient = look.recipient
        address = recipient.address
        if address is None:
            return Tested(recipient.device, "", "", "no_token")
        place = (recipient.device, address.platform, address.app)
        if why := self._why_paused(address):
            return self._tested(recipient, Tested(*place, "provider_busy", why))
        outcome = decide(self.parts.moment().facts("test", recipient, ""))
        # Whoever asks for a test looks at the device, and wants to hear it.
        if outcome in ("foreground", "quiet", "sent_silent"):
            outcome = "sent"
        if outcome != "sent" or dry_run:
            return self._tested(recipient, Tested(*place, outcome, "dry run" if dry_run else ""))
        answer = await self.dispatch.test(look)
        if answer.result == "dead":
            self.parts.post(
                Dropped(recipient.user, recipient.device, address.purpose, digest_of(address), answer.since)
            )
        found = Tested(*place, TESTED[answer.result], answer.detail, answer.status)
        return self._tested(recipient, found)

    def _tested(self, recipient: Recipient, found: Tested) -> Tested:
        if found.detail != "dry run":
            subject = Subject(recipient.user, recipient.device, 0)
            self.parts.note(subject, (0, 0), "test", found.outcome, found.detail)
        return found

    def pause(self, platform: str, on: bool) -> None:
        for app, queue in self.parts.queue.apps.items():
            if app.platform == platform:
                if on:
                    queue.pause(BY_OPERATOR)
                else:
                    queue.resume()
        self.parts.wake.set()

    @property
    def is_planned(self) -> bool:
        """Whether everything that was committed is planned."""
        return self._planner.cursor() is not None and self._planner.undecided is None

    def status(self) -> Status:
        apps = [
            AppStatus(*app, len(queue), queue.under_way, queue.paused)
            for app, queue in self.parts.queue.apps.items()
        ]
        return Status(self._planner.late_ms, len(self.parts.outstanding), apps)

    def gauges(self) -> Mapping[str, float | Mapping[str, float]]:
        """Return the figures of metrics, by name and app."""
        status = self.status()
        named = {f"{one.platform}:{one.app}" if one.app else one.platform: one for one in status.apps}
        return {
            "push_late_seconds": status.late_ms / 1000,
            "push_cpu_seconds": self.parts.share.spent_s,
            "push_outstanding": status.outstanding,
            "push_waiting": {name: one.waiting for name, one in named.items()},
            "push_under_way": {name: one.under_way for name, one in named.items()},
            "push_paused": {name: float(bool(one.paused)) for name, one in named.items()},
        }


def apps_of(settings: Settings) -> list[AppKey]:
    return [AppKey(app.platform, app.app) for app in settings.apps]
