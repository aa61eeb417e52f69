"""What is taken away from phones again: notifications of messages that were read elsewhere, or recalled.

Each platform as far as it goes: an app on FCM or behind a gateway is told what to remove. On iOS the number on the icon
follows, and the app is woken a few times an hour to remove what it shows. A browser would show something for a push
that shows nothing, and end the subscription after three of them; so it is left alone.
"""

from collections.abc import Iterable

from chatd.core.write_set import WriteSet
from chatd.push.outstanding import Withdrawn
from chatd.push.parts import Parts
from chatd.push.pending import AppKey, Key, Pending

# Whoever reads a room often reads the next one, too, and the notifications of a device go together then.
DELAY_S = 2.0


class Withdrawals:
    """The withdrawals of one daemon."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def on_commit(self, writes: WriteSet) -> None:
        """Take away what was read or recalled. A commit hook; mostly nothing is shown of it."""
        outstanding = self._parts.outstanding
        for one in writes.read_positions:
            room, user, seq = one.room.number, one.member.user, one.member.read
            if one.moved and outstanding.concerns(room, user):
                self._withdraw(
                    ((user, withdrawn) for withdrawn in outstanding.on_read(room, user, seq)), room, seq
                )
            if one.moved and outstanding.concerns(-room, user):
                # Who was in the room has seen the reactions there: the next one is told at once.
                outstanding.on_read(-room, user, one.room.seq)
        for (room, seq), message in writes.messages.items():
            if message.event.recalled is True:
                self._withdraw(outstanding.on_recalled(room, seq), room, seq)

    def _withdraw(self, some: Iterable[tuple[str, Withdrawn]], room: int, seq: int) -> None:
        """Let what takes a notification away wait a moment, for each device."""
        parts = self._parts
        now = parts.env.monotonic() + DELAY_S
        for user, (device, app) in some:
            if app.platform == "web":
                continue
            is_apple = app.platform == "apns"
            if is_apple:
                self._put(
                    Key(user, device, 0, "badge"), app, 0, parts.outstanding.badge_due(user, device, now)
                )
            if not is_apple or parts.outstanding.may_wake(user, device, now):
                self._put(Key(user, device, room, "read"), app, seq, now)

    def _put(self, key: Key, app: AppKey, seq: int, due: float) -> None:
        now_ms = self._parts.env.now_ms()
        self._parts.end(self._parts.queue.put(Pending(key, app, "read", seq, seq, now_ms, 0, due)))
