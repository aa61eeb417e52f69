"""Committed batches to connections: encode once, frame once, write once (protocol.md 7.1).

The events of one room that were committed in one batch become one push; the same bytes go to every member. The
connection that asked for an event gets its acknowledgement in the event's place instead, so the numbers it sees
never go down.
"""

from functools import partial

from msgspec import UNSET, Raw

from chatd.config.model import Config, Delivery, Privacy
from chatd.core.room import Room
from chatd.core.room_summary import summary_of
from chatd.core.users import Account
from chatd.core.write_set import Arrival, Departure, NewEvent, Position, Step, Work
from chatd.delivery.encoding import JSON, MSGPACK, Packet, frame_of
from chatd.delivery.heads import Heads
from chatd.delivery.hub import Audience, Listener, Live
from chatd.delivery.receipts import Receipts
from chatd.delivery.room_pushes import Refreshes
from chatd.ports import Env, Present
from chatd.protocol import close_codes
from chatd.protocol.limits import JSON_GROWTH
from chatd.protocol.objects import EVERYBODY, UserState
from chatd.protocol.pushes import EventPush, GonePush, PositionPush, PresencePush, RoomPush, TypingPush
from chatd.telemetry.counters import Counters

PUSH_MARGIN_BYTES = 256  # what an event push holds besides its events


