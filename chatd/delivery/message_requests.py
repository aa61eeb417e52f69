"""`room` pushes about message requests: at once, then one a minute (protocol.md "Direct rooms and message requests").

The one who is asked is not subscribed to the room, so nothing else is sent to them of it.
"""

from functools import partial

from chatd.config.model import Config, Privacy
from chatd.core.room import Room, Standing
from chatd.core.room_summary import summary_of
from chatd.core.sections import CONTACTS, PEOPLE
from chatd.core.write_set import WriteSet
from chatd.delivery.encoding import EncodedPush
from chatd.delivery.hub import Hub, Subscriber
from chatd.env import Env
from chatd.protocol.rooms import GonePush, RoomPush

# A stranger who writes on is heard of seldom.
INTERVAL_S = 60.0
# A commit takes a few milliseconds.
DIRTY_RETRY_S = 0.02


class MessageRequests:
    """Tells of message requests to the connections of their receivers that have the feature `people`."""

    def __init__(self, env: Env, hub: Hub, config: Config) -> None:
        self._env = env
        self._hub = hub
        self._privacy = config.privacy
        self._deflate_min = config.delivery.deflate_min_bytes
        # By user and room number: requests that were told within the interval, and whether there is more to tell.
        self._told: dict[tuple[str, int], bool] = {}

    def reconfigure(self, privacy: Privacy) -> None:
        """Put other settings in force."""
        self._privacy = privacy

    def publish(self, writes: WriteSet) -> None:
        """Tell of the requests of a durable batch, and that declined ones are gone."""
        new = {(room.number, user) for room, user in writes.new_requests}
        for (number, user), room in writes.requests.items():
            if (user, number) in self._told and (number, user) not in new:
                self._told[user, number] = True
            else:
                self._tell(room, user)
        for room, user in writes.declined:
            for session in self._hub.readers_of(user):
                if shows_requests(session):
                    session.push(GonePush(room.name, "left"))

    def has_pending(self, session: Subscriber) -> bool:
        """Whether something of a request is still to be told to `session`."""
        waits = any(more and user == session.user for (user, _), more in self._told.items())
        return waits and shows_requests(session)

    def _tell(self, room: Room, user: str) -> None:
        """Push the summary of a request, as of a commit, and be silent for the interval."""
        if room.dirty:
            self._told[user, room.number] = True
            self._env.call_later(DIRTY_RETRY_S, partial(self._interval_over, room, user))
            return
        self._told[user, room.number] = False
        self._env.call_later(INTERVAL_S, partial(self._interval_over, room, user))
        member, sessions = room.member(user), self._hub.readers_of(user)
        if member is not None and member.standing == Standing.REQUEST and sessions:
            push = EncodedPush(RoomPush(summary_of(room, member, self._privacy.shown_to)), self._deflate_min)
            for session in sessions:
                if shows_requests(session):
                    session.push(push)

    def _interval_over(self, room: Room, user: str) -> None:
        if self._told.pop((user, room.number), False):
            self._tell(room, user)


def shows_requests(session: Subscriber) -> bool:
    """Whether a connection is shown rooms in which its user was asked."""
    return bool(session.subscriptions.sections >> PEOPLE[CONTACTS].bit & 1)
