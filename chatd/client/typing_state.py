"""The users who are typing, as far as the server tells: shown for 6 s or until their message comes (protocol.md,
"typing")."""

from .change_feed import ChangeFeed
from .core.changes import TypingStarted, TypingStopped
from .env import Env, Timer


class TypingState:
    """The users who are typing in each room."""

    def __init__(self, env: Env, shown_s: float, feed: ChangeFeed) -> None:
        self._env = env
        self._shown_s = shown_s
        self._feed = feed
        self._timers: dict[tuple[str, str], Timer] = {}
        self._what: dict[tuple[str, str], str] = {}

    def typing(self, room: str, user: str, what: str = "text") -> None:
        """Show a user as typing, or as speaking a `voice` note."""
        running = self._timers.get((room, user))
        if running is not None:
            running.cancel()
        if running is None or self._what[room, user] != what:
            self._feed.emit(TypingStarted(room, user, what))
        self._what[room, user] = what
        self._timers[room, user] = self._env.call_later(self._shown_s, lambda: self.stopped(room, user))

    def stopped(self, room: str, user: str) -> None:
        """Show a user as typing no longer: their message came, or the time is over."""
        # Called for each message, and mostly nobody types.
        if not self._timers:
            return
        running = self._timers.pop((room, user), None)
        if running is not None:
            running.cancel()
            del self._what[room, user]
            self._feed.emit(TypingStopped(room, user))

    def in_room(self, room: str, what: str = "") -> list[str]:
        """Return the users who are typing in a room; only those who do `what`, when given."""
        return [
            user for place, user in self._timers if place == room and what in ("", self._what[place, user])
        ]

    def clear(self) -> None:
        """Forget all of them, as the connection is gone."""
        for room, user in tuple(self._timers):
            self.stopped(room, user)