class Fanout:
    """Tells live connections what was committed. Everything is synchronous: a batch is told in one go."""

    def __init__(self, config: Config, env: Env, live: Live, counters: Counters) -> None:
        self._env = env
        self._live = live
        self._counters = counters
        self._deflate_min = config.delivery.deflate_min_bytes
        size = config.limits.server_frame_bytes - PUSH_MARGIN_BYTES
        self._push_bytes = (size, size // JSON_GROWTH, size)  # of events as they are stored, by variant
        self._large = config.delivery.large_members
        self._heads = Heads(env, config.delivery.head_interval_s, self._deflate_min)
        self._privacy = config.privacy
        self._receipts = Receipts(env, live, config, self._deflate_min)
        self._refreshes = Refreshes(env, live, config)

    def reconfigure(self, delivery: Delivery, privacy: Privacy) -> None:
        """Tell by other sections from now on; what is already due keeps its time."""
        self._privacy = self._receipts.privacy = self._refreshes.privacy = privacy
        self._large = delivery.large_members
        self._heads.interval_s = delivery.head_interval_s
        self._receipts.delivery = delivery
        self._refreshes.delivery = delivery

    def publish(self, work: Work) -> None:
        """Tell everybody about a batch that is durable now, room by room, in the order of its numbers."""
        self._live.recent.note(work)
        for steps in work.steps.values():
            if work.moves:
                self._unseat_newcomers(steps)
            self._tell_room(steps)
        for room, member in work.receipts.values():
            self._receipts.moved(room, member)
        for position in work.positions:
            self._tell_position(position)
        for (_, user), room in work.refreshed.items():
            self._refreshes.due(room, user)
        for change in work.accounts:
            if isinstance(change, Account):
                for session in self._live.of(change.user):
                    session.receipts = change.receipts
        for ended in work.ended:
            for session, code in self._live.ended_by(*ended, close_codes.REVOKED):
                self._env.call_later(0, partial(session.close, code))  # after the reply of who asked for it

    def give_up(self, work: Work) -> None:
        """Close every connection that a batch concerns: what it was told of it is not known."""
        for number in work.steps:
            audience = self._live.audiences.get(number)
            for session in list(audience.listeners()) if audience is not None else ():
                session.close(close_codes.INTERNAL)

    def typing(self, session: Listener, number: int) -> None:
        """Tell those who look at a room that the user of `session` is typing."""
        audience = self._live.audiences.get(number)
        if audience is None:
            return
        packet = Packet(TypingPush(audience.name, session.user), self._deflate_min)
        for other in audience.focused:
            if other.user != session.user and other.mode == "foreground":
                other.outbox.send_ephemeral(packet.frame(other.variant))

    def owes(self, session: Listener) -> bool:
        """Is something durable still to be told to `session`, besides what its levels leave out?"""
        return self._refreshes.owes(session)

    def presence(self, watcher: Present, states: list[UserState]) -> None:
        """Tell a watcher of changed states, unless its phone sleeps."""
        for session in self._live.of(watcher.user):
            if session is watcher and session.mode == "foreground":
                packet = Packet(PresencePush(states), self._deflate_min)
                session.outbox.send_ephemeral(packet.frame(session.variant))

    # --- one room

    def _tell_room(self, steps: list[Step]) -> None:
        """Runs of events to the audience as it is at that point; arrivals and departures change it in between."""
        run: list[NewEvent] = []
        for step in steps:
            if isinstance(step, NewEvent):
                run.append(step)
                self._counters.events_committed[step.event.kind] += 1
                continue
            self._tell_events(run)
            run = []
            if isinstance(step, Arrival):
                self._arrive(step)
            else:
                self._depart(step)
        self._tell_events(run)

    def _tell_events(self, run: list[NewEvent]) -> None:
        """A run to its room: one push for most, event by event for authors and for those who may not see all."""
        if not run:
            return
        audience = self._live.audiences.get(run[0].room.number)
        if audience is not None:
            apart = self._apart(audience, run)
            alone = sum(map(len, audience.full)) == len(apart)  # a direct room where both just wrote
            for session, since in apart.items():  # first: an author need not wait for a thousand writes
                self._tell_corked(session, run, since)
            push_bytes = self._push_bytes[JSON if audience.full[JSON] else MSGPACK]
            for part in parts(run, push_bytes) if not alone else ():
                self._push_full(audience, part, apart)
            if audience.head or audience.none or audience.heads_due:
                self._tell_distant(audience, run)
        for new in run:  # who asked and does not listen here any more
            if new.asked_by is not None:
                new.asked_by.settle()

    def _apart(self, audience: Audience, run: list[NewEvent]) -> dict[Listener, int]:
        """Connections at level full that do not get the shared push; with each the number its user sees the room
        from, when something in this run lies before it, else 0.
        """
        room = run[0].room
        apart: dict[Listener, int] = {}
        for new in run:
            asker = None if new.asked_by is None else new.asked_by.asker
            if asker is not None and asker in audience.full[asker.variant]:
                apart[asker] = 0
        edited = [seq for new in run if (seq := edited_by(new)) is not None]
        if edited:
            for group in audience.full:
                for session in group:
                    if (since := first_visible(room, session.user)) > min(edited):
                        apart[session] = since
        return apart

    def _push_full(self, audience: Audience, run: list[NewEvent], apart: dict[Listener, int]) -> None:
        """One push to everybody else at level full. The hot loop of the daemon."""
        room, head, ordinal = run[0].room.name, run[-1].event.seq, run[-1].ordinal
        now = self._env.monotonic()
        packet = Packet(event_push(run), self._deflate_min)
        told = 0
        for variant, listeners in enumerate(audience.full):
            if not listeners:
                continue
            frame, before = packet.frame(variant), told
            for session in list(listeners):  # one whose outbox overflows leaves its seat
                if session in apart:
                    continue
                told += 1
                session.vitals.sent = now
                session.outbox.send_event(frame, room, head, ordinal)
            self._counters.bytes_sent += len(frame) * (told - before)
        self._counters.frames_sent += told
        self._counters.fanout_recipients.observe(told)

    def _tell_corked(self, session: Listener, run: list[NewEvent], since: int) -> None:
        """What `_tell_apart` has to say, as one write."""
        outbox = session.outbox
        outbox.cork()
        try:
            self._tell_apart(session, run, since)
        finally:
            outbox.uncork()

    def _tell_apart(self, session: Listener, run: list[NewEvent], since: int) -> None:
        """Others' events as pushes, own ones as acknowledgements, edits of unseen messages as heads; in order."""
        others: list[NewEvent] = []
        for new in run:
            own = new.asked_by is not None and new.asked_by.asker is session
            if not own and (not since or (edited_by(new) or since) >= since):
                others.append(new)
                continue
            self._push_one(session, others)
            others = []
            if own:
                self._acknowledge(session, new)
            else:
                session.outbox.send_head(new.room.name, new.event.seq, new.ordinal)
        self._push_one(session, others)

    def _push_one(self, session: Listener, run: list[NewEvent]) -> None:
        for part in parts(run, self._push_bytes[session.variant]):
            frame = frame_of(event_push(part), session.variant, self._deflate_min)
            session.vitals.sent = self._env.monotonic()
            session.outbox.send_event(frame, part[0].room.name, part[-1].event.seq, part[-1].ordinal)

    def _acknowledge(self, session: Listener, new: NewEvent) -> None:
        """The answer of who asked, in the place of the event."""
        new.asked_by.settle()
        session.outbox.acked(new.room.name, new.event.seq, new.ordinal)

    def _tell_distant(self, audience: Audience, run: list[NewEvent]) -> None:
        """Levels head and none: the head, and in full only what concerns the user himself."""
        everybody = audience.members <= self._live.full_members
        named = {user for new in run for user in new.mentions} | {new.event.user for new in run}
        for session in (*audience.head, *audience.none):
            if session.user in named or (everybody and EVERYBODY in named):
                self._push_concerning(session, run, everybody)
        self._heads.moved(audience, run[-1].event.seq, run[-1].ordinal)

    def _push_concerning(self, session: Listener, run: list[NewEvent], everybody: bool) -> None:
        for new in run:
            if new.asked_by is not None and new.asked_by.asker is session:
                self._acknowledge(session, new)
            elif (
                new.event.user == session.user
                or session.user in new.mentions
                or (everybody and EVERYBODY in new.mentions)
            ):
                self._push_one(session, [new])

    # --- members

    def _unseat_newcomers(self, steps: list[Step]) -> None:
        """Whoever said hello between this commit and now sits there already; what came before them is not theirs."""
        first: dict[str, Step] = {}
        for step in steps:
            if not isinstance(step, NewEvent):
                first.setdefault(step.user, step)
        for user, step in first.items():
            for session in self._live.of(user) if isinstance(step, Arrival) else ():
                focus = session.focus  # what is on screen stays there
                self._live.detach(session, step.room.number)
                session.focus = focus

    def _arrive(self, step: Arrival) -> None:
        """Seat the connections of a new member, who learns of the room before its next event."""
        room = step.room
        self._live.resize(room.number, len(room.members))
        member = room.members.get(step.user)
        if member is None:  # gone again in the same batch
            return
        sessions = self._live.hearing(step.user)
        if not sessions:
            return
        push = Packet(RoomPush(summary_of(room, member, self._privacy.shown_to)), self._deflate_min)
        for session in sessions:
            if session.departed is not None:
                session.departed.discard(room.number)
            self._live.attach(session, room.number, room.name, len(room.members), member.muted_until)
            session.push(push)

    def _depart(self, step: Departure) -> None:
        """Unseat the connections of a former member; what comes later is not for them."""
        room = step.room
        for session in self._live.hearing(step.user):
            if session.departed is not None:
                session.departed.add(room.number)
            self._live.detach(session, room.number)
            session.outbox.leave(room.name)
            session.push(GonePush(room.name, step.reason))
        self._live.resize(room.number, len(room.members))

    def _tell_position(self, position: Position) -> None:
        """A moved read position to the user's other devices; one that stayed to who asked without an id."""
        room, asker = position.room, position.asked_by
        member = room.members.get(position.member.user)
        if member is None:
            return
        unread = member.unread(room.ordinal)
        push = PositionPush(room.name, member.read, unread, member.mentions, room.ordinal)
        for session in self._live.hearing(member.user):
            asked = asker is not None and session is asker.asker
            if not asker.id and not position.moved if asked else position.moved:
                session.push(push)


def event_push(run: list[NewEvent]) -> EventPush:
    return EventPush(run[0].room.name, [Raw(new.blob) for new in run])


def first_visible(room: Room, user: str) -> int:
    """From which number on a listener may see the room; he may have left it later in the same batch."""
    member = room.members.get(user) or room.former.get(user)
    return 1 if member is None else member.first_visible


def edited_by(new: NewEvent) -> int | None:
    """The message whose text an event carries, when it is an edit."""
    target = new.event.target
    return target if new.event.kind == "edit" and target is not UNSET else None


def parts(run: list[NewEvent], bytes_max: int) -> list[list[NewEvent]]:
    """`run` cut so that no push exceeds a server frame.

    >>> parts([], 10)
    []
    """
    if len(run) <= 1 or sum([len(new.blob) for new in run]) <= bytes_max:
        return [run] if run else []
    cut: list[list[NewEvent]] = [[]]
    size = 0
    for new in run:
        if cut[-1] and size + len(new.blob) > bytes_max:
            cut.append([])
            size = 0
        cut[-1].append(new)
        size += len(new.blob)
    return cut
