"""The signals of a client that need no durable delivery: read and delivered marks, typing, focus, watch; coalesced
(protocol.md, "typing")."""

import logging
from collections.abc import Iterable

from .connection import Connection
from .core.account import Account
from .core.changes import Change, MessageAdded
from .core.errors import ChatError
from .core.packets import FocusReply, Packet, PositionReply, WatchReply
from .core.replica import Replica
from .settings import Settings
from .throttle import Throttle

DELIVERED_MEMBERS_MAX = 32
"""Larger groups keep no delivered marks (protocol.md, "delivered")."""

DELIVERED_ROOMS_MAX = 200
"""Rooms in one packet (protocol.md, "delivered")."""

DELIVERED = ""
"""One delivered packet names all rooms, so there is one key for all."""


log = logging.getLogger(__name__)


class Signals:
    """The signals of one account. They wait while there is no connection; the latest value counts."""

    def __init__(self, account: Account, settings: Settings) -> None:
        timing, env = settings.timing, settings.env
        self._timing = timing
        self.watched: tuple[str, ...] = ()
        self._account = account
        self._connection: Connection | None = None
        self._delivered: dict[str, int] = {}
        self._read_throttle = Throttle(env, timing.read_s, self._send_read)
        self._delivered_throttle = Throttle(env, timing.delivered_s, self._send_delivered)
        self._typing: dict[str, str] = {}
        self._typing_throttle = Throttle(env, timing.typing_s, self._send_typing)

    def connected(self, connection: Connection) -> None:
        """Repeat what the server forgot with the old connection, and send what waited."""
        self._connection = connection
        if self._account.focused:
            self.focus(self._account.focused)
        if self.watched:
            self.watch(self.watched)
        # Also what an earlier run did not send any more.
        for replica in self._account.replicas.values():
            if replica.read > replica.summary.read:
                self._read_throttle.touch(replica.room)
        if self._delivered:
            self._delivered_throttle.touch(DELIVERED)

    def disconnected(self) -> None:
        """Keep the values and stop the timers."""
        self._connection = None
        for throttle in (self._read_throttle, self._delivered_throttle, self._typing_throttle):
            throttle.stop()

    def read(self, replica: Replica, seq: int) -> None:
        """Mark the room as read up to `seq`."""
        if replica.mark_read(seq):
            self._account.publish(replica, ())
            self._read_throttle.touch(replica.room)

    def typing(self, room: str, what: str = "text") -> None:
        """Signal that the user is typing, or speaks a `voice` note."""
        self._typing[room] = what
        self._typing_throttle.touch_now_or_never(room)

    def focus(self, rooms: Iterable[str]) -> None:
        """Name the rooms on the screen (protocol.md, "focus")."""
        self._account.focused = tuple(rooms)
        if self._connection is not None:
            self._connection.ask_until_taken(self._focus, self._focused)

    def watch(self, users: Iterable[str]) -> None:
        """Follow the presence of these users (protocol.md, "watch")."""
        self.watched = tuple(users)
        if self._connection is not None:
            self._connection.ask_until_taken(self._watch, self._watched)

    def arrived(self, change: Change) -> None:
        """Confirm messages of others in small rooms as delivered; a listener of the feed."""
        if not isinstance(change, MessageAdded) or change.message.user == self._account.user:
            return
        summary = self._account.replica(change.room).summary
        if summary.peer or summary.members <= DELIVERED_MEMBERS_MAX:
            self._delivered[change.room] = change.message.seq
            self._delivered_throttle.touch(DELIVERED)

    def _send_read(self, room: str) -> None:
        replica = self._account.peek(room)
        if self._connection is not None and replica.read > replica.summary.read:
            packet = {"type": "read", "room": room, "seq": replica.read}
            self._connection.ask(packet, lambda answer: self._read(room, answer))

    def _send_delivered(self, _: str) -> None:
        if self._connection is None or not self._delivered:
            return
        marked = list(self._delivered.items())[:DELIVERED_ROOMS_MAX]
        rooms = [{"room": room, "seq": self._delivered.pop(room)} for room, _ in marked]
        self._connection.send({"type": "delivered", "rooms": rooms})
        if self._delivered:
            self._delivered_throttle.touch(DELIVERED)

    def _send_typing(self, room: str) -> None:
        if self._connection is not None:
            what = self._typing[room]
            self._connection.send(
                {"type": "typing", "room": room, **({} if what == "text" else {"what": what})}
            )

    def _focus(self) -> Packet:
        return {"type": "focus", "rooms": list(self._account.focused)}

    def _watch(self) -> Packet:
        return {"type": "watch", "users": list(self.watched)}

    def _read(self, room: str, answer: PositionReply | ChatError | None) -> None:
        if isinstance(answer, dict):
            replica = self._account.replica(room)
            self._account.publish(replica, replica.take_position(answer))
        elif answer is not None and answer.retry == "later":
            self._read_throttle.touch_later(room, self._timing.pause_s(answer.retry_after))

    def _focused(self, answer: FocusReply | ChatError | None) -> None:
        if isinstance(answer, ChatError):
            log.warning("focus was refused: %s", answer)
        for entry in answer.get("rooms", ()) if isinstance(answer, dict) else ():
            self._account.take_head(entry["room"], entry["seq"])
            replica = self._account.replica(entry["room"])
            self._account.publish(replica, replica.take_receipts(entry.get("receipts", ())))

    def _watched(self, answer: WatchReply | ChatError | None) -> None:
        if isinstance(answer, dict):
            self._account.take_presence(answer.get("users", ()))
