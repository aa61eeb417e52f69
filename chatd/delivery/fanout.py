"""Committed batches to connections: encode once, frame once, write once (protocol.md "event").

**The problem.** A message to a room of a thousand members is one commit and a thousand writes. The work for each
recipient is most of the work of the daemon: encoding a push for each of them would cost more than all the rest.

**The invariant.** A push holds nothing about its recipient. So the events of one room that were committed in one batch
are one push, encoded once for each encoding in use (msgpack, json, msgpack with deflate) and framed once, and every
recipient gets the same bytes object. `RoomSubscribers.full` keeps connections by encoding, so that the inner loop looks
nothing up: it calls `send_event` with the same five arguments.

**What differs per reader** is taken out of the push, and each difference has its own place:

- unread counters, own reactions, mute and pin belong to summaries and pages, which are encoded per reader and sent
  seldom. An event names whom it mentions; whether that is the reader, the client decides;
- the author gets an acknowledgement instead of their event, in its place, so the numbers they see never go down and
  they never see their message twice. A run of events that holds one of theirs is sent to them in parts: others' events
  as pushes, their own as acknowledgements. This is prepared before the shared push, and goes out under a cork as one
  write, because an author should not wait for a thousand others;
- an edit of a message that a member does not see, since it is from before they joined or they deleted it for
  themselves, must not show its text to them. They get a head instead of that event, and their client reads the log,
  where the event is emptied. Only a run with edits looks for such members;
- members who join or leave within the batch see exactly the events between. The steps of a room are one list, joins
  and leaves between events, and each is carried out at its place: a run of events ends where the subscribers change;
- the level of delivery. In large rooms most connections get a head once an interval, and in muted rooms those in the
  background get none; both get in full only events that mention the user or were sent from another device of theirs.

**Why one encoding serves all encodings.** A stored event is msgpack already, and a push splices these bytes in as they
are; nothing is encoded that is in the database. Its JSON is made from the msgpack, and its compressed form, too, and
only when the first recipient needs it: `EncodedPush` keeps the three frames. Compression has no context over packets,
as one of the transport would: its output would differ for each connection, and so would its memory.

**Why not a push per event, or per reader?** A burst of twenty messages in a batch would be twenty frames and system
calls for each recipient. A push per reader could hold an unread counter, but a client computes it from the ordinal.

Everything here is synchronous: a batch is published in one go, so nothing comes between its pushes, and no connection
sees a later batch before an earlier one.
"""

from collections.abc import Collection
from functools import partial

from chatd.config.model import Config
from chatd.core.own_view import WHOLE, View, view_of
from chatd.core.room import REQUEST
from chatd.core.room_steps import ChannelDeleted, MemberJoined, MemberLeft, RoomListed, RoomUnlisted
from chatd.core.room_summary import summary_of
from chatd.core.sections import ChangedRow, Sections
from chatd.core.users import Account
from chatd.core.visibility import text_of
from chatd.core.write_set import NewEvent, ReadPosition, RoomStep, WriteSet
from chatd.delivery.account_rows import AccountRows
from chatd.delivery.deleted_channels import push_deleted
from chatd.delivery.encoding import JSON, MSGPACK, EncodedPush, frame_of
from chatd.delivery.event_pushes import concerned_by, event_push, parts
from chatd.delivery.heads import Heads
from chatd.delivery.hub import Hub, RoomSubscribers, Subscriber
from chatd.delivery.interface import Present
from chatd.delivery.message_requests import MessageRequests, shows_requests
from chatd.delivery.receipts import Receipts
from chatd.delivery.room_pushes import RoomPushes
from chatd.env import Env
from chatd.protocol import close_codes
from chatd.protocol.limits import JSON_GROWTH
from chatd.protocol.media import LiveState, VoicePush
from chatd.protocol.messages import EVERYBODY
from chatd.protocol.presence import PresencePush, TypingOf, TypingPush, UserState
from chatd.protocol.read_state import PositionPush
from chatd.protocol.rooms import GonePush, RoomPush
from chatd.telemetry.counters import Counters

# The bytes of an event push besides its events, at most.
PUSH_MARGIN_BYTES = 256


