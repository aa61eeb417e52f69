"""The room cache: rooms by name, loaded on demand, forgotten when idle.

A batch touches cached rooms only, so a cached room is never older than the last commit.
"""

from collections.abc import Iterable

from chatd.core.room import Room


class RoomCache:
    """Loaded rooms. `now` is the caller's monotonic clock in seconds."""

    def __init__(self) -> None:
        self.rooms: dict[str, Room] = {}
        self._used: dict[str, float] = {}
        # Preferences that changed while rooms were being loaded.
        self.changed_receipts: dict[str, bool] = {}

    def get(self, name: str, now: float) -> Room | None:
        room = self.rooms.get(name)
        if room is not None:
            self._used[name] = now
        return room

    def put(self, room: Room, now: float) -> None:
        for user, shown in self.changed_receipts.items():
            member = room.member(user)
            if member is not None:
                member.receipts = shown
        self.rooms[room.name] = room
        self._used[room.name] = now

    def forget_idle(self, before: float, busy: Iterable[str]) -> int:
        """Forget rooms not used since `before`, except those of a batch; return how many."""
        keep = set(busy)
        return self._forget([name for name, used in self._used.items() if used < before and name not in keep])

    def forget_beyond(self, members_max: int, busy: Iterable[str]) -> int:
        """Forget the least recently used rooms, except those of a batch, down to this total weight; return how many."""
        keep = set(busy)
        left = sum(map(weight, self.rooms.values()))
        going = []
        for name in sorted(self._used, key=self._used.__getitem__) if left > members_max else ():
            if left <= members_max:
                break
            if name not in keep:
                left -= weight(self.rooms[name])
                going.append(name)
        return self._forget(going)

    def _forget(self, names: list[str]) -> int:
        for name in names:
            del self.rooms[name], self._used[name]
        return len(names)

    def set_receipts(self, user: str, shown: bool) -> None:
        """Apply a user's receipts preference in all their rooms, including those being loaded."""
        self.changed_receipts[user] = shown
        for room in self.rooms.values():
            member = room.member(user)
            if member is not None:
                member.receipts = shown


def weight(room: Room) -> int:
    """Return the weight of a room in memory: present and former members, and one for itself."""
    return 1 + room.size + len(room.former)
