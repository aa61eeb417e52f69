"""What phones show by now: how soon they may be told more, and what is taken away when it is read elsewhere. Pure.

Pace. In a direct room each message alerts, from the eleventh in a minute one in 5 s; so do mentions by name. In a
group the first alerts at once, and then after 5 s, 15 s, and once a minute until it is read. What is held back joins
the next. Friend requests and invitations, which join none, have the pace of a direct room together; beyond it the app
alone shows them.

It is memory alone: after a restart the pace begins anew, nothing is taken away that was shown before, and the next
notification has the right badge all the same. Times are monotonic seconds of the caller.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from chatd.push.pending import AppKey, Key

# Of devices in rooms: about 25 MB. Beyond it the rooms go that were told of the longest ago.
OUTSTANDING_MAX = 100_000
GROUP_GAPS_S = (5.0, 15.0, 60.0)
BURST, BURST_S = 10, 60.0
DIRECT_GAP_S = 5.0
# A number on an icon is not urgent, and whoever reads one room often reads the next.
BADGE_GAP_S = 30.0
# What iOS grants an app that works in the background.
BACKGROUND_MAX, BACKGROUND_S = 3, 3_600.0
BUDGETS_MAX = 20_000


@dataclass(slots=True)
class Shown:
    """What one device shows of one room, up to the message `seq`. `at`: of the last alert.

    `alerts`: since it was read. `burst_at`, `burst`: when a minute began, and the alerts in it.
    """

    app: AppKey
    seq: int
    at: float
    alerts: int = 1
    burst_at: float = 0.0
    burst: int = 1


class Withdrawn(NamedTuple):
    """A notification that is to be taken away."""

    device: str
    app: AppKey


@dataclass(slots=True)
class Budget:
    """What one device was sent without being told anything. `background`: when, the oldest first."""

    badge_at: float = float("-inf")
    background: list[float] = field(default_factory=list)


class Outstanding:
    """What the phones of this daemon show."""

    def __init__(self, most: int = OUTSTANDING_MAX) -> None:
        self._most = most
        self._count = 0
        # By room, then user, then device; the room that was told of last is the last one.
        self._rooms: dict[int, dict[str, dict[str, Shown]]] = {}
        self._budgets: dict[tuple[str, str], Budget] = {}

    def __len__(self) -> int:
        return self._count

    def shown(self, key: Key) -> Shown | None:
        return self._rooms.get(key.room, {}).get(key.user, {}).get(key.device)

    def due(self, key: Key, now: float, *, is_direct: bool) -> float:
        """Return when the next alert may come. `is_direct`: of a direct room, or a mention."""
        shown = self.shown(key)
        if shown is None:
            return now
        if not is_direct:
            return max(now, shown.at + GROUP_GAPS_S[min(shown.alerts, len(GROUP_GAPS_S)) - 1])
        if now - shown.burst_at >= BURST_S or shown.burst < BURST:
            return now
        return max(now, shown.at + DIRECT_GAP_S)

    def on_sent(self, key: Key, app: AppKey, seq: int, now: float) -> None:
        """Note that a device is told of messages, which replaces what it shows of the room."""
        users = self._rooms[key.room] = self._rooms.pop(key.room, {})
        devices = users[key.user] = users.pop(key.user, {})
        shown = devices.get(key.device)
        if shown is None:
            devices[key.device] = Shown(app, seq, now, burst_at=now)
            self._count += 1
            self._evict()
            return
        shown.app, shown.at, shown.seq = app, now, max(shown.seq, seq)
        shown.alerts += 1
        if now - shown.burst_at >= BURST_S:
            shown.burst_at, shown.burst = now, 0
        shown.burst += 1

    def _evict(self) -> None:
        while self._count > self._most and len(self._rooms) > 1:
            self._forget(next(iter(self._rooms)))
        if self._count > self._most:
            # One room alone has so many: the user goes who was told of the longest ago.
            users = next(iter(self._rooms.values()))
            self._count -= len(users.pop(next(iter(users))))

    def _forget(self, room: int) -> None:
        self._count -= sum(len(devices) for devices in self._rooms.pop(room).values())

    def concerns(self, room: int, user: str) -> bool:
        """Whether something of a room is shown to `user`; cheap, because it is asked for each read."""
        users = self._rooms.get(room)
        return users is not None and user in users

    def on_read(self, room: int, user: str, seq: int) -> list[Withdrawn]:
        """Forget what devices of `user` show of messages up to `seq`; return what is to be taken away."""
        users = self._rooms.get(room, {})
        devices = users.get(user, {})
        withdrawn = [Withdrawn(device, shown.app) for device, shown in devices.items() if shown.seq <= seq]
        for one in withdrawn:
            del devices[one.device]
        self._count -= len(withdrawn)
        if not devices:
            users.pop(user, None)
        if not users:
            self._rooms.pop(room, None)
        return withdrawn

    def on_recalled(self, room: int, seq: int) -> Iterator[tuple[str, Withdrawn]]:
        """Yield whose devices show this message as the last one of a room, and forget it."""
        for user, devices in [*self._rooms.get(room, {}).items()]:
            if any(shown.seq == seq for shown in devices.values()):
                for withdrawn in self.on_read(room, user, seq):
                    yield user, withdrawn

    def badge_due(self, user: str, device: str, now: float) -> float:
        """Return when a device may be sent its badge alone, and note that it is."""
        budget = self._budget(user, device)
        budget.badge_at = max(now, budget.badge_at + BADGE_GAP_S)
        return budget.badge_at

    def may_wake(self, user: str, device: str, now: float) -> bool:
        """Whether a device may be woken in the background once more, and note that it is."""
        budget = self._budget(user, device)
        budget.background = [at for at in budget.background if now - at < BACKGROUND_S]
        if len(budget.background) >= BACKGROUND_MAX:
            return False
        budget.background.append(now)
        return True

    def _budget(self, user: str, device: str) -> Budget:
        budget = self._budgets.pop((user, device)) if (user, device) in self._budgets else Budget()
        self._budgets[user, device] = budget
        if len(self._budgets) > BUDGETS_MAX:
            del self._budgets[next(iter(self._budgets))]
        return budget