class Fanout:
    """The publisher of commits to the live connections of this process."""

    def __init__(self, config: Config, env: Env, hub: Hub, counters: Counters, sections: Sections) -> None:
        self._env = env
        self._hub = hub
        self._counters = counters
        self._deflate_min = config.delivery.deflate_min_bytes
        size = config.limits.server_frame_bytes - PUSH_MARGIN_BYTES
        # Bytes of events as they are stored that fit one push, by encoding.
        self._push_bytes = (size, size // JSON_GROWTH, size)
        self._large = config.delivery.large_members
        self._heads = Heads(
            env, config.delivery.head_interval_s, config.channels.head_interval_s, self._deflate_min
        )
        self._privacy = config.privacy
        self._receipts = Receipts(env, hub, config, self._deflate_min)
        self._room_pushes = RoomPushes(env, hub, config)
        self._message_requests = MessageRequests(env, hub, config)
        self._account_rows = AccountRows(hub, config, sections)

    def reconfigure(self, config: Config) -> None:
        """Put other settings in force; pushes that are already scheduled keep their time."""
        delivery, privacy = config.delivery, config.privacy
        self._privacy = privacy
        self._large = delivery.large_members
        self._heads.reconfigure(delivery.head_interval_s, config.channels.head_interval_s)
        self._receipts.reconfigure(delivery, privacy)
        self._room_pushes.reconfigure(delivery, privacy)
        self._message_requests.reconfigure(privacy)

    def publish(self, writes: WriteSet) -> None:
        """Push a batch that is durable now, room by room, in the order of its numbers."""
        self._hub.recent_commits.note(writes)
        for steps in writes.steps.values():
            if writes.moves:
                self._unsubscribe_newcomers(steps)
            self._push_room(steps)
        for room, member in writes.receipts.values():
            self._receipts.moved(room, member)
        for position in writes.read_positions:
            self._push_position(position)
        for (number, user), room in writes.refreshed.items():
            if room.is_channel:
                self._heads.viewed(self._hub.rooms.get(number), room.member(user))
            self._room_pushes.due(room, user)
        if writes.requests or writes.declined:
            self._message_requests.publish(writes)
        if writes.records:
            self._account_rows.publish(writes)
        for account in writes.records_of(Account):
            for session in self._hub.of(account.user):
                session.show_receipts(account.receipts)
        for ended in writes.ended:
            for session, code in self._hub.ended_by(*ended, close_codes.REVOKED):
                # A little later, so that the reply to the request comes first.
                self._env.call_later(0, partial(session.close, code))

    def tell_imported(self) -> None:
        """Tell everybody whose rows an import changed that there are more."""
        self._account_rows.tell_imported()

    def close_concerned(self, writes: WriteSet) -> None:
        """Close every connection that a batch concerns, when publishing failed: perhaps it missed a part."""
        for number in writes.steps:
            subscribers = self._hub.rooms.get(number)
            for session in list(subscribers.connections()) if subscribers is not None else ():
                session.close(close_codes.INTERNAL)
        for user in {row.user for row in writes.records_of(ChangedRow)}:
            for session in self._hub.of(user):
                session.close(close_codes.INTERNAL)

    def typing(
        self, session: Subscriber, number: int, what: TypingOf = "text", kept_from: Collection[str] = ()
    ) -> None:
        """Push to those who have a room on screen that the user of `session` types or speaks, not to `kept_from`."""
        subscribers = self._hub.rooms.get(number)
        if subscribers is None:
            return
        self._push_signal(TypingPush(subscribers.name, session.user, what), subscribers, kept_from)

    def voice(self, user: str, number: int, file: str, state: LiveState, kept_from: Collection[str]) -> None:
        """Push the state of a live note to those who have a room on screen, not to `kept_from`."""
        subscribers = self._hub.rooms.get(number)
        if subscribers is not None:
            self._push_signal(VoicePush(subscribers.name, user, file, state), subscribers, kept_from)

    def _push_signal(
        self, push: TypingPush | VoicePush, subscribers: RoomSubscribers, kept_from: Collection[str]
    ) -> None:
        packet = EncodedPush(push, self._deflate_min)
        for other in subscribers.focused:
            if other.user != push.user and other.user not in kept_from and other.mode == "foreground":
                other.outbox.send_ephemeral(packet.frame(other.encoding))

    def has_pending(self, session: Subscriber) -> bool:
        """Whether a durable change is still to be pushed to `session`, besides those its levels leave out."""
        return self._room_pushes.has_pending(session) or self._message_requests.has_pending(session)

    def presence(self, watcher: Present, states: list[UserState]) -> None:
        """Push changed states to a watcher, unless it is in the background."""
        for session in self._hub.of(watcher.user):
            if session is watcher and session.mode == "foreground":
                packet = EncodedPush(PresencePush(states), self._deflate_min)
                session.outbox.send_ephemeral(packet.frame(session.encoding))

    # --- one room

    def _push_room(self, steps: list[RoomStep]) -> None:
        """Push the steps of a room: runs of events, and between them the members who join or leave."""
        run: list[NewEvent] = []
        for step in steps:
            if isinstance(step, NewEvent):
                run.append(step)
                self._counters.events_committed[step.event.kind] += 1
                continue
            self._push_events(run)
            run = []
            if isinstance(step, ChannelDeleted):
                push_deleted(self._env, self._hub, step.room, self._deflate_min)
            elif isinstance(step, MemberJoined | RoomListed):
                self._on_joined(step)
            elif isinstance(step, RoomUnlisted):
                self._on_unlisted(step)
            else:
                self._on_left(step)
        self._push_events(run)

    def _push_events(self, run: list[NewEvent]) -> None:
        """Push a run to its room: as one push for most, in parts for authors and for those who may not see all."""
        if not run:
            return
        subscribers = self._hub.rooms.get(run[0].room.number)
        if subscribers is not None:
            individual = self._individual(subscribers, run)
            # As in a direct room where both just wrote.
            nobody_else = sum(map(len, subscribers.full)) == len(individual)
            for session, view in individual.items():
                self._push_corked(session, run, view)
            push_bytes = self._push_bytes[JSON if subscribers.full[JSON] else MSGPACK]
            for part in parts(run, push_bytes) if not nobody_else else ():
                self._push_full(subscribers, part, individual)
            if subscribers.head or subscribers.none or subscribers.heads_due:
                self._push_heads(subscribers, run)
        # Requesters who are not subscribed to the room, or not any more, got nothing above.
        for new in run:
            if new.origin is not None:
                new.origin.complete()

    def _individual(self, subscribers: RoomSubscribers, run: list[NewEvent]) -> dict[Subscriber, View]:
        """Return the connections at level full that do not get the shared push.

        Each with what its user sees of the room, as far as that says something about the edits in this run.
        """
        room = run[0].room
        individual: dict[Subscriber, View] = {}
        for new in run:
            requester = None if new.origin is None else new.origin.requester
            if requester is not None and subscribers.receives_all(requester):
                individual[requester] = WHOLE
        edited = {seq for new in run if (seq := text_of(new.event)) is not None}
        if edited:
            for group in subscribers.full:
                for session in group:
                    # They may have left it later in the same batch.
                    member = room.known(session.user)
                    view = WHOLE if member is None else view_of(member)
                    if not all(map(view.shows, edited)):
                        individual[session] = view
        return individual

    def _push_full(
        self, subscribers: RoomSubscribers, run: list[NewEvent], individual: dict[Subscriber, View]
    ) -> None:
        """Send one push to everybody else at level full. The hot loop of the daemon."""
        room, head, ordinal = run[0].room.name, run[-1].event.seq, run[-1].ordinal
        now = self._env.monotonic()
        packet = EncodedPush(event_push(run), self._deflate_min)
        sent = 0
        for encoding, connections in enumerate(subscribers.full):
            if not connections:
                continue
            frame, before = packet.frame(encoding), sent
            # A copy, because a connection whose outbox overflows is unsubscribed.
            for session in list(connections):
                if session in individual:
                    continue
                sent += 1
                session.outbox.send_event(frame, room, head, ordinal, now)
            self._counters.bytes_sent += len(frame) * (sent - before)
        self._counters.frames_sent += sent
        self._counters.fanout_recipients.observe(sent)

    def _push_corked(self, session: Subscriber, run: list[NewEvent], view: View) -> None:
        """Call `_push_individually` so that its frames become one write."""
        outbox = session.outbox
        outbox.cork()
        try:
            self._push_individually(session, run, view)
        finally:
            outbox.uncork()

    def _push_individually(self, session: Subscriber, run: list[NewEvent], view: View) -> None:
        """Send others' events as pushes, own ones as acknowledgements, edits of unseen messages as heads; in order."""
        others: list[NewEvent] = []
        for new in run:
            own = new.origin is not None and new.origin.requester is session
            edited = text_of(new.event)
            if not own and (edited is None or view.shows(edited)):
                others.append(new)
                continue
            self._push_one(session, others)
            others = []
            if own:
                self._acknowledge(session, new)
            else:
                now = self._env.monotonic()
                session.outbox.send_head(new.room.name, new.event.seq, new.ordinal, now)
        self._push_one(session, others)

    def _push_one(self, session: Subscriber, run: list[NewEvent]) -> None:
        now = self._env.monotonic()
        for part in parts(run, self._push_bytes[session.encoding]):
            frame = frame_of(event_push(part), session.encoding, self._deflate_min)
            session.outbox.send_event(frame, part[0].room.name, part[-1].event.seq, part[-1].ordinal, now)

    def _acknowledge(self, session: Subscriber, new: NewEvent) -> None:
        """Answer the request, in the place of the event."""
        if new.origin is not None:
            new.origin.complete()
        session.outbox.acked(new.room.name, new.event.seq, new.ordinal)

    def _push_heads(self, subscribers: RoomSubscribers, run: list[NewEvent]) -> None:
        """Push to levels head and none: the head, and in full only events that concern the user."""
        everybody = subscribers.members <= self._hub.full_members and not subscribers.is_channel
        named = {user for new in run for user in concerned_by(new)}
        if everybody and EVERYBODY in named:
            concerned = [*subscribers.head, *subscribers.none]
        else:
            # Few users are named, and many connections may be at level head.
            sessions = (session for user in sorted(named) for session in self._hub.of(user))
            concerned = [
                session for session in sessions if session in subscribers.head or session in subscribers.none
            ]
        for session in concerned:
            self._push_concerning(session, run, everybody)
        self._heads.moved(subscribers, run[-1].event.seq, run[-1].ordinal, run)

    def _push_concerning(self, session: Subscriber, run: list[NewEvent], everybody: bool) -> None:
        for new in run:
            if new.origin is not None and new.origin.requester is session:
                self._acknowledge(session, new)
            elif session.user in concerned_by(new) or (everybody and EVERYBODY in new.mentions):
                self._push_one(session, [new])

    # --- members

    def _unsubscribe_newcomers(self, steps: list[RoomStep]) -> None:
        """Unsubscribe new members who said hello since the commit: events before their join are not for them."""
        first: dict[str, RoomStep] = {}
        for step in steps:
            if not isinstance(step, NewEvent):
                first.setdefault(step.user, step)
        for user, step in first.items():
            for session in self._hub.of(user) if isinstance(step, MemberJoined) else ():
                focus = session.subscriptions.focus
                self._hub.unsubscribe(session, step.room.number)
                # The rooms on screen stay there.
                self._hub.set_focus(session, focus)

    def _on_joined(self, step: MemberJoined | RoomListed) -> None:
        """Subscribe the connections of a new member, and push the room to them before its next event."""
        room = step.room
        self._hub.resize(room.number, room.size)
        member = room.member(step.user)
        if member is None or not room.is_listed(member):
            # They left again in the same batch, or wait until something is said in a direct room.
            return
        sessions = self._hub.readers_of(step.user)
        if not sessions:
            return
        push = EncodedPush(RoomPush(summary_of(room, member, self._privacy.shown_to)), self._deflate_min)
        for session in sessions:
            session.subscriptions.note_joined(room.number)
            self._hub.subscribe(session, room.number, room.name, room.size, member.muted_until)
            session.push(push)

    def _on_unlisted(self, step: RoomUnlisted) -> None:
        """Unsubscribe the connections of a member out of whose list a room goes; those that are not shown it as a
        request are pushed that it is gone.
        """
        room = step.room
        member = room.member(step.user)
        is_asked = member is not None and member.standing == REQUEST
        for session in self._hub.readers_of(step.user):
            session.subscriptions.note_left(room.number)
            self._hub.unsubscribe(session, room.number)
            session.outbox.leave(room.name)
            if not (is_asked and shows_requests(session)):
                session.push(GonePush(room.name, "left"))

    def _on_left(self, step: MemberLeft) -> None:
        """Unsubscribe the connections of a former member, and push that the room is gone."""
        room = step.room
        for session in self._hub.readers_of(step.user):
            session.subscriptions.note_left(room.number)
            self._hub.unsubscribe(session, room.number)
            session.outbox.leave(room.name)
            session.push(GonePush(room.name, step.reason))
        self._hub.resize(room.number, room.size)

    def _push_position(self, position: ReadPosition) -> None:
        """Push a moved read position to the user's other devices, and one that stayed to a request without an id."""
        room, origin = position.room, position.origin
        member = room.member(position.member.user)
        if member is None:
            return
        unread, is_request = member.unread(room.ordinal, room.purged_ordinal), member.standing == REQUEST
        push = PositionPush(room.name, member.read, unread, member.mentions, room.ordinal)
        for session in self._hub.readers_of(member.user):
            if origin is not None and session is origin.requester:
                due = not origin.id and not position.moved
            else:
                due = position.moved
            if due and not (is_request and not shows_requests(session)):
                session.push(push)
