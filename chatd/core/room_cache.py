"""The room cache: rooms by name, loaded on demand, forgotten when idle.

A batch touches cached rooms only, so a cached room is never older than the last commit.
"""

from collections.abc import Iterable

from chatd.core.room import Room

# Of a channel; about a megabyte, and more than two batches name.
FOLLOWERS_IN_MEMORY = 2_048


class RoomCache:
    """Loaded rooms. `now` is the caller's monotonic clock in seconds."""

    def __init__(self) -> None:
        self.rooms: dict[str, Room] = {}
        self.channels: set[str] = set()  # names of those that are channels
        self._used: dict[str, float] = {}
        # The names of loaded direct rooms by user, and the blocks (blocker, blocked) that loaded rooms know.
        self._direct: dict[str, set[str]] = {}
        self._blocks: set[tuple[str, str]] = set()
        # Preferences that changed while rooms were being loaded.
        self.changed_receipts: dict[str, bool] = {}
        # How often something was forgotten: rows that were read before it are too old to be put into memory.
        self.forgotten = 0
        # All bots and official accounts; empty where bots are switched off.
        self.automated: set[str] = set()

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
        if self.automated:
            self.note_bots(room)
        self.rooms[room.name] = room
        if room.is_channel:
            self.channels.add(room.name)
        self._used[room.name] = now
        for user in room.users if room.direct else ():
            self._direct.setdefault(user, set()).add(room.name)

    def note_bots(self, room: Room) -> None:
        """Note which members are bots or official accounts; of a channel those of its staff."""
        room.bots = room.among(self.automated)
        if room.is_channel:
            room.bots &= {*room.staff}

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
        self.forgotten += 1
        for name in names:
            room = self.rooms.pop(name)
            self.channels.discard(name)
            del self._used[name]
            for user in room.users if room.direct else ():
                self._direct[user].discard(name)
                if not self._direct[user]:
                    del self._direct[user]
        return len(names)

    def forget_followers(self, name: str) -> None:
        """Forget followers of a channel beyond FOLLOWERS_IN_MEMORY. No batch may be under way."""
        room = self.rooms.get(name)
        if room is not None and room.is_channel and room.in_memory > FOLLOWERS_IN_MEMORY:
            self.forgotten += 1
            room.forget_followers(FOLLOWERS_IN_MEMORY // 2)

    def direct_rooms(self, user: str, other: str | None = None) -> list[Room]:
        """Return the loaded direct rooms of `user`, or the one with `other`."""
        names = self._direct.get(user, set())
        return [
            self.rooms[name] for name in (names if other is None else names & self._direct.get(other, set()))
        ]

    def note_blocks(self, room: Room) -> None:
        """Note the blocks that were read with a room."""
        for author, blockers in room.ignored_by.items():
            self._blocks.update((blocker, author) for blocker in blockers)

    def rooms_of_block(self, blocker: str, user: str, *, blocked: bool) -> list[Room]:
        """Return the loaded rooms in which a block begins or ends that they did not know of."""
        if ((blocker, user) in self._blocks) == blocked:
            return []
        (self._blocks.add if blocked else self._blocks.discard)((blocker, user))
        return [room for room in self.rooms.values() if room.member(blocker) and room.member(user)]

    def rooms_of_closing(self, user: str, *, closed: bool) -> list[Room]:
        """Return the loaded rooms that did not know that the account of a member is closed, or is again open."""
        rooms = self.rooms.values()
        return [room for room in rooms if room.member(user) and (user in room.closed) != closed]

    def set_receipts(self, user: str, shown: bool) -> None:
        """Apply a user's receipts preference in all their rooms, including those being loaded."""
        self.changed_receipts[user] = shown
        for room in self.rooms.values():
            member = room.member(user)
            if member is not None:
                member.receipts = shown

    def set_automated(self, user: str, *, automated: bool) -> None:
        """Note whether a user is a bot or an official account, in all their rooms."""
        if (user in self.automated) == automated:
            return
        (self.automated.add if automated else self.automated.discard)(user)
        for room in self.rooms.values():
            if room.member(user) is not None:
                self.note_bots(room)


def weight(room: Room) -> int:
    """Return the weight of a room in memory: present and former members, and one for itself."""
    return 1 + room.in_memory
