"""The last look, and the way to the sender: what is due is read again, decided again, and only then put into words.

Between the plan and this moment somebody may have left, blocked, muted or read; nobody is told who may not know of it
when it is sent. Nothing waits between that look and the sender.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import get_args

from msgspec import UNSET

from chatd.core.push import AlertKind, Notification, Outcome
from chatd.core.push_decision import decide
from chatd.core.push_registrations import Dropped, Relocated, digest_of
from chatd.core.push_rendering import Details, narrower, notification, words_of
from chatd.protocol.errors import ChatError
from chatd.protocol.push import Content
from chatd.push.facts import Moment, stored
from chatd.push.interface import Answer, Delivery, Form, Sender
from chatd.push.parts import Parts
from chatd.push.pending import Ended, Pending
from chatd.push.planner import ASKING, app_of, kind_of, paced_by
from chatd.storage.push import Look, LookQuery

# Deliveries of one look: some 20 ms of the reader.
BATCH = 100
AGAIN_S = 1.0
TEST_S = 20.0
ALERTS: tuple[AlertKind, ...] = get_args(AlertKind)


class Dispatch:
    """The hand-over of what is due to a sender."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._sender: Sender | None = None
        self._tests: dict[int, asyncio.Future[Answer]] = {}

    async def run(self, sender: Sender) -> None:
        """Send what is due until cancelled."""
        self._sender, parts = sender, self._parts
        parts.end(parts.queue.put_all_back(parts.env.monotonic()))
        while True:
            parts.wake.clear()
            await parts.share.rest()
            taken = parts.queue.take(parts.env.monotonic(), BATCH)
            if taken:
                await self._send(sender, taken)
                continue
            left = parts.queue.next_due() - parts.env.monotonic()
            try:
                async with asyncio.timeout(None if left == inf else max(0.0, left)):
                    await parts.wake.wait()
            except TimeoutError:
                continue

    async def _send(self, sender: Sender, taken: Sequence[Pending]) -> None:
        parts = self._parts
        try:
            queries = [look_query(one) for one in taken]
            looks = await parts.store.look(queries, parts.env.now_ms(), parts.settings.members_all)
        except ChatError:
            for one in taken:
                parts.end(parts.queue.put_back(one.number, parts.env.monotonic() + AGAIN_S))
            await asyncio.sleep(AGAIN_S)
            return
        except BaseException:
            for one in taken:
                parts.queue.put_back(one.number, parts.env.monotonic())
            raise
        began = parts.env.thread_cpu_s()
        moment = parts.moment()
        found = [self._delivery(one, look, moment) for one, look in zip(taken, looks, strict=True)]
        deliveries = [delivery for delivery in found if delivery is not None]
        if deliveries:
            sender.send(deliveries)
        parts.share.spend(parts.env.thread_cpu_s() - began)

    def _delivery(self, pending: Pending, look: Look, moment: Moment) -> Delivery | None:
        """Return what to send; None, with the reason in the trace, when it is not to be sent any more."""
        recipient = look.recipient
        if recipient.address is not None and app_of(recipient) != pending.app:
            # The device has registered with another app meanwhile.
            self._parts.queue.end(pending.number)
            self._parts.end(self._parts.queue.put(replace(pending, app=app_of(recipient), number=0)))
            return None
        if pending.kind == "read":
            return self._withdrawal(pending, look, moment)
        outcome = self._outcome(pending, look, moment)
        if outcome not in ("sent", "sent_silent") or recipient.address is None:
            self._end(pending, outcome)
            return None
        if self._is_flood(pending):
            self._end(pending, "paced")
            return None
        is_quiet = outcome == "sent_silent"
        shown = self._notification(pending, look, moment, is_quiet=is_quiet)
        self._note_shown(pending)
        pending.address, pending.is_quiet = recipient.address, is_quiet
        is_urgent = not is_quiet and pending.kind != "reaction"
        return Delivery(
            pending.number, recipient.address, shown, "alert", is_urgent, self._expires_at(moment)
        )

    def _expires_at(self, moment: Moment) -> int:
        return moment.now_ms + 1000 * self._parts.settings.ttl_s

    def _end(self, pending: Pending, outcome: Outcome) -> None:
        self._parts.queue.end(pending.number)
        self._parts.end([Ended(pending, outcome)])

    def _outcome(self, pending: Pending, look: Look, moment: Moment) -> Outcome:
        """Decide again, by what is known now."""
        if pending.time < self._parts.stale_ms():
            return "expired"
        topic, recipient = pending.key.topic, look.recipient
        if topic in ALERTS:
            if pending.key.room and not (look.room and (recipient.is_member or topic == "offer")):
                return "departed"
            if look.is_over:
                return "recalled"
            # Whoever comes into a group has chosen nothing there.
            room = look.room if topic == "join" else None
            facts = moment.facts(pending.kind, recipient, look.by, room, is_blocked=look.is_blocked)
            return decide(facts)
        event = look.choice.event if look.choice is not None else look.newest
        if event is None:
            # It is not stored any more, nor is its room.
            return "departed" if look.room is None else "recalled"
        kind = pending.kind = kind_of(event, look.recipient.user)
        facts = moment.facts(kind, look.recipient, event.author, look.room, event, is_blocked=look.is_blocked)
        outcome = decide(facts)
        is_told = outcome in ("sent", "sent_silent")
        return "recalled" if is_told and look.choice is None else outcome

    def _notification(self, pending: Pending, look: Look, moment: Moment, *, is_quiet: bool) -> Notification:
        """Put into words what is to be told."""
        level, tag = self._level(look), self._tag(pending, look)
        room, name = look.room, look.name or look.by
        if look.choice is None or room is None:
            place = ("", "") if room is None else (room.name, room.title)
            details = Details(place[0], 0, look.by, name, place[1], messages=look.waiting, time=pending.time)
            return notification(pending.kind, tag, look.badge, details, level, is_quiet=is_quiet)
        event = look.choice.event
        text, content = (event.emoji or UNSET, UNSET) if look.body is None else words_of(look.body)
        wants_named = moment.attention(look.recipient, room).alerts == "mentions"
        details = Details(
            room.name,
            event.seq,
            look.by,
            name,
            "" if room.is_direct else room.title,
            text,
            content,
            look.choice.named if wants_named else look.choice.messages,
            event.time,
        )
        return notification(pending.kind, tag, look.badge, details, level, is_quiet=is_quiet)

    def _level(self, look: Look) -> Content:
        """Return how much may be shown: nothing where the token may be somebody else's since a restore."""
        if look.recipient.is_restored:
            return "none"
        return narrower(stored(look.recipient.preferences).content, self._parts.settings.content_max)

    def _tag(self, pending: Pending, look: Look) -> str:
        return self._parts.tag_of(pending.key, "" if look.room is None else look.room.name)

    def _is_flood(self, pending: Pending) -> bool:
        """Whether too many different ones came before it: those that were planned together are told apart here."""
        key, now = pending.key, self._parts.env.monotonic()
        if key.topic not in ASKING or pending.tries:
            return False
        return self._parts.outstanding.due(paced_by(key), now, is_direct=True) > now

    def _note_shown(self, pending: Pending) -> None:
        """Note what the device shows from now on; its pace follows from it."""
        parts, key = self._parts, pending.key
        parts.outstanding.on_sent(paced_by(key), pending.app, pending.seq, parts.env.monotonic())

    def _withdrawal(self, pending: Pending, look: Look, moment: Moment) -> Delivery | None:
        """Return what takes a notification away, or sets the number on the icon."""
        address = look.recipient.address
        # What came since has replaced on the phone what was to be taken away.
        is_replaced = pending.key.topic == "read" and self._parts.outstanding.shown(pending.key) is not None
        if address is None or is_replaced or look.recipient.device in moment.foreground(look.recipient.user):
            self._parts.queue.end(pending.number)
            return None
        details = Details("" if look.room is None else look.room.name, pending.seq)
        tag, level = self._tag(pending, look), narrower(self._level(look), "sender")
        shown = notification("read", tag, look.badge, details, level, is_quiet=False)
        form: Form = "badge" if pending.key.topic == "badge" else "background"
        pending.address = address
        return Delivery(pending.number, address, shown, form, False, self._expires_at(moment))

    def on_answers(self, answers: Sequence[Answer]) -> None:
        """Take answers of the sender, which come at any time."""
        parts = self._parts
        began, now = parts.env.thread_cpu_s(), parts.env.monotonic()
        for answer in answers:
            waiting = self._tests.pop(answer.number, None)
            if waiting is not None:
                if not waiting.done():
                    waiting.set_result(answer)
                continue
            pending = parts.queue.taken(answer.number)
            ended = parts.queue.on_answer(answer, now, parts.env.random())
            if pending is not None and pending.address is not None:
                self._learn(pending, answer)
            parts.end(ended)
        parts.share.spend(parts.env.thread_cpu_s() - began)
        parts.wake.set()

    def _learn(self, pending: Pending, answer: Answer) -> None:
        """Note what an answer says about a token: that it is dead, or belongs to another environment."""
        address, key = pending.address, pending.key
        assert address is not None
        if answer.result == "dead":
            digest = digest_of(address)
            self._parts.post(Dropped(key.user, key.device, address.purpose, digest, answer.since))
        elif answer.environment and answer.environment != address.environment:
            self._parts.post(Relocated(digest_of(address), answer.environment))

    async def test(self, look: Look) -> Answer:
        """Send a test to one device, beside the queue, and wait for the answer."""
        parts, recipient = self._parts, look.recipient
        assert recipient.address is not None
        if self._sender is None:
            return Answer(0, "retry", "push has not begun yet")
        number = parts.queue.new_number()
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._tests[number] = answer
        now_ms = parts.env.now_ms()
        shown = Notification("test", "test", badge=look.badge, time=now_ms)
        self._sender.send([Delivery(number, recipient.address, shown, "alert", True, now_ms + 60_000)])
        try:
            async with asyncio.timeout(TEST_S):
                return await answer
        except TimeoutError:
            return Answer(number, "retry", "no answer")
        finally:
            self._tests.pop(number, None)


def look_query(pending: Pending) -> LookQuery:
    """Return what has to be read for one that is due."""
    key = pending.key
    topic = None if key.topic == "read" or key.topic == "badge" else key.topic
    return LookQuery(key.user, key.device, key.room, topic, pending.first, pending.seq, key.by)
