"""`receipts` pushes: watermarks that moved, collected for an interval (protocol.md "receipts")."""

from chatd.config.model import Config, Delivery, Privacy
from chatd.core.governance import hides_from
from chatd.core.room import Member, Room
from chatd.core.room_summary import receipt_of
from chatd.core.visibility import marks_shown
from chatd.delivery.encoding import EncodedPush
from chatd.delivery.hub import Hub, RoomSubscribers, Subscriber
from chatd.env import Env
from chatd.protocol.read_state import Receipt, ReceiptsPush


class Receipts:
    """The pushes of moved watermarks: in direct rooms to the peer, in groups up to `receipts_members` to those
    who have the room on screen.
    """

    def __init__(self, env: Env, hub: Hub, config: Config, deflate_min: int) -> None:
        self._env = env
        self._hub = hub
        self._delivery = config.delivery
        self._privacy = config.privacy
        self._deflate_min = deflate_min
        self._moved: dict[int, tuple[Room, dict[str, Receipt]]] = {}

    def reconfigure(self, delivery: Delivery, privacy: Privacy) -> None:
        """Put other settings in force."""
        self._delivery, self._privacy = delivery, privacy

    def moved(self, room: Room, member: Member) -> None:
        """Push within the interval that a watermark of `member` moved."""
        if not room.direct and room.scale > self._delivery.receipts_members:
            return
        if room.number not in self._hub.rooms:
            return
        if not self._moved:
            self._env.call_later(self._delivery.receipts_interval_s, self._flush)
        _, receipts = self._moved.setdefault(room.number, (room, {}))
        receipts[member.user] = receipt_of(member)

    def _flush(self) -> None:
        moved, self._moved = self._moved, {}
        for number, (room, receipts) in moved.items():
            subscribers = self._hub.rooms.get(number)
            if not marks_shown(self._privacy.shown_to, direct=room.direct, written=room.durable_written):
                continue
            shown = {user: row for user, row in receipts.items() if shows(room, user)}
            if subscribers is not None and shown and not (room.direct and room.keeps_marks):
                self._push(subscribers, room, shown)

    def _push(self, subscribers: RoomSubscribers, room: Room, receipts: dict[str, Receipt]) -> None:
        connections = list(subscribers.connections()) if room.direct else subscribers.focused
        shared = EncodedPush(ReceiptsPush(subscribers.name, list(receipts.values())), self._deflate_min)
        for session in connections:
            if not wants(session) or not sees(room, session.user):
                continue
            packet = shared
            unseen = {session.user, *room.kept_from(session.user)} if room.ignored_by else {session.user}
            if not unseen.isdisjoint(receipts):
                others = [receipt for user, receipt in receipts.items() if user not in unseen]
                if not others:
                    continue
                packet = EncodedPush(ReceiptsPush(subscribers.name, others), self._deflate_min)
            session.outbox.send_ephemeral(packet.frame(session.encoding))


def shows(room: Room, user: str) -> bool:
    """Whether the user is still a member, and shows receipts."""
    member = room.member(user)
    return member is not None and member.receipts


def sees(room: Room, user: str) -> bool:
    """Whether the user is still a member, and the room shows them others."""
    member = room.member(user)
    return member is not None and not hides_from(room, member)


def wants(session: Subscriber) -> bool:
    """Whether a connection gets receipts: a user who hides their own sees none, and none wake a phone."""
    return session.receipts and session.mode == "foreground"
