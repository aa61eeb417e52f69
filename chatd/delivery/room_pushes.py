"""`room` pushes when keys of a summary changed: a few at a time, so that a large room does not stall the loop."""

from itertools import islice

from chatd.config.model import Config, Delivery, Privacy
from chatd.core.room import Room
from chatd.core.room_summary import summary_of
from chatd.delivery.encoding import EncodedPush
from chatd.delivery.hub import Hub, Subscriber
from chatd.env import Env
from chatd.protocol.rooms import RoomPush

# About a millisecond of encoding.
PUSHED_AT_ONCE = 200
# A commit takes a few milliseconds.
DIRTY_RETRY_S = 0.02
# Events name each member who joins or leaves at once; their number need not be pushed each time.
COUNT_INTERVAL_S = 1.0

EVERY_MEMBER = ""
# Only the number of members changed.
COUNT_ONLY = "*"


class RoomPushes:
    """The `room` pushes to one member or to all. Member counts go out once an interval, a longer one in large rooms."""

    def __init__(self, env: Env, hub: Hub, config: Config) -> None:
        self._env = env
        self._hub = hub
        self._delivery = config.delivery
        self._privacy = config.privacy
        self._deflate_min = config.delivery.deflate_min_bytes
        # Rooms whose member count is pushed when the interval is over, by number.
        self._counted: dict[int, Room] = {}
        # By user and room number, in the order of pushing.
        self._queue: dict[tuple[str, int], Room] = {}
        # Whether a timer for the rest of the queue runs.
        self._scheduled = False

    def reconfigure(self, delivery: Delivery, privacy: Privacy) -> None:
        """Put other settings in force; pushes that are already due keep their time."""
        self._delivery, self._privacy = delivery, privacy

    def due(self, room: Room, user: str) -> None:
        """Push the changed summary of `room` to `user`, to EVERY_MEMBER, or with COUNT_ONLY to all in an interval."""
        if user == COUNT_ONLY:
            if room.number not in self._counted:
                self._counted[room.number] = room
                large = room.scale > self._delivery.large_members
                large_s = self._delivery.members_interval_s
                interval_s = large_s if large else min(COUNT_INTERVAL_S, large_s)
                self._env.call_later(interval_s, lambda: self._all(self._counted.pop(room.number)))
        elif user == EVERY_MEMBER:
            self._all(room)
        else:
            member, sessions = room.member(user), self._hub.readers_of(user)
            for session in sessions:
                if member is not None and room.number in session.subscriptions.rooms:
                    self._hub.mute(session, room.number, member.muted_until)
            if sessions:
                self._queue[user, room.number] = room
                self._flush()

    def has_pending(self, session: Subscriber) -> bool:
        """Whether a `room` push to `session` is not sent yet."""
        waits = any(user == session.user for user, _ in self._queue)
        return waits or any(number in session.subscriptions.rooms for number in self._counted)

    def _all(self, room: Room) -> None:
        subscribers = self._hub.rooms.get(room.number)
        if subscribers is not None:
            # Of a channel only its staff: followers learn of settings by a head, and of their number when they sync.
            users = room.staff if room.is_channel else [session.user for session in subscribers.connections()]
            self._queue.update({(user, room.number): room for user in users})
            self._flush()

    def _flush(self) -> None:
        """Push the first of those that wait. A room whose memory is ahead of the disk goes to the end."""
        dirty = 0
        for place, room in list(islice(self._queue.items(), PUSHED_AT_ONCE)):
            del self._queue[place]
            if room.dirty:
                self._queue[place] = room
                dirty += 1
            else:
                self._push(room, place[0])
        if self._queue and not self._scheduled:
            self._scheduled = True
            self._env.call_later(DIRTY_RETRY_S if dirty == len(self._queue) else 0, self._resume)

    def _push(self, room: Room, user: str) -> None:
        """Push a summary, encoded once for all connections of its reader."""
        sessions = [
            session for session in self._hub.readers_of(user) if room.number in session.subscriptions.rooms
        ]
        member = room.member(user)
        if member is not None and sessions:
            summary = summary_of(room, member, self._privacy.shown_to)
            push = EncodedPush(RoomPush(summary), self._deflate_min)
            for session in sessions:
                session.push(push)

    def _resume(self) -> None:
        self._scheduled = False
        self._flush()
